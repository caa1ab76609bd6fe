// Hosts with fewer rails, and switches with fewer uplinks, than those of their kind have: what one sweep alone can tell.
import type { FabricFinding } from '../finding.ts';
import type { FabricModel, ModelDevice, ModelPort } from '../model.ts';
import { isFactoryName } from '../names.ts';
import { deviceOf, isActive, isActiveLink, modeOf, nameOf, plural, portOf, type Judging } from './judging.ts';

/** So many of a kind, and this share of them alike, say what is usual. */
export const KIND_COUNT = 3;
export const KIND_SHARE = 2 / 3;

interface Member {
  readonly name: string;
  readonly kind: string;
  readonly count: number;
}

/** Members below what their kind usually has, with that number. */
function below<M extends Member>(
  members: readonly M[],
): readonly (M & { readonly usual: number; readonly of: number })[] {
  return [...Map.groupBy(members, ({ kind }) => kind).values()].flatMap((kind) => {
    const usual = modeOf(kind.map(({ count }) => count));
    if (!usual || kind.length < KIND_COUNT || usual.count < kind.length * KIND_SHARE) return [];
    return kind
      .filter(({ count }) => count < usual.value)
      .map((member) => ({ ...member, usual: usual.value, of: kind.length }));
  });
}

export function judgeRails({ model }: Judging): readonly FabricFinding[] {
  const unnamed = unnamedAdapters(model);
  return below(hostsOf(model)).flatMap(({ name, count, usual, of, ports }) => {
    // An adapter that lost its name is still there.
    if (ports.some(({ device }) => (unnamed.get(device.deviceId) ?? 0) >= usual - count)) return [];
    return [
      {
        id: `missing_rail:${name}`,
        kind: 'missing_rail',
        severity: 'warning',
        ports: ports.map(portOf),
        sinceMs: null,
        text: `${name} has ${plural(count, 'active rail')} of ${usual} that ${plural(of, 'host')} of its kind have`,
      },
    ];
  });
}

function hostsOf(model: FabricModel): readonly (Member & { readonly ports: readonly ModelPort[] })[] {
  const adapters = [...model.ports.values()].filter(({ device }) => device.kind === 'hca' && device.host !== null);
  return [...Map.groupBy(adapters, ({ device }) => device.host ?? '')].flatMap(([name, ports]) => {
    const active = ports.filter((port) => isActive(port) && model.linkOf.has(port.key));
    const kind = [...new Set(ports.map(({ device }) => device.deviceId ?? 0))].toSorted((a, b) => a - b).join(' ');
    return active.length === 0 ? [] : [{ name, kind, count: active.length, ports: active }];
  });
}

function unnamedAdapters({ devices }: FabricModel): ReadonlyMap<number | null, number> {
  const unnamed = [...devices.values()].filter(
    ({ kind, host, name }) => kind === 'hca' && host === null && isFactoryName(name),
  );
  return new Map([...Map.groupBy(unnamed, ({ deviceId }) => deviceId)].map(([id, { length }]) => [id, length]));
}

export function judgeUplinks({ model }: Judging): readonly FabricFinding[] {
  return below(switchesOf(model)).map(({ name, count, usual, of, device }) => ({
    id: `missing_uplink:${device.guid}`,
    kind: 'missing_uplink',
    severity: count <= usual / 2 ? 'critical' : 'warning',
    ports: [deviceOf(device)],
    sinceMs: null,
    text: `${name} has ${plural(count, 'active uplink')} of ${usual} that ${plural(of, 'switch', 'switches')} of its kind have`,
  }));
}

function switchesOf({ devices, links }: FabricModel): readonly (Member & { readonly device: ModelDevice })[] {
  const counts = new Map<string, number>();
  let top = 1;
  for (const device of devices.values()) top = Math.max(top, device.level ?? 1);
  for (const link of links) {
    const [low, high] = [link.a.device, link.b.device];
    if (link.tier === 'uplink' && isActiveLink(link) && (low.level ?? 0) < (high.level ?? 0))
      counts.set(low.guid, (counts.get(low.guid) ?? 0) + 1);
  }
  return [...devices.values()].flatMap((device) => {
    const { kind, level, deviceId, ports, guid } = device;
    if (kind !== 'switch' || level === null || level >= top) return [];
    return [
      { name: nameOf(device), kind: `${level} ${deviceId ?? '?'} ${ports}`, count: counts.get(guid) ?? 0, device },
    ];
  });
}

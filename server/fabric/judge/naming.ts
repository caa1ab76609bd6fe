// Names that mislead: doubled, left from the factory, or of another node than the one the adapter is in.
import type { FabricFinding } from '../finding.ts';
import type { FabricModel, ModelDevice } from '../model.ts';
import { hostOfName, isFactoryName } from '../names.ts';
import { deviceOf, nameOf, plural, type Judging } from './judging.ts';

const MAX_PORTS = 64;

export function judgeNaming({ model }: Judging): readonly FabricFinding[] {
  return [...doubled(model), ...misplaced(model), ...factory(model)];
}

function doubled({ devices }: FabricModel): readonly FabricFinding[] {
  const named = [...devices.values()].filter(({ kind, name }) => kind !== 'aggregation' && !isFactoryName(name));
  return [...Map.groupBy(named, ({ name }) => name)].flatMap(([name, alike]) => {
    if (alike.length < 2 || isOneHost(alike)) return [];
    const text = `${plural(alike.length, 'device')} are called ${nameOf({ guid: '', name })}: ${alike.map(({ guid }) => guid).join(', ')}`;
    return [found(`naming:${name}`, 'warning', alike, text)];
  });
}

/** Several adapters of a host may all bear the host's name alone. */
function isOneHost(alike: readonly ModelDevice[]): boolean {
  if (alike.some(({ kind }) => kind === 'switch')) return false;
  const nodes = new Set(alike.flatMap(({ node }) => node ?? []));
  return nodes.size < 2 && alike.every(({ name }) => !/\s/.test(name));
}

/** The description names another node that is known. */
function misplaced({ devices }: FabricModel): readonly FabricFinding[] {
  const nodes = new Set([...devices.values()].flatMap(({ node }) => node ?? []));
  return [...devices.values()].flatMap((device) => {
    const said = device.kind === 'hca' ? hostOfName(device.name) : null;
    if (device.node === null || said === null || said === device.node || !nodes.has(said)) return [];
    const text = `${nameOf(device)} sits in ${device.node}, its description says ${said}`;
    return [found(`naming:${device.guid}`, 'warning', [device], text)];
  });
}

function factory({ devices }: FabricModel): readonly FabricFinding[] {
  const unnamed = [...devices.values()].filter(
    ({ kind, name, node }) => (kind === 'hca' || kind === 'switch') && node === null && isFactoryName(name),
  );
  if (unnamed.length === 0) return [];
  const [first] = unnamed;
  const example = first ? `, as ${first.guid} "${first.name}"` : '';
  const text = `${plural(unnamed.length, 'device has a factory name', 'devices have factory names')}${example}`;
  return [found('naming:factory', 'info', unnamed, text)];
}

function found(
  id: string,
  severity: FabricFinding['severity'],
  devices: readonly ModelDevice[],
  text: string,
): FabricFinding {
  return { id, kind: 'naming', severity, ports: devices.slice(0, MAX_PORTS).map(deviceOf), sinceMs: null, text };
}

// Ports that were active in the last seven days and are not: told once per cause, which is a switch that is gone, a host that is
// gone, a rail of a host, an uplink, or one port. A port that never was active is an empty slot.
import type { FabricFinding, FindingPort } from '../finding.ts';
import type { AgentPort, FabricModel } from '../model.ts';
import { keyOf } from '../model.ts';
import { hostOfName } from '../names.ts';
import type { PortHistory } from '../port-history.ts';
import { isSilent } from './silent.ts';
import { deviceOf, earliest, isActive, MINUTE_MS, nameOf, plural, renderSince, type Judging } from './judging.ts';

export const LOST_AFTER_MS = MINUTE_MS;
/** With GPUs of its node in use. */
export const LOST_CRITICAL_MS = 4 * MINUTE_MS;
/** A leaf that lost this share of its uplinks. */
export const UPLINKS_CRITICAL_SHARE = 0.5;
const DISABLED = 3;

interface End {
  readonly guid: string;
  readonly port: number;
  readonly name: string;
  readonly isSwitch: boolean;
  readonly host: string | null;
  readonly agent: AgentPort | null;
  /** The device answers in this sweep. */
  readonly isThere: boolean;
}
interface Lost {
  /** Adapters first. */
  readonly ends: readonly [End] | readonly [End, End];
  readonly sinceMs: number;
  readonly isDisabled: boolean;
}

export function judgeLost(judging: Judging): readonly FabricFinding[] {
  const lost = lostLinks(judging);
  return [...Map.groupBy(lost, (one) => causeOf(judging, one))].map(([cause, links]) => tell(judging, cause, links));
}

/** Ports that stay between down and active wait for the subnet manager. */
export function judgeWaiting(judging: Judging): readonly FabricFinding[] {
  return [...judging.model.ports.values()].flatMap((port) => {
    const sinceMs = judging.history.port(port.key)?.waitingSinceMs ?? null;
    const isLong = sinceMs !== null && (judging.totals || judging.nowMs - sinceMs >= LOST_AFTER_MS);
    // The other end of the same link is in the same state.
    const { peer } = port.read;
    if (!isLong || (peer && port.device.kind === 'switch' && isWaiting(judging, keyOf(peer.guid, peer.port))))
      return [];
    const text = `${nameOf(port.device)} port ${port.port} stands in ${port.read.state === 2 ? 'INIT' : 'ARMED'}${renderSince(sinceMs, judging.nowMs)}: the subnet manager does not bring it up`;
    const ports = [{ ...deviceOf(port.device), port: port.port }];
    return [
      {
        id: `port_down:${port.key}`,
        kind: 'port_down',
        severity: judging.totals ? 'info' : 'warning',
        ports,
        sinceMs,
        text,
      },
    ];
  });
}

const isWaiting = ({ history }: Judging, key: string): boolean => history.port(key)?.waitingSinceMs != null;

function lostLinks(judging: Judging): readonly Lost[] {
  const seen = new Set<string>();
  const lost: Lost[] = [];
  for (const [key, port] of judging.history.ports) {
    const { lostSinceMs, peerWhenActive: peer } = port;
    if (lostSinceMs === null || port.waitingSinceMs !== null || judging.nowMs - lostSinceMs < LOST_AFTER_MS) continue;
    const peerKey = peer && keyOf(peer.guid, peer.port);
    if (seen.has(key) || (peerKey !== null && movedOn(judging, key, peerKey))) continue;
    seen.add(key);
    if (peerKey !== null) seen.add(peerKey);
    const end = endOf(judging, port);
    const other = peer ? endAt(judging, keyOf(peer.guid, peer.port)) : undefined;
    if (isSilent(judging, end.guid) || (other && isSilent(judging, other.guid))) continue;
    const ends: Lost['ends'] = !other ? [end] : end.isSwitch && !other.isSwitch ? [other, end] : [end, other];
    lost.push({ ends, sinceMs: lostSinceMs, isDisabled: port.read.physicalState === DISABLED });
  }
  return lost;
}

/** An adapter that is active elsewhere now was only plugged over. */
function movedOn({ model }: Judging, ...keys: readonly string[]): boolean {
  return keys.some((key) => {
    const port = model.ports.get(key);
    return port?.device.kind === 'hca' && isActive(port);
  });
}

function endOf(judging: Judging, port: PortHistory): End {
  const { guid, port: number, portGuid } = port.read;
  const device = judging.model.devices.get(guid);
  const known = device ?? judging.history.device(guid);
  const agent = judging.model.agents.get(portGuid ?? '') ?? null;
  const isSwitch = known?.kind === 'switch';
  const host = isSwitch || !known ? null : (agent?.node ?? device?.host ?? hostOfName(known.name));
  return { guid, port: number, name: known?.name ?? '', isSwitch, host, agent, isThere: device !== undefined };
}

function endAt(judging: Judging, key: string): End | undefined {
  const port = judging.history.port(key);
  return port && endOf(judging, port);
}

/** `switch GUID`, `host NAME`, `rail NAME …`, `uplink KEY`, `port KEY`: links of one cause share it. */
function causeOf({ model }: Judging, { ends }: Lost): string {
  const gone = ends.find(({ isSwitch, isThere }) => isSwitch && !isThere);
  if (gone) return `switch ${gone.guid}`;
  const [first, other] = ends;
  const key = keyOf(first.guid, first.port);
  if (first.isSwitch) return other ? `uplink ${first.guid}` : `port ${key}`;
  if (first.isThere && first.port > 0 && hasOtherPort(model, first)) return `port ${key}`;
  if (first.host === null) return `port ${key}`;
  return isHostThere(model, first.host) ? `rail ${first.host}` : `host ${first.host}`;
}

function hasOtherPort(model: FabricModel, { guid, port }: End): boolean {
  return [...model.ports.values()].some((one) => one.device.guid === guid && one.port !== port && isActive(one));
}

function isHostThere(model: FabricModel, host: string): boolean {
  return [...model.ports.values()].some((one) => one.device.host === host && isActive(one));
}

function tell(judging: Judging, cause: string, links: readonly Lost[]): FabricFinding {
  const [what = '', who = ''] = cause.split(' ', 2);
  const sinceMs = earliest(links.map((link) => link.sinceMs)) ?? judging.nowMs;
  const since = renderSince(sinceMs, judging.nowMs);
  const routes = links.map(({ ends }) => ends.map(renderEnd).join(' to '));
  const list = listed(routes);
  const disabled = links.every(({ isDisabled }) => isDisabled) ? ', disabled by somebody' : '';
  const common = { ports: links.flatMap(({ ends }) => ends.map(portOfEnd)), sinceMs };
  const isLate =
    judging.nowMs - sinceMs >= LOST_CRITICAL_MS && links.some(({ ends }) => ends.some(({ agent }) => agent?.busy));
  const severity = isLate ? 'critical' : 'warning';
  switch (what) {
    case 'switch': {
      const name = nameOf({ guid: who, name: judging.history.device(who)?.name ?? '' });
      const text = `${name} is gone${since} with ${plural(links.length, 'link')}: ${list}`;
      return { id: `port_down:${who}`, kind: 'port_down', severity: 'critical', ...common, text };
    }
    case 'uplink': {
      const isMuch = links.length >= UPLINKS_CRITICAL_SHARE * (links.length + uplinksOf(judging.model, who));
      const text = `${plural(links.length, 'uplink')} down${since}${disabled}: ${list}`;
      return {
        id: `missing_uplink:${who}`,
        kind: 'missing_uplink',
        severity: isMuch ? 'critical' : 'warning',
        ...common,
        text,
      };
    }
    case 'rail': {
      const text = `${who} lost ${plural(links.length, 'rail')}${since}${disabled}: ${list}`;
      return { id: `missing_rail:${who}`, kind: 'missing_rail', severity, ...common, text };
    }
    case 'host': {
      const text = `${who} left the fabric${since}${disabled}: ${list}`;
      return { id: `port_down:${who}`, kind: 'port_down', severity, ...common, text };
    }
    default: {
      const text = `${list} is down${since}${disabled}`;
      return { id: `port_down:${who}`, kind: 'port_down', severity, ...common, text };
    }
  }
}

const MAX_LISTED = 4;

function listed(texts: readonly string[]): string {
  const more = texts.length - MAX_LISTED;
  return texts.slice(0, MAX_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function uplinksOf({ links }: FabricModel, guid: string): number {
  return links.filter(({ a, b, tier }) => tier === 'uplink' && (a.device.guid === guid || b.device.guid === guid))
    .length;
}

const renderEnd = (end: End): string => `${nameOf(end)} port ${end.port}`;

function portOfEnd({ guid, port, agent, name }: End): FindingPort {
  return { guid, port, node: agent?.node ?? null, name: nameOf({ guid, name }) };
}

// Links that run below what they can: judged against what both ends say they could do, and against links of the same devices
// in the same place. What a whole group has in common is how it was built: an adapter's limit, a split port.
import { dataRateOf, renderSpeed } from '../rates.ts';
import type { FabricFinding } from '../finding.ts';
import type { ModelLink, ModelPort } from '../model.ts';
import { historyOf, idOfLink, isActiveLink, modeOf, portOf, renderLink, renderRate, renderSince } from './judging.ts';
import { earliest, plural, type Judging } from './judging.ts';

/** Slower than this share of what its group has. */
export const DEGRADED_BELOW = 0.8;
/** A group that can say what is usual: so many links, and this share of them alike. */
export const GROUP_LINKS = 4;
export const GROUP_SHARE = 2 / 3;
/** A speed that more than this share has is how some of them were built. */
export const FEW_SHARE = 0.2;
/** A hint that this share of a group shares is a limit of its devices. */
export const HINT_SHARE = 0.5;
/** Switches whose ports are split count this many and more; two lanes are all that half a port has. */
export const SPLIT_PORTS = 80;
const SPLIT_LANES = 2;

interface Speed {
  readonly lanes: number;
  readonly lane: number;
}
interface Shortfall {
  readonly expected: Speed;
  readonly why: string;
}

/** A link with its speed now, and the better one that both ends could do. */
interface Running {
  readonly link: ModelLink;
  readonly speed: Speed;
  readonly name: string;
  readonly best: Speed | undefined;
  /** The speed of now and the hint together. */
  readonly hint: string;
}
interface Group {
  readonly size: number;
  /** How many run at each speed, and how many share each hint. */
  readonly speeds: ReadonlyMap<string, number>;
  readonly hints: ReadonlyMap<string, number>;
  readonly usual: Running | undefined;
}

export function judgeDegraded(judging: Judging): readonly FabricFinding[] {
  const running = judging.model.links.flatMap(runningOf);
  const byModel = groupsOf(running, ({ link }) => modelOf(link));
  const byRole = groupsOf(running, ({ link }) => roleOf(link));
  return running.flatMap((one) => {
    const role = byRole.get(roleOf(one.link));
    // A role of a few tells nothing: then all of the same model do.
    const group = role && role.size >= GROUP_LINKS ? role : byModel.get(modelOf(one.link));
    const short = group && (shortOfGroup(one, group) ?? shortOfEnds(one, group));
    return short ? [tell(judging, one, short)] : [];
  });
}

function tell(judging: Judging, { link, speed, name }: Running, { expected, why }: Shortfall): FabricFinding {
  const sinceMs = earliest([link.a, link.b].map((end) => historyOf(judging, end)?.speedSinceMs));
  const rate = renderRate(dataRateOf(speed.lanes, speed.lane) ?? 0);
  return {
    id: `degraded:${idOfLink(link)}`,
    kind: speed.lanes < expected.lanes ? 'degraded_width' : 'degraded_speed',
    severity: isVital(link) ? 'critical' : 'warning',
    ports: [portOf(link.a), portOf(link.b)],
    sinceMs,
    text: `${renderLink(link)} runs at ${name} (${rate})${renderSince(sinceMs, judging.nowMs)}: ${why}`,
  };
}

function runningOf(link: ModelLink): readonly Running[] {
  const speed = speedOf(link);
  if (link.tier === 'loop' || !speed || !isActiveLink(link)) return [];
  const best = bestOf(link, speed);
  const name = nameOfSpeed(speed);
  return [{ link, speed, name, best, hint: best ? `${name} ${nameOfSpeed(best)}` : '' }];
}

function groupsOf(running: readonly Running[], keyOf: (one: Running) => string): ReadonlyMap<string, Group> {
  return new Map(
    [...Map.groupBy(running, keyOf)].map(([key, all]) => {
      const speeds = countsOf(all.map(({ name }) => name));
      const most = modeOf(all.map(({ name }) => name));
      const usual = all.find(({ name }) => name === most?.value);
      return [key, { size: all.length, speeds, hints: countsOf(all.map(({ hint }) => hint)), usual }];
    }),
  );
}

function countsOf(texts: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(texts, (text) => text)].map(([text, { length }]) => [text, length]));
}

/** An uplink carries many hosts; a rail of GPUs in use holds all ranks of a job. */
function isVital({ tier, a }: ModelLink): boolean {
  return tier === 'uplink' || (a.agent?.busy === true && a.agent.role !== 'storage' && a.agent.role !== 'management');
}

/** Links between the same models of devices, at the same place. */
function modelOf({ tier, a, b }: ModelLink): string {
  const end = ({ device }: ModelPort): string =>
    `${device.kind}:${device.deviceId ?? '?'}:${device.kind === 'switch' ? `${device.ports}:${device.level ?? '?'}` : ''}`;
  return `${tier} ${end(a)} ${end(b)}`;
}

/** And of hosts called alike: `luna-0012` and `luna-0013`, or `ai400x-1`. Names only part what devices have in common. */
function roleOf(link: ModelLink): string {
  return `${modelOf(link)} ${(link.a.device.host ?? '').replace(/[\d-]+/g, '')}`;
}

function speedOf({ a, b }: ModelLink): Speed | undefined {
  const lanes = a.read.widthLanes ?? b.read.widthLanes;
  const lane = a.read.laneBytesPerSecond ?? b.read.laneBytesPerSecond;
  return lanes === null || lane === null ? undefined : { lanes, lane };
}

const nameOfSpeed = ({ lanes, lane }: Speed): string => renderSpeed(lanes, lane);

function shortOfGroup({ link, speed, name }: Running, { size, speeds, usual }: Group): Shortfall | undefined {
  const count = (one: string): number => speeds.get(one) ?? 0;
  if (!usual || size < GROUP_LINKS || count(usual.name) < size * GROUP_SHARE) return undefined;
  const rate = dataRateOf(speed.lanes, speed.lane) ?? Infinity;
  const expected = dataRateOf(usual.speed.lanes, usual.speed.lane) ?? 0;
  // One of four is a fault and no way of building.
  const isFew = count(name) <= Math.max(1, size * FEW_SHARE);
  if (rate >= DEGRADED_BELOW * expected || !isFew || isSplit(link, speed)) return undefined;
  return { expected: usual.speed, why: `${count(usual.name)} of ${plural(size, 'such link')} run at ${usual.name}` };
}

function isSplit({ a, b }: ModelLink, { lanes }: Speed): boolean {
  return lanes === SPLIT_LANES && [a, b].some(({ device }) => device.kind === 'switch' && device.ports >= SPLIT_PORTS);
}

function shortOfEnds({ best, hint }: Running, { size, hints }: Group): Shortfall | undefined {
  if (!best || (size > 1 && (hints.get(hint) ?? 0) >= size * HINT_SHARE)) return undefined;
  return { expected: best, why: `both ends could do ${nameOfSpeed(best)}` };
}

/** What both ends could do where that is more. */
function bestOf({ a, b }: ModelLink, now: Speed): Speed | undefined {
  const lanes = Math.max(a.read.widthLanesBest ?? 0, b.read.widthLanesBest ?? 0, now.lanes);
  const lane = Math.max(a.read.laneBytesPerSecondBest ?? 0, b.read.laneBytesPerSecondBest ?? 0, now.lane);
  return lanes > now.lanes || lane > now.lane * 1.01 ? { lanes, lane } : undefined;
}

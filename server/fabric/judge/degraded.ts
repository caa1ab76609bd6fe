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

export function judgeDegraded(judging: Judging): readonly FabricFinding[] {
  const links = judging.model.links.filter((link) => link.tier !== 'loop' && isActiveLink(link) && speedOf(link));
  const groups = Map.groupBy(links, groupOf);
  return [...groups.values()].flatMap((group) => group.flatMap((link) => judgeLink(judging, link, group)));
}

function judgeLink(judging: Judging, link: ModelLink, group: readonly ModelLink[]): readonly FabricFinding[] {
  const now = speedOf(link);
  const short = now && (shortOfGroup(link, now, group) ?? shortOfEnds(link, now, group));
  if (!now || !short) return [];
  const kind = now.lanes < short.expected.lanes ? 'degraded_width' : 'degraded_speed';
  const sinceMs = earliest([link.a, link.b].map((end) => historyOf(judging, end)?.speedSinceMs));
  const rate = dataRateOf(now.lanes, now.lane) ?? 0;
  return [
    {
      id: `degraded:${idOfLink(link)}`,
      kind,
      severity: isVital(link) ? 'critical' : 'warning',
      ports: [portOf(link.a), portOf(link.b)],
      sinceMs,
      text:
        `${renderLink(link)} runs at ${renderSpeed(now.lanes, now.lane)} (${renderRate(rate)})` +
        `${renderSince(sinceMs, judging.nowMs)}: ${short.why}`,
    },
  ];
}

/** An uplink carries many hosts; a rail of GPUs in use holds all ranks of a job. */
function isVital({ tier, a }: ModelLink): boolean {
  return tier === 'uplink' || (a.agent?.busy === true && a.agent.role !== 'storage' && a.agent.role !== 'management');
}

/** Links between the same models of devices, at the same place. */
function groupOf({ tier, a, b }: ModelLink): string {
  const end = ({ device }: ModelPort): string =>
    `${device.kind}:${device.deviceId ?? '?'}:${device.kind === 'switch' ? `${device.ports}:${device.level ?? '?'}` : ''}`;
  return `${tier} ${end(a)} ${end(b)}`;
}

function speedOf({ a, b }: ModelLink): Speed | undefined {
  const lanes = a.read.widthLanes ?? b.read.widthLanes;
  const lane = a.read.laneBytesPerSecond ?? b.read.laneBytesPerSecond;
  return lanes === null || lane === null ? undefined : { lanes, lane };
}

const nameOfSpeed = ({ lanes, lane }: Speed): string => renderSpeed(lanes, lane);

function shortOfGroup(link: ModelLink, now: Speed, group: readonly ModelLink[]): Shortfall | undefined {
  const speeds = group.flatMap((one) => speedOf(one) ?? []);
  const usual = modeOf(speeds.map(nameOfSpeed));
  const expected = speeds.find((speed) => nameOfSpeed(speed) === usual?.value);
  if (!usual || !expected || group.length < GROUP_LINKS || usual.count < group.length * GROUP_SHARE) return undefined;
  const rate = dataRateOf(now.lanes, now.lane) ?? Infinity;
  if (rate >= DEGRADED_BELOW * (dataRateOf(expected.lanes, expected.lane) ?? 0) || isSplit(link, now)) return undefined;
  return { expected, why: `${usual.count} of ${plural(group.length, 'such link')} run at ${usual.value}` };
}

function isSplit({ a, b }: ModelLink, { lanes }: Speed): boolean {
  return lanes === SPLIT_LANES && [a, b].some(({ device }) => device.kind === 'switch' && device.ports >= SPLIT_PORTS);
}

function shortOfEnds(link: ModelLink, now: Speed, group: readonly ModelLink[]): Shortfall | undefined {
  const expected = bestOf(link, now);
  if (!expected) return undefined;
  const alike = group.filter((one) => {
    const speed = speedOf(one);
    const best = speed && bestOf(one, speed);
    return best && nameOfSpeed(speed) === nameOfSpeed(now) && nameOfSpeed(best) === nameOfSpeed(expected);
  }).length;
  if (group.length > 1 && alike >= group.length * HINT_SHARE) return undefined;
  return { expected, why: `both ends could do ${nameOfSpeed(expected)}` };
}

/** What both ends could do where that is more. */
function bestOf({ a, b }: ModelLink, now: Speed): Speed | undefined {
  const lanes = Math.max(a.read.widthLanesBest ?? 0, b.read.widthLanesBest ?? 0, now.lanes);
  const lane = Math.max(a.read.laneBytesPerSecondBest ?? 0, b.read.laneBytesPerSecondBest ?? 0, now.lane);
  return lanes > now.lanes || lane > now.lane * 1.01 ? { lanes, lane } : undefined;
}

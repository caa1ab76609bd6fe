// Congestion: bandwidth lost to waiting for credits, by direction, judged on its lower bound alone; and packets that waited until
// a switch dropped them.
import type { FabricFinding, FindingSeverity } from '../finding.ts';
import type { ModelLink, ModelPort } from '../model.ts';
import type { CongestionRatio, PortHistory } from '../port-history.ts';
import { CONGESTION_CRITICAL, CONGESTION_WARN } from '../port-history.ts';
import {
  historyOf,
  idOfLink,
  isActive,
  MINUTE_MS,
  nameOf,
  plural,
  portOf,
  renderPercent,
  renderPort,
  renderRate,
  renderSince,
  type Judging,
} from './judging.ts';

export { CONGESTION_CRITICAL, CONGESTION_WARN };
export const CONGESTION_AFTER_MS = MINUTE_MS;
export const DROP_WINDOW_MS = 12 * MINUTE_MS;
/** Drops whose cause is not read. */
export const DISCARDS_WARN = 200;
/** Totals since the last reset that are worth a look, as infiniband-diags has them. */
export const TOTAL_DISCARDS = 100;

interface Wait {
  readonly from: ModelPort;
  readonly to: ModelPort;
  readonly severity: FindingSeverity;
  readonly sinceMs: number | null;
  readonly ratio: CongestionRatio | null;
  readonly dropped: number;
}

export function judgeCongestion(judging: Judging): readonly FabricFinding[] {
  return judging.model.links.flatMap((link) => {
    if (link.tier === 'loop') return [];
    const waits = [waitOf(judging, link.a, link.b), waitOf(judging, link.b, link.a)].filter(
      (wait) => wait !== undefined,
    );
    const [worst] = waits.toSorted((one, other) => weight(other) - weight(one));
    return worst ? [tell(judging, link, worst, waits.length > 1)] : [];
  });
}

const weight = ({ severity, ratio }: Wait): number => (severity === 'critical' ? 10 : 0) + (ratio?.low ?? 0);

function waitOf(judging: Judging, from: ModelPort, to: ModelPort): Wait | undefined {
  const port = historyOf(judging, from);
  if (!port || !isActive(from)) return undefined;
  if (judging.totals) return waitOfTotals(port, from, to);
  const { nowMs } = judging;
  const lasting = (sinceMs: number | null): boolean => sinceMs !== null && nowMs - sinceMs >= CONGESTION_AFTER_MS;
  const waits = lasting(port.congestedSinceMs);
  const drops = dropsOf(port, nowMs, waits);
  if (!waits && drops.count === 0) return undefined;
  const severity = lasting(port.severeSinceMs) || drops.isSevere ? 'critical' : 'warning';
  const sinceMs = waits ? port.congestedSinceMs : drops.sinceMs;
  return { from, to, severity, sinceMs, ratio: waits ? port.congestion : null, dropped: drops.count };
}

interface Drops {
  readonly count: number;
  readonly isSevere: boolean;
  readonly sinceMs: number | null;
}

/** Head-of-queue drops speak for themselves. Drops of an unread cause do where the port waits, or where there are many and it stayed up. */
function dropsOf(port: PortHistory, nowMs: number, waits: boolean): Drops {
  const sinceMs = nowMs - DROP_WINDOW_MS;
  const grown = (name: string): Drops => ({
    count: port.gained(name, sinceMs),
    isSevere: true,
    sinceMs: port.growth(name)?.first(sinceMs) ?? null,
  });
  const headOfQueue = grown('PortSwHOQLifetimeLimitDiscards');
  if (headOfQueue.count > 0) return headOfQueue;
  const all = grown('PortXmitDiscards');
  const otherwise =
    port.gained('PortInactiveDiscards', sinceMs) > 0 ||
    port.gained('PortNeighborMTUDiscards', sinceMs) > 0 ||
    port.gained('LinkDownedCounter', sinceMs) > 0;
  if (otherwise || all.count === 0) return { count: 0, isSevere: false, sinceMs: null };
  if (waits) return all;
  return { ...all, count: all.count >= DISCARDS_WARN ? all.count : 0, isSevere: false };
}

function waitOfTotals({ read: { counters } }: PortHistory, from: ModelPort, to: ModelPort): Wait | undefined {
  const headOfQueue = Number(counters['PortSwHOQLifetimeLimitDiscards'] ?? 0);
  const all = Number(counters['PortXmitDiscards'] ?? 0);
  const dropped = headOfQueue > 0 ? headOfQueue : all >= TOTAL_DISCARDS ? all : 0;
  return dropped > 0 ? { from, to, severity: 'info', sinceMs: null, ratio: null, dropped } : undefined;
}

function tell(judging: Judging, link: ModelLink, wait: Wait, bothWays: boolean): FabricFinding {
  const { from, to, severity, sinceMs, ratio, dropped } = wait;
  const figures = [
    ratio ? [`loses ${renderLoss(ratio, from.dataRate ?? link.dataRate)} to waiting`] : [],
    dropped > 0 ? [`dropped ${plural(dropped, 'packet')}${severity === 'info' ? ' since the last reset' : ''}`] : [],
  ].flat();
  const text =
    `${renderPort(from)} towards ${renderPort(to)} ${figures.join(' and ')}${renderSince(sinceMs, judging.nowMs)}: ` +
    `${meaningOf(link, from)}${bothWays ? '; the other direction waits too' : ''}`;
  const ports = [portOf(from), portOf(to)];
  return { id: `congestion:${idOfLink(link)}`, kind: 'congestion', severity, ports, sinceMs, text };
}

function renderLoss({ low, high }: CongestionRatio, dataRate: number | null): string {
  const rate = dataRate === null ? '' : ` (${renderRate(low * dataRate)})`;
  const isRange = renderPercent(low) !== renderPercent(high);
  return isRange ? `${renderPercent(low)}${rate} to ${renderPercent(high)}` : `${renderPercent(low)}${rate}`;
}

/** An adapter that waits cannot send; a switch that waits for a host has a slow receiver; between switches it is a hot spot. */
function meaningOf({ tier, a }: ModelLink, from: ModelPort): string {
  if (tier !== 'host') return 'a hot spot between switches';
  return from === a
    ? 'the host cannot send, the fabric pushes back'
    : `${a.device.host ?? nameOf(a.device)} drains slowly`;
}

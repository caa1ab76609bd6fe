// Bad links and flapping ones, by what their error counters gained at either end. RcvRemotePhysical (bad upstream),
// RcvSwitchRelay and VL15Dropped never say anything of a link.
import type { FabricFinding, FindingSeverity } from '../finding.ts';
import type { ModelLink, ModelPort } from '../model.ts';
import type { PortHistory } from '../port-history.ts';
import {
  earliest,
  historyOf,
  HOUR_MS,
  idOfLink,
  MINUTE_MS,
  plural,
  portOf,
  renderLink,
  renderPort,
  renderSince,
  type Judging,
} from './judging.ts';

/** EDR: a bit error rate of 1e-14 is 0.7 symbol errors in 12 min. */
export const SYMBOL_WINDOW_MS = 12 * MINUTE_MS;
export const SYMBOL_TWICE_WITHIN_MS = 2 * HOUR_MS;
export const SYMBOLS_WARN = 10;
export const SYMBOLS_CRITICAL_PER_MINUTE = 100;
export const RECOVERY_WINDOW_MS = 10 * MINUTE_MS;
/** Growth that is rare and strong stays in view for so long. */
export const STRONG_WINDOW_MS = 2 * HOUR_MS;
export const RECEIVE_ERRORS_WARN = 10;
export const FLAP_WINDOW_MS = 12 * HOUR_MS;
export const FLAPS_CRITICAL = 3;
/** Both ends of a link see it go down at the same time, but are not read at the same time. */
export const FLAP_TOLERANCE_MS = 2 * MINUTE_MS;
/** A node that starts takes its links down and up again. */
export const BOOT_BEFORE_MS = 15 * MINUTE_MS;
export const BOOT_AFTER_MS = 5 * MINUTE_MS;
/** Totals since the last reset that are worth a look, as infiniband-diags has them. */
export const TOTAL_ERRORS = 10;

/** Told with both ends and all figures; the graver of both kinds, because a bad cable makes links flap. */
export function judgeQuality(judging: Judging): readonly FabricFinding[] {
  return judging.model.links.flatMap((link) => {
    if (judging.totals) return judgeTotals(judging, link);
    const bad = judgeBad(judging, link);
    const flap = judgeFlap(judging, link);
    if (!bad || !flap) return [bad ?? flap ?? []].flat();
    return [flap.severity === 'critical' && bad.severity !== 'critical' ? flap : bad];
  });
}

type Strength = Exclude<FindingSeverity, 'info'>;
interface Sign {
  readonly severity: Strength;
  readonly sinceMs: number | null;
  readonly text: string;
}

function judgeBad(judging: Judging, link: ModelLink): FabricFinding | undefined {
  const signs = [link.a, link.b].flatMap((end) => {
    const port = historyOf(judging, end);
    return port ? signsOf(port, judging.nowMs).map((sign) => ({ ...sign, end })) : [];
  });
  if (signs.length === 0) return undefined;
  const severity = signs.some((sign) => sign.severity === 'critical') ? 'critical' : 'warning';
  const sinceMs = earliest(signs.map((sign) => sign.sinceMs));
  const figures = signs.map(({ text, end }) => `${renderPort(end)} gained ${text}`);
  const text = `${renderLink(link)} is bad${renderSince(sinceMs, judging.nowMs)}: ${figures.join('; ')}`;
  return found(link, { kind: 'bad_link', severity, sinceMs, text });
}

function signsOf(port: PortHistory, nowMs: number): readonly Sign[] {
  return [
    symbolSign(port, nowMs),
    recoverySign(port, nowMs),
    thresholdSign(port, nowMs),
    receiveSign(port, nowMs),
  ].filter((sign) => sign !== undefined);
}

function symbolSign(port: PortHistory, nowMs: number): Sign | undefined {
  const recent = port.gained('SymbolErrorCounter', nowMs - SYMBOL_WINDOW_MS);
  const windowMs = Math.max(MINUTE_MS, port.spanMs);
  const perMinute = (port.gained('SymbolErrorCounter', nowMs - windowMs) / windowMs) * MINUTE_MS;
  const isCritical = perMinute > SYMBOLS_CRITICAL_PER_MINUTE;
  if (!isCritical && recent < SYMBOLS_WARN && !grewTwice(port, nowMs)) return undefined;
  const sinceMs = port.growth('SymbolErrorCounter')?.first(nowMs - SYMBOL_TWICE_WITHIN_MS) ?? null;
  const text = isCritical
    ? `${Math.round(perMinute)} symbol errors a minute`
    : `${plural(port.gained('SymbolErrorCounter', nowMs - SYMBOL_TWICE_WITHIN_MS), 'symbol error')} in 2 h`;
  return { severity: isCritical ? 'critical' : 'warning', sinceMs, text };
}

/** In two windows of 12 minutes that do not overlap, within 2 h. */
function grewTwice(port: PortHistory, nowMs: number): boolean {
  const cells = port.growth('SymbolErrorCounter')?.cells ?? [];
  const times = cells.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs]);
  const recent = times.filter((time) => time > nowMs - SYMBOL_TWICE_WITHIN_MS);
  return (recent.at(-1) ?? 0) - (recent[0] ?? Infinity) >= SYMBOL_WINDOW_MS;
}

function recoverySign(port: PortHistory, nowMs: number): Sign | undefined {
  const count = port.gained('LinkErrorRecoveryCounter', nowMs - STRONG_WINDOW_MS);
  if (count === 0) return undefined;
  const withSymbols =
    port.gained('LinkErrorRecoveryCounter', nowMs - RECOVERY_WINDOW_MS) > 0 &&
    port.gained('SymbolErrorCounter', nowMs - SYMBOL_WINDOW_MS) > 0;
  return {
    severity: withSymbols ? 'critical' : 'warning',
    sinceMs: port.growth('LinkErrorRecoveryCounter')?.first(nowMs - STRONG_WINDOW_MS) ?? null,
    text: `${plural(count, 'link recovery', 'link recoveries')}${withSymbols ? ' together with symbol errors' : ''}`,
  };
}

/** Counters of passed thresholds: any growth is strong. */
function thresholdSign(port: PortHistory, nowMs: number): Sign | undefined {
  const sinceMs = nowMs - STRONG_WINDOW_MS;
  const integrity = port.gained('LocalLinkIntegrityErrors', sinceMs);
  const overrun = port.gained('ExcessiveBufferOverrunErrors', sinceMs);
  if (integrity + overrun === 0) return undefined;
  const parts = [
    integrity > 0 ? [plural(integrity, 'link integrity error')] : [],
    overrun > 0 ? [plural(overrun, 'buffer overrun')] : [],
  ].flat();
  const first = ['LocalLinkIntegrityErrors', 'ExcessiveBufferOverrunErrors'].map((name) =>
    port.growth(name)?.first(sinceMs),
  );
  return { severity: 'warning', sinceMs: earliest(first), text: parts.join(' and ') };
}

function receiveSign(port: PortHistory, nowMs: number): Sign | undefined {
  const count = port.gained('PortRcvErrors', nowMs - SYMBOL_WINDOW_MS);
  if (count < RECEIVE_ERRORS_WARN) return undefined;
  const sinceMs = port.growth('PortRcvErrors')?.first(nowMs - SYMBOL_WINDOW_MS) ?? null;
  return { severity: 'warning', sinceMs, text: `${plural(count, 'receive error')} in 12 min` };
}

function judgeFlap(judging: Judging, link: ModelLink): FabricFinding | undefined {
  const [a, b] = [historyOf(judging, link.a), historyOf(judging, link.b)];
  if (!a || !b) return undefined;
  const downs = confirmedDowns(downsOf(judging, link.a, a), downsOf(judging, link.b, b));
  if (downs.count === 0) return undefined;
  const severity = downs.count >= FLAPS_CRITICAL ? 'critical' : 'warning';
  const text = `${renderLink(link)} went down ${plural(downs.count, 'time')}${renderSince(downs.firstMs, judging.nowMs)}, as both ends count`;
  return found(link, { kind: 'flap', severity, sinceMs: downs.firstMs, text });
}

interface Down {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly amount: number;
}

function downsOf({ nowMs }: Judging, { agent }: ModelPort, port: PortHistory): readonly Down[] {
  const bootMs = agent?.bootMs ?? null;
  return (port.growth('LinkDownedCounter')?.cells ?? []).filter(
    ({ fromMs, untilMs }) =>
      untilMs > nowMs - FLAP_WINDOW_MS &&
      (bootMs === null || untilMs < bootMs - BOOT_BEFORE_MS || fromMs > bootMs + BOOT_AFTER_MS),
  );
}

function confirmedDowns(
  ofA: readonly Down[],
  ofB: readonly Down[],
): { readonly count: number; readonly firstMs: number | null } {
  let count = 0;
  let firstMs: number | null = null;
  for (const down of ofA) {
    const seen = ofB
      .filter(
        ({ fromMs, untilMs }) =>
          fromMs <= down.untilMs + FLAP_TOLERANCE_MS && untilMs >= down.fromMs - FLAP_TOLERANCE_MS,
      )
      .reduce((sum, { amount }) => sum + amount, 0);
    if (seen === 0) continue;
    count += Math.min(down.amount, seen);
    firstMs ??= down.fromMs;
  }
  return { count, firstMs };
}

const totalsTold = [
  ['SymbolErrorCounter', 'symbol errors'],
  ['LinkErrorRecoveryCounter', 'link recoveries'],
  ['LocalLinkIntegrityErrors', 'link integrity errors'],
  ['ExcessiveBufferOverrunErrors', 'buffer overruns'],
  ['PortRcvErrors', 'receive errors'],
] as const;

function judgeTotals(judging: Judging, link: ModelLink): readonly FabricFinding[] {
  const figures = [link.a, link.b].flatMap((end) => {
    const counters = historyOf(judging, end)?.read.counters ?? {};
    return totalsTold.flatMap(([name, words]) =>
      Number(counters[name] ?? 0) >= TOTAL_ERRORS ? [`${renderPort(end)} counts ${counters[name] ?? ''} ${words}`] : [],
    );
  });
  if (figures.length === 0) return [];
  const text = `${renderLink(link)}: ${figures.join('; ')} since the last reset; one sweep tells no rate`;
  return [found(link, { kind: 'bad_link', severity: 'info', sinceMs: null, text })];
}

function found(link: ModelLink, finding: Pick<FabricFinding, 'kind' | 'severity' | 'sinceMs' | 'text'>): FabricFinding {
  return { id: `${finding.kind}:${idOfLink(link)}`, ports: [portOf(link.a), portOf(link.b)], ...finding };
}

// Which resolution answers a query, so that no answer has more points than a screen has pixels.
import type { Resolution } from '../store/entries.ts';

/** About as many as a wide chart has pixels. */
export const MAX_POINTS = 2000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const MOST_OF_IT = 0.9;
/** Readings are decoded one by one. */
const LONGEST_RAW_MS = 2 * HOUR_MS;
const LONGEST_MINUTES_MS = 7 * 24 * HOUR_MS;

export interface Plan {
  readonly resolution: Resolution;
  readonly stepMs: number;
}

/** `journalSinceMs`: from where on readings as received are kept; undefined where there are none. */
export function planQuery(
  { fromMs, toMs, stepMs }: { readonly fromMs: number; readonly toMs: number; readonly stepMs: number | undefined },
  journalSinceMs: number | undefined,
): Plan {
  const widthMs = toMs - fromMs;
  // Every reading, whatever there is of them.
  if (stepMs === 0) return { resolution: 'raw', stepMs: 0 };
  const leastMs = Math.ceil(widthMs / MAX_POINTS);
  const wantedMs = Math.max(stepMs ?? 0, leastMs);
  const kept = journalSinceMs !== undefined && fromMs >= journalSinceMs;
  // A range that begins before the readings is still best answered by them where they hold its larger part.
  const held = journalSinceMs === undefined ? 0 : (toMs - Math.max(fromMs, journalSinceMs)) / widthMs;
  if ((kept || held >= MOST_OF_IT) && widthMs <= LONGEST_RAW_MS && wantedMs < HOUR_MS)
    return { resolution: 'raw', stepMs: roundUp(wantedMs, 1000) };
  if (widthMs <= LONGEST_MINUTES_MS) return { resolution: 'minute', stepMs: roundUp(wantedMs, MINUTE_MS) };
  return { resolution: 'hour', stepMs: roundUp(wantedMs, HOUR_MS) };
}

function roundUp(ms: number, unit: number): number {
  return Math.max(1, Math.ceil(ms / unit)) * unit;
}

// Whether a GPU's profiling counters can be believed: they die silently (DCGM 202, dcgm-exporter 662) and read 0 for weeks.
// A GPU that is busy by the driver's count and draws more than half of its power limit has an engine that is active.
import { absent, isAbsent, type Absence } from '#agent/contract';

const BUSY = 0.9;
const POWER_SHARE = 0.5;
/** How long both must say so at a stretch. */
const SUSPECT_AFTER_MS = 60_000;
/** How long the counters must have moved to be believed again. */
const CLEAR_AFTER_MS = 10_000;
/** After a longer gap between two looks nobody knows what was between. */
const LONGEST_GAP_MS = 30_000;

export interface DcpEvidence {
  /** 0–1. */
  readonly utilization: number | Absence | undefined;
  readonly powerWatts: number | Absence | undefined;
  readonly limitWatts: number | Absence | undefined;
  /** Any of the profiling counters, 0–1; the graphics engine's is the widest. Absent counts as 0: it died, too. */
  readonly engineActive: number | Absence | undefined;
}

/** One GPU's. */
export class DcpCheck {
  #lastMs: number | undefined;
  /** Since when the counters have stood still while the GPU works, and since when they have moved. */
  #deadMs: number | undefined;
  #aliveMs: number | undefined;
  #isSuspect = false;

  /** Absent while nothing but the counters themselves says whether the GPU works. */
  judge(nowMs: number, evidence: DcpEvidence): boolean | Absence {
    const isGap = this.#lastMs === undefined || nowMs - this.#lastMs > LONGEST_GAP_MS || nowMs < this.#lastMs;
    this.#lastMs = nowMs;
    const moves = isNumber(evidence.engineActive) && evidence.engineActive > 0;
    const works = worksBy(evidence);
    this.#aliveMs = moves ? (isGap ? nowMs : (this.#aliveMs ?? nowMs)) : undefined;
    this.#deadMs = !moves && works === true ? (isGap ? nowMs : (this.#deadMs ?? nowMs)) : undefined;
    if (this.#deadMs !== undefined && nowMs - this.#deadMs >= SUSPECT_AFTER_MS) this.#isSuspect = true;
    if (this.#aliveMs !== undefined && nowMs - this.#aliveMs >= CLEAR_AFTER_MS) this.#isSuspect = false;
    if (this.#isSuspect) return true;
    return moves || !isAbsent(works) ? false : works;
  }
}

function worksBy({ utilization, powerWatts, limitWatts }: DcpEvidence): boolean | Absence {
  for (const one of [utilization, powerWatts, limitWatts]) {
    if (one === undefined) return absent('unsupported');
    if (isAbsent(one)) return one;
  }
  return (
    isNumber(utilization) &&
    isNumber(powerWatts) &&
    isNumber(limitWatts) &&
    limitWatts > 0 &&
    utilization > BUSY &&
    powerWatts > POWER_SHARE * limitWatts
  );
}

function isNumber(value: number | Absence | undefined): value is number {
  return typeof value === 'number';
}

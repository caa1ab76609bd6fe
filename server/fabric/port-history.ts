// One port over time: what it gained between two readings, since when it waits, when it was last active. Bounded, and small
// for a port that nothing happens to.
import type { FabricPort } from '#agent/contract';
import { BYTES_PER_WORD, causesOf, counterBits, isSaturated } from './counters.ts';
import { GrowthLog } from './growth.ts';
import { dataRateOf } from './rates.ts';
import { learnTick, longTick, type TickBytes } from './ticks.ts';
import { Traffic } from './traffic.ts';

/** Per second, over the last two readings; null where they do not tell. */
export interface PortRates {
  readonly receivedBytes: number | null;
  readonly transmittedBytes: number | null;
  readonly waitTicks: number | null;
}

/** Share of the link's bandwidth that waiting lost, between both bounds. */
export interface CongestionRatio {
  readonly low: number;
  readonly high: number;
}

export const CONGESTION_WARN = 0.05;
export const CONGESTION_CRITICAL = 0.2;

const ACTIVE = 4;
const noRates: PortRates = { receivedBytes: null, transmittedBytes: null, waitTicks: null };
/** Rates do not say when a port is bad: these counters' growth does. */
const unlogged: ReadonlySet<string> = new Set([
  ...Object.keys(counterBits).filter((name) => /Data$|Pkts$/.test(name)),
  'PortXmitWait',
]);

export class PortHistory {
  read: FabricPort;
  /** When the counters were last read. */
  atMs: number;
  rates: PortRates = noRates;
  congestion: CongestionRatio | null = null;
  /** Since when the lower bound has stayed at a warning, and at a critical level. */
  congestedSinceMs: number | null = null;
  severeSinceMs: number | null = null;
  resets = 0;
  lastResetMs: number | null = null;
  saturated: ReadonlySet<string> = new Set();
  /** When it was last seen active, and where it led then. */
  activeMs: number | null = null;
  peerWhenActive: FabricPort['peer'] = null;
  /** Since when it is not active, after it was. */
  lostSinceMs: number | null = null;
  /** Since when it has the width and speed of now; null if it had them when it was first seen. */
  speedSinceMs: number | null = null;
  /** Between the last two readings of its counters. */
  spanMs = 0;
  /** Since when it stands in a state between down and active. */
  waitingSinceMs: number | null = null;
  /** Every counter as it was last read: not each sweep reads them all. */
  known: FabricPort['counters'];
  readonly traffic = new Traffic();
  readonly #growth = new Map<string, GrowthLog>();

  constructor(read: FabricPort, atMs: number) {
    this.read = read;
    this.atMs = atMs;
    this.#takeState(read, atMs);
    this.saturated = saturatedOf(read);
    this.known = read.counters;
  }

  growth(counter: string): GrowthLog | undefined {
    return this.#growth.get(counter);
  }

  /** What a counter gained since a time. */
  gained(counter: string, sinceMs: number): number {
    return this.#growth.get(counter)?.sum(sinceMs) ?? 0;
  }

  /** Takes the next reading. Returns the tick length that it proves, if it does. */
  take(read: FabricPort, atMs: number, tick: TickBytes): number | undefined {
    this.#takeState(read, atMs);
    if (read.widthLanes !== this.read.widthLanes || read.laneBytesPerSecond !== this.read.laneBytesPerSecond)
      this.speedSinceMs = atMs;
    const isNew = Object.keys(read.counters).length > 0 && atMs > this.atMs;
    if (!isNew) {
      // Topology is newer, counters are those of before.
      this.read = { ...read, counters: this.read.counters, hasWideErrors: this.read.hasWideErrors };
      return undefined;
    }
    const gains = gainsOf({ counters: this.read.counters, known: this.known }, read);
    const beforeMs = this.atMs;
    this.spanMs = atMs - beforeMs;
    const spanSeconds = this.spanMs / 1000;
    this.read = read;
    this.atMs = atMs;
    this.saturated = saturatedOf(read);
    if (gains.fell) {
      this.resets++;
      this.lastResetMs = atMs;
    }
    for (const [name, amount] of gains.grown) if (!unlogged.has(name)) this.#log(name).add(atMs, amount);
    this.#logCauses(read);
    this.known = merged(this.known, read.counters);
    this.rates = ratesOf(gains, spanSeconds);
    const { receivedBytes, transmittedBytes } = this.rates;
    if (receivedBytes !== null && transmittedBytes !== null)
      this.traffic.add(atMs, (receivedBytes + transmittedBytes) * spanSeconds, spanSeconds);
    return this.#takeCongestion(tick, beforeMs);
  }

  /** Causes are read only after their sum grew: where there is but one of them, it is all of the growth. */
  #logCauses({ counters }: FabricPort): void {
    for (const { sum, causes } of causesOf) {
      const found = causes.filter((name) => name in counters);
      const [only, other] = found.filter((name) => counters[name] !== '0');
      if (only === undefined || other !== undefined || found.some((name) => name in this.known)) continue;
      const cells = this.#growth.get(sum)?.cells ?? [];
      for (const { untilMs, amount } of cells.slice(-1))
        this.#log(only).add(untilMs, Math.min(amount, Number(counters[only])));
    }
  }

  #log(name: string): GrowthLog {
    let log = this.#growth.get(name);
    if (!log) this.#growth.set(name, (log = new GrowthLog()));
    return log;
  }

  #takeState({ state, peer }: FabricPort, atMs: number): void {
    if (state === null) return;
    if (state === ACTIVE) {
      this.activeMs = atMs;
      this.peerWhenActive = peer;
      this.lostSinceMs = null;
    } else if (this.activeMs !== null) this.lostSinceMs ??= atMs;
    this.waitingSinceMs = state === 2 || state === 3 ? (this.waitingSinceMs ?? atMs) : null;
  }

  /** It was not in the sweep at all. */
  miss(atMs: number): void {
    if (this.activeMs !== null) this.lostSinceMs ??= atMs;
  }

  #takeCongestion(tick: TickBytes, beforeMs: number): number | undefined {
    const { widthLanes, laneBytesPerSecond } = this.read;
    const dataRate = dataRateOf(widthLanes, laneBytesPerSecond);
    const { waitTicks } = this.rates;
    this.congestion = null;
    if (dataRate !== null && waitTicks !== null) {
      const lost = (bytes: number): number => Math.min(1, (waitTicks * bytes) / dataRate);
      const learned = tick.low < tick.high ? learnTick((waitTicks * longTick(widthLanes)) / dataRate) : undefined;
      this.congestion = { low: lost(tick.low), high: lost(learned ?? tick.high) };
      this.#takeRuns(this.congestion.low, beforeMs);
      return learned;
    }
    this.#takeRuns(0, beforeMs);
    return undefined;
  }

  #takeRuns(low: number, beforeMs: number): void {
    this.congestedSinceMs = low >= CONGESTION_WARN ? (this.congestedSinceMs ?? beforeMs) : null;
    this.severeSinceMs = low >= CONGESTION_CRITICAL ? (this.severeSinceMs ?? beforeMs) : null;
  }
}

function saturatedOf(read: FabricPort): ReadonlySet<string> {
  return new Set(
    Object.entries(read.counters).flatMap(([name, digits]) => (isSaturated(name, digits, read) ? [name] : [])),
  );
}

function merged(known: FabricPort['counters'], read: FabricPort['counters']): FabricPort['counters'] {
  return Object.keys(known).every((name) => name in read) ? read : { ...known, ...read };
}

interface Gains {
  readonly grown: ReadonlyMap<string, number>;
  /** Counters that stand still, and those whose gain is not known: they fell, are new, or stand at their ceiling. */
  readonly still: ReadonlySet<string>;
  readonly fell: boolean;
}

interface Before {
  readonly counters: FabricPort['counters'];
  readonly known: FabricPort['counters'];
}

/** Rates need the reading just before; what is only added up may have been read earlier. */
function gainsOf({ counters, known }: Before, read: FabricPort): Gains {
  const grown = new Map<string, number>();
  const still = new Set<string>();
  let fell = false;
  for (const [name, digits] of Object.entries(read.counters)) {
    const last = (unlogged.has(name) ? counters : known)[name];
    if (last === undefined || isSaturated(name, digits, read)) continue;
    if (last === digits) still.add(name);
    else {
      const gain = BigInt(digits) - BigInt(last);
      if (gain < 0n) fell = true;
      else if (gain > 0n) grown.set(name, Number(gain));
    }
  }
  return { grown, still, fell };
}

/** After a reset every rate of the port is skipped once: nobody knows when between both readings it was. */
function ratesOf({ grown, still, fell }: Gains, spanSeconds: number): PortRates {
  const rate = (name: string, scale: number): number | null => {
    const gain = grown.get(name) ?? (still.has(name) ? 0 : undefined);
    return fell || gain === undefined ? null : (gain * scale) / spanSeconds;
  };
  return {
    receivedBytes: rate('PortRcvData', BYTES_PER_WORD),
    transmittedBytes: rate('PortXmitData', BYTES_PER_WORD),
    waitTicks: rate('PortXmitWait', 1),
  };
}

// How often the judge is right, whose it says the loss is, how soon, and how much: the figures of detection.md §8.4. Pure.
import { causes, isCause, type Cause, type Confidence } from '#server/contract';
import type { JudgedEpisode, JudgedSlot } from '../diagnosis/judged-episode.ts';

export interface TruthOfEpisode {
  readonly cause: string;
  readonly accepts: readonly string[];
  readonly owner: string | undefined;
  readonly fault: { readonly fromS: number; readonly toS: number } | undefined;
  readonly speedup: number | undefined;
  readonly lostGpuSeconds: number;
}

export interface Scored {
  readonly scenario: string;
  readonly truth: TruthOfEpisode;
  readonly judged: JudgedEpisode;
}

export interface ClassScore {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number;
  readonly n: number;
}

export interface Scores {
  readonly episodes: number;
  readonly macro_f1: number;
  readonly window_macro_f1: number;
  readonly per_class: Readonly<Record<string, ClassScore>>;
  /** Right owner where a cause was named. */
  readonly owner_accuracy: number;
  readonly time_to_label_s: { readonly p50: number | null; readonly p95: number | null };
  /** Share by which the booked loss differs from what removal gains; bias is that of the sums. */
  readonly lost_seconds_error: {
    readonly p50: number | null;
    readonly p90: number | null;
    readonly bias: number | null;
  };
  /** Share of the predictions within 20 % of what removal gains. */
  readonly speedup_within_20_percent: number | null;
  readonly false_alarms: { readonly healthy_gpu_hours: number; readonly warning: number; readonly critical: number };
  /** Share that was right, by confidence. */
  readonly calibration: Readonly<Partial<Record<Confidence, { readonly right: number; readonly n: number }>>>;
  /** Truth, then what was said, then how often. */
  readonly confusion: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export function score(all: readonly Scored[]): Scores {
  const pairs = all.map(({ truth, judged }) => ({ expected: truth.cause, found: foundAs(truth, judged.cause) }));
  const perClass = scoreClasses(pairs);
  return {
    episodes: all.length,
    macro_f1: macro(perClass),
    window_macro_f1: macro(scoreClasses(all.flatMap(windowPairs))),
    per_class: perClass,
    owner_accuracy: ownerAccuracy(all),
    time_to_label_s: percentiles(all.flatMap(timeToLabel), { p50: 0.5, p95: 0.95 }),
    lost_seconds_error: lostError(all),
    speedup_within_20_percent: within20(all),
    false_alarms: falseAlarms(all),
    calibration: calibrate(all),
    confusion: confuse(pairs),
  };
}

interface Pair {
  readonly expected: string;
  readonly found: string;
}

/** What was said, as the truth's own word where it means the same or is as right. */
export function foundAs({ cause, accepts }: TruthOfEpisode, said: string): string {
  return means(said, cause) || accepts.some((one) => means(said, one)) ? cause : said;
}

function means(said: string, truth: string): boolean {
  return said === truth || (truth === 'storage' && said.startsWith('storage.'));
}

function scoreClasses(pairs: readonly Pair[]): Record<string, ClassScore> {
  const classes = [...new Set(pairs.map(({ expected }) => expected))].sort();
  return Object.fromEntries(
    classes.map((one) => {
      const right = pairs.filter(({ expected, found }) => expected === one && found === one).length;
      const said = pairs.filter(({ found }) => found === one).length;
      const n = pairs.filter(({ expected }) => expected === one).length;
      const f1 = (2 * right) / (said + n);
      return [one, { precision: said === 0 ? null : right / said, recall: n === 0 ? null : right / n, f1, n }];
    }),
  );
}

function macro(perClass: Readonly<Record<string, ClassScore>>): number {
  const all = Object.values(perClass);
  return all.reduce((sum, { f1 }) => sum + f1, 0) / all.length;
}

/** Near the edges of a fault a window holds both. */
const EDGE_S = 60;

function windowPairs({ truth, judged }: Scored): readonly Pair[] {
  const { fault } = truth;
  return judged.slots.flatMap((slot) => {
    if (slot.class === 'unobserved' || isPhase(slot)) return [];
    if (!fault) return [{ expected: truth.cause, found: foundAs(truth, slot.cause) }];
    const inside = slot.tS >= fault.fromS + EDGE_S && slot.tS + 10 <= fault.toS;
    const outside = slot.tS + 10 <= fault.fromS - EDGE_S || slot.tS >= fault.toS + EDGE_S;
    if (inside)
      return isOneOfMany(truth, slot, judged) ? [] : [{ expected: truth.cause, found: foundAs(truth, slot.cause) }];
    return outside ? [{ expected: 'none', found: slot.cause }] : [];
  });
}

/** What a phase of the job is called is not asked. */
function isPhase({ class: leaf }: JudgedSlot): boolean {
  return leaf === 'phase.checkpoint' || leaf === 'phase.eval';
}

/** The culprit of a straggler works; of several GPUs only one is broken. */
function isOneOfMany({ cause }: TruthOfEpisode, slot: JudgedSlot, { culprit }: JudgedEpisode): boolean {
  return cause === 'fault' || (cause === 'straggler' && culprit?.node === slot.node);
}

function ownerAccuracy(all: readonly Scored[]): number {
  const named = all.filter(({ judged }) => judged.cause !== 'none' && judged.cause !== 'unknown');
  const right = named.filter(({ truth, judged }) => truthOwners(truth).includes(judged.owner));
  return named.length === 0 ? 1 : right.length / named.length;
}

function truthOwners({ cause, owner, accepts }: TruthOfEpisode): readonly string[] {
  if (owner !== undefined) return [owner];
  return [cause, ...accepts].flatMap((one) => (isCause(one) ? [causes[one].owner] : []));
}

function timeToLabel({ truth, judged }: Scored): readonly number[] {
  const { fault, cause } = truth;
  if (!fault || cause === 'none' || fault.fromS <= 0) return [];
  const first = judged.slots.find(({ tS, live }) => tS + 10 > fault.fromS && foundAs(truth, live) === cause);
  return first ? [first.tS + 10 - fault.fromS] : [];
}

const lostFamilies = ['starved', 'comm', 'slowed'];

function lostOf({ fault }: TruthOfEpisode, { slots }: JudgedEpisode): number {
  if (!fault) return 0;
  let ms = 0;
  for (const slot of slots) {
    if (slot.tS < fault.fromS || slot.tS >= fault.toS) continue;
    for (const share of slot.shares) if (lostFamilies.includes(share.class.split('.')[0] ?? '')) ms += share.ms;
  }
  return ms / 1000;
}

function lostError(all: readonly Scored[]): Scores['lost_seconds_error'] {
  const known = all.filter(({ truth }) => truth.lostGpuSeconds > 0);
  const errors = known.map(({ truth, judged }) => Math.abs(lostOf(truth, judged) / truth.lostGpuSeconds - 1));
  const booked = known.reduce((sum, { truth, judged }) => sum + lostOf(truth, judged), 0);
  const lost = known.reduce((sum, { truth }) => sum + truth.lostGpuSeconds, 0);
  return { ...percentiles(errors, { p50: 0.5, p90: 0.9 }), bias: lost === 0 ? null : booked / lost - 1 };
}

function within20(all: readonly Scored[]): number | null {
  const ratios = all.flatMap(({ truth, judged }) =>
    truth.speedup !== undefined && foundAs(truth, judged.cause) === truth.cause && truth.cause !== 'none'
      ? [judged.predictedSpeedup / truth.speedup]
      : [],
  );
  return ratios.length === 0 ? null : ratios.filter((ratio) => ratio >= 0.8 && ratio <= 1.2).length / ratios.length;
}

/** A label must hold for two minutes before anybody is told. */
const ALERT_SLOTS = 12;
const critical: ReadonlySet<Cause> = new Set<Cause>(['fault', 'hang', 'power_brake']);

function falseAlarms(all: readonly Scored[]): Scores['false_alarms'] {
  let hours = 0;
  const found = { warning: 0, critical: 0 };
  for (const { truth, judged } of all) {
    if (truth.cause !== 'none') continue;
    hours += (judged.slots.length * 10) / 3600;
    for (const cause of alarmsIn(judged.slots)) {
      if (truth.accepts.some((one) => means(cause, one))) continue;
      found[critical.has(cause) ? 'critical' : 'warning']++;
    }
  }
  return { healthy_gpu_hours: round(hours, 1), ...found };
}

/** Causes whose label stayed long enough on some GPU. */
function alarmsIn(slots: readonly JudgedSlot[]): ReadonlySet<Cause> {
  const alarms = new Set<Cause>();
  for (const own of Map.groupBy(slots, ({ node, gpu }) => `${node} ${gpu}`).values()) {
    let run = 0;
    let before: Cause = 'none';
    for (const { live } of own) {
      run = live === before ? run + 1 : 1;
      before = live;
      if (run >= ALERT_SLOTS && tells(live)) alarms.add(live);
    }
  }
  return alarms;
}

function tells(cause: Cause): boolean {
  const leaf = causes[cause].class;
  return cause !== 'unknown' && !['productive', 'phase', 'free', 'unobserved'].includes(leaf.split('.')[0] ?? '');
}

function calibrate(all: readonly Scored[]): Scores['calibration'] {
  const by = Map.groupBy(all, ({ judged }) => judged.confidence);
  return Object.fromEntries(
    [...by].map(([confidence, some]) => {
      const right = some.filter(({ truth, judged }) => foundAs(truth, judged.cause) === truth.cause).length;
      return [confidence, { right: right / some.length, n: some.length }];
    }),
  );
}

function confuse(pairs: readonly Pair[]): Scores['confusion'] {
  const table: Record<string, Record<string, number>> = {};
  for (const { expected, found } of pairs) {
    const row = (table[expected] ??= {});
    row[found] = (row[found] ?? 0) + 1;
  }
  return table;
}

function percentiles<K extends string>(
  values: readonly number[],
  shares: Readonly<Record<K, number>>,
): Record<K, number | null> {
  const sorted = [...values].sort((a, b) => a - b);
  const entries = Object.entries<number>(shares).map(([name, share]) => [
    name,
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null,
  ]);
  return Object.fromEntries(entries) as Record<K, number | null>; // the keys of shares
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

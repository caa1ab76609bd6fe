// Judges an episode slot by slot as the server would live, and says in one word what it was.
import { causes, confidences, type Cause, type Confidence } from '#server/contract';
import { Judge, SETTLE_SLOTS, type GpuJudgement, type Step } from './judge.ts';
import type { EpisodeInput, JudgedEpisode, JudgedSlot } from './judged-episode.ts';
import { meanOf, SLOT_S, SlotBuilder } from './slot.ts';
import { splitSlot } from './split.ts';
import type { Verdict } from './verdict.ts';

const SLOT_MS = SLOT_S * 1000;
/** A cause of fewer slots is no episode. */
const FEWEST_SLOTS = 5;
/** Slots of something else that do not end a stretch. */
const TOLERATED = 2;
/** What works as it should weighs little against what is lost. */
const NO_LOSS_WEIGHT = 0.1;

export function judgeEpisode(input: EpisodeInput): JudgedEpisode {
  const finals = new Map<number, readonly GpuJudgement[]>();
  const lives = new Map<number, readonly GpuJudgement[]>();
  for (const step of stepsOf(input)) {
    lives.set(step.slot, step.live);
    finals.set(step.finalSlot, step.final);
  }
  const numbers = [...lives.keys()]
    .sort((a, b) => a - b)
    .filter((number) => finals.has(number) && isWithin(input, number));
  const slots = numbers.flatMap((number) => judgedSlots(number, finals.get(number) ?? [], lives.get(number) ?? []));
  return { ...conclude(numbers, finals), slots };
}

function isWithin({ seconds }: EpisodeInput, number: number): boolean {
  return seconds.some(
    (all) => slotOf(all.at(-1)?.timeMs ?? -1) >= number && slotOf(all[0]?.timeMs ?? Infinity) <= number,
  );
}

function slotOf(timeMs: number): number {
  return Math.floor(timeMs / SLOT_MS);
}

export function* stepsOf({ nodes, jobs, seconds }: EpisodeInput): Generator<Step> {
  const judge = new Judge();
  const builders = nodes.map((facts) => new SlotBuilder(facts));
  const next = nodes.map(() => 0);
  const first = Math.min(...seconds.map((all) => slotOf(all[0]?.timeMs ?? Infinity)));
  const last = Math.max(...seconds.map((all) => slotOf(all.at(-1)?.timeMs ?? -Infinity)));
  for (let slot = first; slot <= last + SETTLE_SLOTS; slot++) {
    const delivered = builders.flatMap((builder, node) => {
      let came = 0;
      for (; ; came++) {
        const second = seconds[node]?.[next[node] ?? 0];
        if (!second || slotOf(second.timeMs) > slot) break;
        builder.add(second);
        next[node] = (next[node] ?? 0) + 1;
      }
      return came > 0 ? [builder.take()] : [];
    });
    const running = jobs?.filter(
      ({ startMs, endMs }) => startMs < (slot + 1) * SLOT_MS && (endMs ?? Infinity) > slot * SLOT_MS,
    );
    yield judge.step({ slot, nodes: delivered, jobs: running });
  }
}

function judgedSlots(
  number: number,
  final: readonly GpuJudgement[],
  live: readonly GpuJudgement[],
): readonly JudgedSlot[] {
  const shown = new Map(live.map(({ uuid, node, verdict }) => [`${node} ${uuid}`, verdict.cause]));
  return final.map((one) => ({
    tS: number * SLOT_S,
    node: one.node,
    gpu: one.gpu,
    cause: one.verdict.cause,
    class: one.verdict.class,
    owner: one.verdict.owner,
    confidence: one.verdict.confidence,
    effective: one.slotEffective,
    shares: splitSlot(one, SLOT_MS),
    live: shown.get(`${one.node} ${one.uuid}`) ?? 'unobserved',
  }));
}

type Summary = Omit<JudgedEpisode, 'slots'>;

function conclude(numbers: readonly number[], finals: ReadonlyMap<number, readonly GpuJudgement[]>): Summary {
  const causeAt = new Map(numbers.map((number) => [number, causeOf(finals.get(number) ?? [])]));
  const weights = new Map<Cause, { weight: number; slots: number }>();
  for (const { cause, weight } of causeAt.values()) {
    const sum = weights.get(cause) ?? { weight: 0, slots: 0 };
    weights.set(cause, { weight: sum.weight + weight, slots: sum.slots + 1 });
  }
  const cause = strongest(weights, numbers.length);
  const stretch = longestStretch(numbers, (number) => causeAt.get(number)?.cause === cause);
  const verdicts = numbers
    .filter((number) => number >= stretch.from && number <= stretch.to)
    .flatMap((number) => (finals.get(number) ?? []).map(({ verdict }) => verdict).filter((one) => one.cause === cause));
  if (cause === 'none' || verdicts.length === 0) {
    return {
      cause: 'none',
      owner: 'user',
      confidence: 'high',
      onsetS: NaN,
      endS: NaN,
      predictedSpeedup: 1,
      lostGpuSeconds: 0,
    };
  }
  const loss = meanOf(verdicts, (one) => one.loss);
  const culprit = mostFrequentCulprit(verdicts);
  return {
    cause,
    owner: mostFrequent(verdicts.map((one) => one.owner)) ?? causes[cause].owner,
    confidence: mostFrequent(verdicts.map((one) => one.confidence)) ?? 'low',
    onsetS: stretch.from * SLOT_S,
    endS: (stretch.to + 1) * SLOT_S,
    predictedSpeedup: 1 / Math.max(0.02, 1 - loss),
    ...(culprit && { culprit }),
    lostGpuSeconds: verdicts.reduce((sum, one) => sum + one.loss * SLOT_S, 0),
  };
}

/** What most of the loss of a slot is put down to. */
function causeOf(judgements: readonly GpuJudgement[]): { readonly cause: Cause; readonly weight: number } {
  const weights = new Map<Cause, number>();
  for (const { verdict } of judgements) {
    const { cause, loss } = verdict;
    const weight = cause === 'none' ? 0 : Math.max(loss, NO_LOSS_WEIGHT);
    weights.set(cause, (weights.get(cause) ?? 0) + weight);
  }
  const broken = weights.get('fault');
  // Whatever the others do meanwhile.
  if (broken !== undefined) return { cause: 'fault', weight: broken };
  let best: { readonly cause: Cause; readonly weight: number } = { cause: 'none', weight: 0 };
  for (const [cause, weight] of weights) if (weight > best.weight) best = { cause, weight };
  return best;
}

const passing: ReadonlySet<Cause> = new Set<Cause>(['checkpoint', 'eval', 'unobserved']);

/** Phases and blindness name an episode only if they fill it. */
function strongest(
  weights: ReadonlyMap<Cause, { readonly weight: number; readonly slots: number }>,
  slots: number,
): Cause {
  const ranked = [...weights].filter(([cause]) => cause !== 'none').sort(([, a], [, b]) => b.weight - a.weight);
  const lasts = (wanted: (cause: Cause) => boolean) =>
    ranked.find(([cause, sum]) => wanted(cause) && !passing.has(cause) && sum.slots >= FEWEST_SLOTS);
  const lasting =
    lasts((cause) => cause !== 'startup' && cause !== 'free') ??
    lasts((cause) => cause === 'startup') ??
    lasts(() => true);
  const filling = ranked.find(([cause, sum]) => passing.has(cause) && sum.slots >= Math.max(FEWEST_SLOTS, slots / 2));
  return lasting?.[0] ?? filling?.[0] ?? 'none';
}

function longestStretch(
  numbers: readonly number[],
  holds: (number: number) => boolean,
): { readonly from: number; readonly to: number } {
  let best = { from: NaN, to: NaN, slots: 0 };
  let open: { from: number; to: number; slots: number } | undefined;
  for (const number of numbers) {
    if (!holds(number)) continue;
    open =
      open && number - open.to <= TOLERATED + 1
        ? { from: open.from, to: number, slots: open.slots + 1 }
        : { from: number, to: number, slots: 1 };
    if (open.slots > best.slots) best = open;
  }
  return best;
}

function mostFrequentCulprit(verdicts: readonly Verdict[]): JudgedEpisode['culprit'] {
  const named = verdicts.flatMap(({ culprit }) => culprit ?? []);
  const name = mostFrequent(named.map(({ node, uuid }) => `${node} ${uuid ?? ''}`));
  return named.find(({ node, uuid }) => `${node} ${uuid ?? ''}` === name);
}

function mostFrequent<T>(all: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** The lower of two. */
export function lowerOf(a: Confidence, b: Confidence): Confidence {
  return confidences.indexOf(a) < confidences.indexOf(b) ? a : b;
}

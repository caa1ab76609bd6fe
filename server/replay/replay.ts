// Judges recorded series and, where the truth is given, says how often it was right. JSON as DESIGN section 3.
import type { Cause, Confidence, LeafClass, Owner } from '#server/contract';
import { judgeEpisode } from '../diagnosis/judge-episode.ts';
import type { JudgedEpisode } from '../diagnosis/judged-episode.ts';
import { agrees, constantsOf, truthOf, type MachineConstants, type Truth } from './labels.ts';
import { readSeries, SeriesError } from './series.ts';

export interface ReplayedEpisode {
  readonly file: string;
  readonly cause: Cause;
  readonly owner: Owner;
  readonly confidence: Confidence;
  readonly onset_s: number | null;
  readonly end_s: number | null;
  readonly predicted_speedup: number;
  readonly culprit?: string;
  readonly expected?: Cause;
  readonly correct?: boolean;
}

export interface ReplayedSlot {
  readonly t_s: number;
  readonly node: string;
  readonly gpu: string;
  readonly cause: Cause;
  readonly class: LeafClass;
  readonly owner: Owner;
  readonly confidence: Confidence;
  readonly effective: number | null;
}

export interface ReplayReport {
  readonly schema_version: 1;
  readonly episodes: readonly ReplayedEpisode[];
  readonly slots: readonly ReplayedSlot[];
  readonly macro_f1?: number;
}

export interface Recording {
  readonly file: string;
  readonly text: string;
  /** Its entry of labels.json. */
  readonly entry: Readonly<Record<string, unknown>> | undefined;
}

export function replay(recordings: readonly Recording[]): ReplayReport {
  const judged = recordings.map((recording) => judgeRecording(recording));
  const scored = judged.flatMap(({ truth, episode }) => (truth ? [{ truth, episode }] : []));
  return {
    schema_version: 1,
    episodes: judged.map(({ file, episode, truth }) => episodeOf(file, episode, truth)),
    slots: judged.flatMap(({ episode }) => episode.slots.map((slot) => slotOf(slot))),
    ...(scored.length > 0 && { macro_f1: round(macroF1(scored), 4) }),
  };
}

interface Judged {
  readonly file: string;
  readonly episode: JudgedEpisode;
  readonly truth: Truth | undefined;
}

function judgeRecording({ file, text, entry }: Recording): Judged {
  try {
    const episode = judgeWith(text, constantsOf(entry ?? {}));
    return { file, episode, truth: entry && truthOf(entry) };
  } catch (error) {
    if (!(error instanceof SeriesError)) throw error;
    throw new SeriesError(`${file}: ${error.message}`, { cause: error });
  }
}

/** The judge sees the series and the machine, nothing else. */
function judgeWith(text: string, constants: MachineConstants): JudgedEpisode {
  return judgeEpisode(readSeries(text, constants));
}

function episodeOf(file: string, episode: JudgedEpisode, truth: Truth | undefined): ReplayedEpisode {
  const { cause, owner, confidence, onsetS, endS, predictedSpeedup, culprit } = episode;
  const rightNode = truth?.slowNode === undefined || culprit?.node === truth.slowNode;
  return {
    ...{ file, cause, owner, confidence },
    onset_s: known(onsetS),
    end_s: known(endS),
    predicted_speedup: round(predictedSpeedup, 3),
    ...(culprit && { culprit: culprit.uuid === undefined ? culprit.node : `${culprit.node}/${culprit.uuid}` }),
    ...(truth && { expected: truth.cause, correct: agrees(cause, truth.cause) && rightNode }),
  };
}

function slotOf(slot: JudgedEpisode['slots'][number]): ReplayedSlot {
  const { tS, node, gpu, cause, class: leaf, owner, confidence, effective } = slot;
  return { t_s: tS, node, gpu, cause, class: leaf, owner, confidence, effective: known(round(effective, 3)) };
}

/** Over the causes that are the truth of some episode. */
function macroF1(scored: readonly { readonly truth: Truth; readonly episode: JudgedEpisode }[]): number {
  const pairs = scored.map(({ truth, episode }) => ({
    expected: truth.cause,
    found: agrees(episode.cause, truth.cause) ? truth.cause : episode.cause,
  }));
  const causes = [...new Set(pairs.map(({ expected }) => expected))];
  const scores = causes.map((cause) => {
    const right = pairs.filter(({ expected, found }) => expected === cause && found === cause).length;
    const wrong = pairs.filter(({ expected, found }) => (expected === cause) !== (found === cause)).length;
    return (2 * right) / (2 * right + wrong);
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

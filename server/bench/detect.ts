// The labelled bench: episodes of every scenario in turn, made, judged, scored. detection.md §8.
import { makeEpisode, scenarioNames, type Quality, type Ranges } from '#agent/simulator';
import { judgeEpisode } from '../diagnosis/judge-episode.ts';
import { score, type Scored, type Scores } from './score.ts';

export const signalSets = ['full', 'nvml', 'noproc'] as const;
export type SignalSet = (typeof signalSets)[number];

/** What each leaves out. */
const qualities: Readonly<Record<SignalSet, Partial<Quality>>> = {
  full: {},
  nvml: { profiling: false },
  noproc: { processes: false },
};

export interface DetectOptions {
  readonly seed: number;
  readonly episodes: number;
  readonly signals: SignalSet;
  readonly ranges: Ranges | undefined;
  readonly quality?: Partial<Quality>;
  readonly onEpisode?: (done: number) => void;
}

export interface DetectReport extends Scores {
  readonly schema_version: 1;
  readonly seed: number;
  readonly signals: SignalSet;
}

export function benchDetect({ seed, episodes, signals, ranges, quality, onEpisode }: DetectOptions): DetectReport {
  const all = Array.from({ length: episodes }, (_, number): Scored => {
    const scenario = scenarioNames[number % scenarioNames.length] ?? '';
    const own = seed * 100_003 + number;
    const made = makeEpisode({
      scenario,
      seed: own,
      ...(ranges && { ranges }),
      quality: { ...qualities[signals], ...quality },
    });
    // The truth is put aside before anything is judged.
    const { truth, nodes, jobs, seconds } = made;
    const judged = judgeEpisode({ nodes, jobs, seconds });
    onEpisode?.(number + 1);
    return { scenario, truth, judged };
  });
  return { schema_version: 1, seed, signals, ...score(all) };
}

// The event-level model of one training job: storage, loader workers, CPUs, copies, kernels, barrier, collective, step by step.
// What each second held is added up in bins. Pure; the same inputs give the same bins. detection.md §8.2.
import { Random } from '../random.ts';
import { addOver } from './bins.ts';
import { Host, Loader } from './loader.ts';
import type { Pause, RankParameters, Span } from './parameters.ts';

export interface PipelineInput {
  readonly seed: number;
  readonly durationS: number;
  /** Node of each rank. */
  readonly nodeOf: readonly number[];
  readonly nodes: number;
  readonly parameters: (rank: number, timeS: number) => RankParameters;
  readonly pauses: readonly Pause[];
  readonly spin: number;
  /** No step begins any more from here on: ranks spin (a hang) or the job is over. */
  readonly stopsAtS: number;
  readonly startsAtS: number;
  /** Its loaders have had time to fill their queues. */
  readonly alreadyRuns: boolean;
}

/** Shares of each second, by rank or node. */
export interface Bins {
  readonly busy: readonly Float64Array[];
  readonly sm: readonly Float64Array[];
  readonly dram: readonly Float64Array[];
  readonly tensor: readonly Float64Array[];
  readonly copiedBytes: readonly Float64Array[];
  readonly nvlinkBytes: readonly Float64Array[];
  readonly main: readonly Float64Array[];
  readonly running: readonly Float64Array[];
  readonly waiting: readonly Float64Array[];
  readonly blocked: readonly Float64Array[];
  readonly readBytes: readonly Float64Array[];
  readonly writtenBytes: readonly Float64Array[];
  readonly ibBytes: readonly Float64Array[];
  readonly steps: number;
  /** When each step ended. */
  readonly stepEnds: readonly number[];
}

const CHECKPOINT_BPS = 900e6;
const WAITING_MAIN = 0.25;

export function runPipeline(input: PipelineInput): Bins {
  return new Pipeline(input).run();
}

class Pipeline {
  readonly #input: PipelineInput;
  readonly #random: Random;
  readonly #bins: Omit<Bins, 'steps' | 'stepEnds'>;
  readonly #loaders: readonly Loader[];
  readonly #stepEnds: number[] = [];

  constructor(input: PipelineInput) {
    this.#input = input;
    this.#random = new Random(input.seed, 'steps');
    const ranks = input.nodeOf.length;
    const bins = (count: number): Float64Array[] =>
      Array.from({ length: count }, () => new Float64Array(Math.ceil(input.durationS)));
    this.#bins = {
      ...{ busy: bins(ranks), sm: bins(ranks), dram: bins(ranks), tensor: bins(ranks) },
      ...{ copiedBytes: bins(ranks), nvlinkBytes: bins(ranks), main: bins(ranks) },
      ...{ running: bins(ranks), waiting: bins(ranks), blocked: bins(ranks) },
      ...{ readBytes: bins(input.nodes), writtenBytes: bins(input.nodes), ibBytes: bins(input.nodes) },
    };
    const hosts = Array.from({ length: input.nodes }, () => new Host());
    this.#loaders = input.nodeOf.map((node, rank) => {
      const host = hosts[node] ?? new Host();
      const { running, waiting, blocked, readBytes } = this.#bins;
      const own = {
        running: running[rank],
        waiting: waiting[rank],
        blocked: blocked[rank],
        readBytes: readBytes[node],
      };
      return new Loader(host, new Random(input.seed, 'loader', rank), own);
    });
  }

  run(): Bins {
    const { startsAtS, durationS, stopsAtS, parameters } = this.#input;
    let nowS = startsAtS;
    for (const [rank, loader] of this.#loaders.entries())
      loader.start(parameters(rank, nowS), nowS, this.#input.alreadyRuns);
    const pauses = [...this.#input.pauses].sort((a, b) => a.fromS - b.fromS);
    while (nowS < durationS && nowS < stopsAtS) {
      const [pause] = pauses;
      if (pause && pause.fromS <= nowS) {
        pauses.shift();
        nowS = this.#rest(pause, nowS);
        continue;
      }
      nowS = this.#step(nowS);
      this.#stepEnds.push(nowS);
    }
    if (stopsAtS < durationS) this.#hang(nowS);
    return { ...this.#bins, steps: this.#stepEnds.length, stepEnds: this.#stepEnds };
  }

  /** One step of all ranks; gives its end. */
  #step(beganS: number): number {
    const { nodeOf, parameters, spin } = this.#input;
    const done: number[] = [];
    const now = nodeOf.map((_, rank) => parameters(rank, beganS));
    for (const [rank, of] of now.entries()) {
      const loader = this.#loaders[rank];
      const readyS = of.loadsInMainThread ? this.#loadInline(rank, of, beganS) : (loader?.next(of, beganS) ?? beganS);
      const startS = Math.max(readyS, beganS) + of.copyS;
      if (of.copyS > 0) addOver(this.#bins.copiedBytes[rank], startS - of.copyS, startS, of.copyBps);
      else addOver(this.#bins.copiedBytes[rank], startS, startS + of.computeS, of.batchBytes / of.computeS);
      addOver(this.#bins.main[rank], beganS, startS, of.loadsInMainThread ? 1 : WAITING_MAIN * 0.2);
      const wander = Math.exp(of.jitter * this.#normal() - of.jitter ** 2 / 2);
      const endS = startS + (of.computeS * wander) / of.clock;
      this.#work(rank, of, { fromS: startS, toS: endS });
      done.push(endS);
    }
    const barrierS = Math.max(...done);
    const [first] = now;
    const exposedS = Math.max(...now.map((of) => of.exposedS));
    const endS = barrierS + exposedS;
    for (const [rank, of] of now.entries()) {
      const fromS = done[rank] ?? barrierS;
      this.#spin(rank, { fromS, toS: endS }, spin);
      const stepS = Math.max(1e-3, endS - beganS);
      addOver(this.#bins.nvlinkBytes[rank], beganS, endS, of.nvlinkBytes / stepS);
      addOver(this.#bins.ibBytes[nodeOf[rank] ?? 0], beganS, endS, of.ibBytes / stepS);
    }
    return first ? endS : beganS + 1;
  }

  #work(rank: number, of: RankParameters, { fromS, toS }: Span): void {
    const { busy, sm, dram, tensor, main } = this.#bins;
    addOver(busy[rank], fromS, toS, 1 - of.gapShare);
    addOver(sm[rank], fromS, toS, of.sm * (1 - of.gapShare));
    addOver(dram[rank], fromS, toS, of.dram * (1 - of.gapShare));
    addOver(tensor[rank], fromS, toS, of.tensor * (1 - of.gapShare));
    addOver(main[rank], fromS, toS, of.mainShare);
  }

  #spin(rank: number, { fromS, toS }: Span, spin: number): void {
    const { busy, sm, dram, main } = this.#bins;
    addOver(busy[rank], fromS, toS, 1);
    addOver(sm[rank], fromS, toS, spin);
    addOver(dram[rank], fromS, toS, 0.02);
    // The program waits for the stream, busily.
    addOver(main[rank], fromS, toS, 0.75);
  }

  #loadInline(rank: number, of: RankParameters, nowS: number): number {
    const node = this.#input.nodeOf[rank] ?? 0;
    const toS = nowS + of.fetchS + of.prepS * Math.exp(0.1 * this.#normal());
    addOver(this.#bins.readBytes[node], nowS, toS, of.batchBytes / Math.max(1e-3, toS - nowS));
    return toS;
  }

  #rest({ kind, fromS, toS, others }: Pause, nowS: number): number {
    const endS = Math.max(nowS, nowS + toS - fromS);
    for (const [rank, node] of this.#input.nodeOf.entries()) {
      const of = this.#input.parameters(rank, nowS);
      if (kind === 'eval') {
        // Forward passes alone, whose input is at hand.
        this.#work(rank, { ...of, sm: of.sm * 0.8, tensor: of.tensor * 0.8 }, { fromS: nowS, toS: endS });
        continue;
      }
      const writes = kind === 'checkpoint' && rank === 0;
      addOver(this.#bins.main[rank], nowS, endS, writes ? 0.8 : 0.1);
      if (writes) addOver(this.#bins.writtenBytes[node], nowS, endS, CHECKPOINT_BPS);
      else if (kind === 'checkpoint' && others === 'spin')
        this.#spin(rank, { fromS: nowS, toS: endS }, this.#input.spin);
    }
    return endS;
  }

  #hang(fromS: number): void {
    for (const rank of this.#input.nodeOf.keys()) {
      this.#spin(rank, { fromS, toS: this.#input.durationS }, this.#input.spin);
    }
  }

  #normal(): number {
    const a = this.#random.next();
    return Math.sqrt(-2 * Math.log(1 - a)) * Math.cos(2 * Math.PI * this.#random.next());
  }
}

// Ten seconds of a node: the means of the seconds that arrived, and how much they moved. What is missing makes no mean.
import {
  gpuSignalNames,
  nodeSignals,
  type GpuSignals,
  type NodeFacts,
  type NodeSecond,
  type NodeSignals,
} from '#agent/contract';

export const SLOT_S = 10;

export interface GpuSlot {
  /** Seconds that arrived, and what was expected. */
  readonly samples: number;
  readonly mean: GpuSignals;
  /** Standard deviation of the draw; NaN with fewer than 2 readings. */
  readonly powerDeviationW: number;
}

export interface NodeSlot {
  readonly facts: NodeFacts;
  readonly mean: NodeSignals;
  /** In the order of the facts; undefined where not one second arrived. */
  readonly gpus: readonly (GpuSlot | undefined)[];
}

/** Adds up the seconds of one node. */
export class SlotBuilder {
  readonly #facts: NodeFacts;
  readonly #gpus: readonly GpuSum[];
  #nodes: NodeSignals[] = [];

  constructor(facts: NodeFacts) {
    this.#facts = facts;
    this.#gpus = facts.gpus.map(() => new GpuSum());
  }

  add({ node, gpus }: Omit<NodeSecond, 'timeMs'>): void {
    this.#nodes.push(node);
    for (const [index, sum] of this.#gpus.entries()) {
      const signals = gpus[index];
      if (signals) sum.add(signals);
    }
  }

  /** What came since the last time. */
  take(): NodeSlot {
    const nodes = this.#nodes;
    this.#nodes = [];
    return { facts: this.#facts, mean: meanOfNode(nodes), gpus: this.#gpus.map((sum) => sum.take()) };
  }
}

class GpuSum {
  readonly #sums = new Float64Array(gpuSignalNames.length);
  readonly #counts = new Uint32Array(gpuSignalNames.length);
  #samples = 0;
  #powerSquares = 0;

  add(signals: GpuSignals): void {
    this.#samples++;
    let at = 0;
    for (const name of gpuSignalNames) {
      const value = signals[name];
      // The clock of a GPU without work says nothing.
      if (!Number.isNaN(value) && !(at === CLOCK && signals.busy < 0.2)) {
        this.#sums[at] = (this.#sums[at] ?? 0) + value;
        this.#counts[at] = (this.#counts[at] ?? 0) + 1;
      }
      at++;
    }
    if (!Number.isNaN(signals.powerW)) this.#powerSquares += signals.powerW ** 2;
  }

  take(): GpuSlot | undefined {
    if (this.#samples === 0) return undefined;
    const meanAt = (at: number): number => (this.#sums[at] ?? 0) / (this.#counts[at] ?? 0);
    const mean = signalsFrom(meanAt);
    const readings = this.#counts[POWER] ?? 0;
    const variance = Math.max(0, this.#powerSquares / readings - mean.powerW ** 2);
    const slot = { samples: this.#samples, mean, powerDeviationW: readings < 2 ? NaN : Math.sqrt(variance) };
    this.#sums.fill(0);
    this.#counts.fill(0);
    this.#samples = 0;
    this.#powerSquares = 0;
    return slot;
  }
}

const POWER = gpuSignalNames.indexOf('powerW');
const CLOCK = gpuSignalNames.indexOf('clockHz');

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** 0 by 0 is NaN: not known. */
function signalsFrom(valueAt: (at: number) => number): GpuSignals {
  const signals: Partial<Mutable<GpuSignals>> = {};
  for (const [at, name] of gpuSignalNames.entries()) signals[name] = valueAt(at);
  return signals as GpuSignals; // every name of the interface was just set
}

const nodeNames = Object.keys(nodeSignals({})).filter((name) => name !== 'rails') as Exclude<
  keyof NodeSignals,
  'rails'
>[]; // the keys of NodeSignals

/** The mean over seconds or slots; rails as far as all have them. */
export function meanOfNode(nodes: readonly NodeSignals[]): NodeSignals {
  const mean: Partial<Mutable<NodeSignals>> = {};
  for (const name of nodeNames) mean[name] = meanOf(nodes, (one) => one[name]);
  const rails = nodes.at(-1)?.rails ?? [];
  mean.rails = rails.map((last, at) => {
    const all = nodes.flatMap((one) => one.rails[at] ?? []);
    return {
      txBps: meanOf(all, (one) => one.txBps),
      rxBps: meanOf(all, (one) => one.rxBps),
      rateBps: last.rateBps,
      bestRateBps: last.bestRateBps,
      wait: meanOf(all, (one) => one.wait),
      up: last.up,
    };
  });
  return mean as NodeSignals; // every name of the interface was just set
}

/** The mean over slots, each counted by its seconds. */
export function meanOfGpu(slots: readonly GpuSlot[]): GpuSlot | undefined {
  const samples = slots.reduce((sum, one) => sum + one.samples, 0);
  if (samples === 0) return undefined;
  const mean = signalsFrom((at) => {
    const name = gpuSignalNames[at] ?? 'busy';
    let sum = 0;
    let count = 0;
    for (const slot of slots) {
      const value = slot.mean[name];
      if (Number.isNaN(value)) continue;
      sum += value * slot.samples;
      count += slot.samples;
    }
    return sum / count;
  });
  return { samples, mean, powerDeviationW: deviationOf(slots, mean.powerW) };
}

/** Within the slots and between them. */
function deviationOf(slots: readonly GpuSlot[], meanW: number): number {
  return Math.sqrt(meanOf(slots, (one) => one.powerDeviationW ** 2 + (one.mean.powerW - meanW) ** 2));
}

export function meanOf<T>(all: readonly T[], valueOf: (one: T) => number): number {
  let sum = 0;
  let count = 0;
  for (const one of all) {
    const value = valueOf(one);
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return sum / count;
}

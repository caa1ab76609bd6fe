// The simulated cluster as it stands: jobs, GPUs and hosts, stepped forward in time. The same seed and steps give the same
// states. Steady from its first moment: the days before it have already happened.
import { stepGpu, type GpuState } from './gpu-model.ts';
import type { NodeHardware } from './hardware.ts';
import { HostCounters } from './host-counters.ts';
import { hostLoadOf, type HostLoad, type LocalWork } from './host-model.ts';
import { draftDiskReader } from './jobs.ts';
import { paceAll, type Pace } from './pace.ts';
import { JobQueue, type RunningJob } from './queue.ts';

export interface NodeState {
  readonly hardware: NodeHardware;
  readonly gpus: readonly GpuState[];
  readonly load: HostLoad;
  readonly counters: HostCounters;
  readonly timeS: number;
}

const DAYS_BEFORE_S = 2 * 86_400;

export class SimulatedWorkload {
  readonly nodes: readonly NodeHardware[];
  readonly queue: JobQueue;
  readonly #counters: readonly HostCounters[];
  #states: readonly NodeState[];
  #paces: ReadonlyMap<RunningJob, Pace>;
  #timeS = 0;

  constructor(seed: number, nodes: readonly NodeHardware[]) {
    this.nodes = nodes;
    this.queue = new JobQueue(
      seed,
      nodes.map((node) => node.gpus.length),
      { startS: -DAYS_BEFORE_S, residents: residentsOf(seed, nodes) },
    );
    this.queue.advanceTo(0);
    this.#counters = nodes.map((node) => new HostCounters(seed, node));
    this.#paces = paceAll(this.queue.running, nodes, 0);
    this.#states = nodes.map((node) => this.#stateOf(node, undefined, 0));
  }

  /** Seconds since the simulation began. */
  get timeS(): number {
    return this.#timeS;
  }

  get states(): readonly NodeState[] {
    return this.#states;
  }

  get paces(): ReadonlyMap<RunningJob, Pace> {
    return this.#paces;
  }

  /** Counters gain what flowed in the time that passes; levels are those at its end. */
  advance(seconds: number): void {
    this.#timeS += seconds;
    this.queue.advanceTo(this.#timeS);
    this.#paces = paceAll(this.queue.running, this.nodes, this.#timeS);
    this.#states = this.nodes.map((node, index) => this.#stateOf(node, this.#states[index], seconds));
  }

  #stateOf(hardware: NodeHardware, before: NodeState | undefined, seconds: number): NodeState {
    const work = this.#workOn(hardware.index);
    const byGpu = new Map(work.flatMap(({ pace, gpus }) => gpus.map((gpu) => [gpu, pace] as const)));
    const load = hostLoadOf(hardware, work, this.#timeS);
    const counters = this.#counters[hardware.index] ?? new HostCounters(0, hardware);
    counters.add(load, seconds);
    const gpus = hardware.gpus.map((gpu, index) =>
      stepGpu(
        { model: hardware.platform.gpu, hardware: gpu, pace: byGpu.get(gpu.index), timeS: this.#timeS },
        before?.gpus[index],
        seconds,
      ),
    );
    return { hardware, gpus, load, counters, timeS: this.#timeS };
  }

  #workOn(node: number): LocalWork[] {
    return [...this.#paces.values()].flatMap((pace) =>
      pace.job.places.filter((place) => place.node === node).map(({ gpus }) => ({ pace, gpus })),
    );
  }
}

/** A job that reads its pictures from a node whose striped disks have a slow one among them. */
function residentsOf(seed: number, nodes: readonly NodeHardware[]): readonly RunningJob[] {
  return nodes
    .filter((node) => node.drives.some((drive) => drive.health < 1))
    .map((node) => {
      const job = draftDiskReader(seed, node.gpus.length);
      const places = [{ node: node.index, gpus: node.gpus.map((gpu) => gpu.index) }];
      return { ...job, startS: job.arrivalS, endS: job.arrivalS + job.durationS, places };
    });
}

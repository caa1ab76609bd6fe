// The simulated cluster as it stands: jobs, GPUs and hosts, stepped forward in time. The same seed and steps give the same
// states. Steady from its first moment: the days before it have already happened.
import { fabricBytesPerS, linkLoads } from './communication.ts';
import { FabricModel, type PortHealth } from './fabric/model.ts';
import { correctedBy, planFaults, retiredBy, type FaultPlan } from './faults.ts';
import { GpuCounters } from './gpu-counters.ts';
import { stepGpu, type GpuState } from './gpu-model.ts';
import type { NodeHardware } from './hardware.ts';
import { HostCounters } from './host-counters.ts';
import { hostLoadOf, type HostLoad, type LocalWork } from './host-model.ts';
import { draftDiskReader, draftResident } from './jobs.ts';
import { KernelLog, xidLines, type KernelRecord } from './kernel-log.ts';
import { paceAll, type Pace } from './pace.ts';
import { JobQueue, type RunningJob } from './queue.ts';
import { noWantedFaults, type WantedFaults } from './wanted-faults.ts';
import { xidsBetween, type Xid } from './xids.ts';

export interface NodeState {
  readonly hardware: NodeHardware;
  readonly gpus: readonly GpuState[];
  readonly gpuCounters: readonly GpuCounters[];
  readonly load: HostLoad;
  readonly counters: HostCounters;
  /** What runs here. */
  readonly work: readonly LocalWork[];
  /** By adapter. */
  readonly ports: readonly PortHealth[];
  /** Grows with the node's log. */
  readonly kernelLog: readonly KernelRecord[];
  readonly timeS: number;
}

const DAYS_BEFORE_S = 2 * 86_400;

export class SimulatedWorkload {
  readonly nodes: readonly NodeHardware[];
  readonly queue: JobQueue;
  readonly fabric: FabricModel;
  readonly #faults: FaultPlan;
  readonly #counters: readonly HostCounters[];
  readonly #gpuCounters: readonly (readonly GpuCounters[])[];
  readonly #logs: readonly KernelLog[];
  #states: readonly NodeState[];
  #paces: ReadonlyMap<RunningJob, Pace>;
  #timeS = 0;

  constructor(
    seed: number,
    nodes: readonly NodeHardware[],
    faults: FaultPlan = planFaults(seed, nodes),
    wanted: WantedFaults = noWantedFaults,
  ) {
    this.nodes = nodes;
    this.#faults = faults;
    this.fabric = new FabricModel(seed, nodes, faults.fabric);
    this.queue = new JobQueue(
      seed,
      nodes.map((node) => node.gpus.length),
      {
        startS: -DAYS_BEFORE_S,
        residents: [...residentsOf(seed, nodes), ...wantedResidents(seed, nodes, wanted)],
        outages: faults.outages,
      },
    );
    this.#counters = nodes.map((node) => new HostCounters(seed, node));
    this.#gpuCounters = nodes.map((node) => node.gpus.map((gpu) => new GpuCounters(seed, node.name, gpu)));
    this.#logs = nodes.map(() => new KernelLog());
    this.#report(this.queue.advanceTo(0), { fromS: -DAYS_BEFORE_S, toS: 0 });
    this.#paces = this.#paceAll(0);
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
    const fromS = this.#timeS;
    this.#timeS += seconds;
    this.#report(this.queue.advanceTo(this.#timeS), { fromS, toS: this.#timeS });
    this.#paces = this.#paceAll(seconds);
    this.#states = this.nodes.map((node, index) => this.#stateOf(node, this.#states[index], seconds));
  }

  /** What the fabric does not carry, jobs wait for. */
  #paceAll(seconds: number): ReadonlyMap<RunningJob, Pace> {
    const wanted = paceAll(this.queue.running, this.nodes, this.#timeS);
    const shares = this.fabric.advance(wanted.values(), this.#timeS, seconds);
    return new Map([...wanted].map(([job, pace]) => [job, { ...pace, fabric: shares.get(job) ?? 1 }]));
  }

  #stateOf(hardware: NodeHardware, before: NodeState | undefined, seconds: number): NodeState {
    const timeS = this.#timeS;
    const work = this.#workOn(hardware.index);
    const load = hostLoadOf(hardware, work, { timeS, ports: this.fabric.portLoads(hardware) });
    const counters = this.#counters[hardware.index] ?? new HostCounters(0, hardware);
    counters.add(load, seconds);
    const gpus = this.#stepGpus(hardware, work, { before, seconds });
    const gpuCounters = this.#gpuCounters[hardware.index] ?? [];
    for (const [index, gpu] of gpus.entries()) gpuCounters[index]?.add(gpu, seconds);
    this.#wear(hardware.index);
    return {
      ...{ hardware, gpus, gpuCounters, load, counters, work, timeS },
      ports: this.fabric.portHealth(hardware),
      kernelLog: this.#logs[hardware.index]?.records ?? [],
    };
  }

  #stepGpus(
    hardware: NodeHardware,
    work: readonly LocalWork[],
    { before, seconds }: { readonly before: NodeState | undefined; readonly seconds: number },
  ): readonly GpuState[] {
    const timeS = this.#timeS;
    const byGpu = new Map(work.flatMap((one) => one.gpus.map((gpu) => [gpu, one] as const)));
    const links = linkLoads(hardware, work, timeS);
    return hardware.gpus.map((gpu, index) => {
      const own = byGpu.get(gpu.index);
      const situation = {
        model: hardware.platform.gpu,
        hardware: gpu,
        pace: own?.pace,
        lost: this.#isLost(hardware.index, gpu.index),
        nvlink: links[index] ?? { tx: [], rx: [] },
        fabricBytesPerS: own ? fabricBytesPerS(own, hardware) : 0,
        timeS,
      };
      return stepGpu(situation, before?.gpus[index], seconds);
    });
  }

  #workOn(node: number): LocalWork[] {
    return [...this.#paces.values()].flatMap((pace) =>
      pace.job.places.filter((place) => place.node === node).map(({ gpus }) => ({ pace, gpus })),
    );
  }

  #isLost(node: number, gpu: number): boolean {
    return this.#faults.outages.some(
      (one) => one.node === node && one.gpu === gpu && one.fromS <= this.#timeS && this.#timeS < one.toS,
    );
  }

  #wear(node: number): void {
    const { wornMemory } = this.#faults;
    if (wornMemory?.node !== node) return;
    const errors = correctedBy(wornMemory, this.#timeS);
    this.#gpuCounters[node]?.[wornMemory.gpu]?.wear(errors, retiredBy(wornMemory, this.#timeS));
  }

  /** What went wrong in a span of time, in the logs of the nodes where it did. */
  #report(ended: readonly RunningJob[], span: { readonly fromS: number; readonly toS: number }): void {
    for (const xid of xidsBetween(this.#faults, ended, span)) this.#log(xid);
  }

  #log({ node, gpu, xid, timeS, culprit }: Xid): void {
    const hardware = this.nodes[node];
    const one = hardware?.gpus[gpu];
    const counters = this.#gpuCounters[node]?.[gpu];
    if (!hardware || !one || !counters) return;
    counters.lastXid = xid;
    for (const line of xidLines(one, xid, culprit)) this.#logs[node]?.write(hardware.upAtStartS + timeS, line);
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

/** Jobs of the kinds that a rehearsal asks for; a node whose drive is slow has one already. */
function wantedResidents(
  seed: number,
  nodes: readonly NodeHardware[],
  { residents }: WantedFaults,
): readonly RunningJob[] {
  return residents.flatMap(({ kind, nodes: wanted }, number) => {
    const places = wanted.flatMap((node) => {
      const gpus = nodes[node]?.gpus.map((gpu) => gpu.index) ?? [];
      return gpus.length === 0 || nodes[node]?.drives.some((drive) => drive.health < 1) ? [] : [{ node, gpus }];
    });
    if (places.length === 0) return [];
    const job = draftResident(seed, number, { kind, nodes: places.length, gpusPerNode: places[0]?.gpus.length ?? 0 });
    return [{ ...job, startS: job.arrivalS, endS: job.arrivalS + job.durationS, places }];
  });
}

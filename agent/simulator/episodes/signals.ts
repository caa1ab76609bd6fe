// What the bins of a pipeline show from outside: draw, clocks, temperature, pressure, latency, ports, second by second.
import {
  gpuSignals,
  nodeSignals,
  type GpuSignals,
  type NodeSecond,
  type NodeSignals,
  type RailSignals,
} from '#agent/contract';
import { Random } from '../random.ts';
import { EDR_BPS, GIB, type Machine } from './machine.ts';
import type { Bins } from './pipeline.ts';
import type { RankParameters } from './parameters.ts';
import type { Plan, RailState, Shown } from './plan.ts';

const INLET_C = 26;
const WARM_UP_S = 40;
const MEMORY_GIB = 0.7;

const well: Shown = {
  ...{ throttlePower: 0, throttleThermal: 0, throttleThermalHw: 0, throttleBrake: 0 },
  ...{ pcieWidth: NaN, pcieGeneration: NaN, hotterC: 0 },
};

export function showNode(plan: Plan, bins: Bins, node: number, seed: number): readonly NodeSecond[] {
  const { machine, durationS } = plan;
  const random = new Random(seed, 'sensors', node);
  const ranks = Array.from({ length: machine.gpusPerNode }, (_, index) => node * machine.gpusPerNode + index);
  const heat = ranks.map(() => INLET_C + 6);
  return Array.from({ length: Math.floor(durationS) }, (_, second): NodeSecond => {
    const gpus = ranks.map((rank, index) => {
      const own = gpuAt(plan, bins, { rank, second, random });
      const steady = INLET_C + 4 + own.powerW * machine.gpu.resistance + shownAt(plan, rank, second).hotterC;
      const beside = ((heat[index - 1] ?? INLET_C) + (heat[index + 1] ?? INLET_C) - 2 * INLET_C) * 0.04;
      const before = heat[index] ?? INLET_C;
      heat[index] = before + (steady + beside - before) * (1 - Math.exp(-1 / WARM_UP_S));
      return own.lost ? gpuSignals({ fault: 1 }) : { ...own.signals, temperatureC: Math.round(heat[index] ?? before) };
    });
    return { timeMs: second * 1000, node: nodeAt(plan, bins, { node, second, ranks }), gpus };
  });
}

interface At {
  readonly rank: number;
  readonly second: number;
  readonly random: Random;
}

function inFault({ fault }: Plan, second: number): boolean {
  return second >= fault.fromS && second < fault.toS;
}

function shownAt(plan: Plan, rank: number, second: number): Shown {
  const { pcieGeneration } = plan.machine.gpu;
  const usual = { ...well, pcieWidth: 16, pcieGeneration };
  return inFault(plan, second) ? { ...usual, ...plan.goesWrong?.shown?.(rank) } : usual;
}

function parametersAt(plan: Plan, rank: number, second: number): RankParameters {
  const own = plan.well(rank);
  return plan.goesWrong && inFault(plan, second) ? plan.goesWrong.rank(rank, own) : own;
}

function gpuAt(
  plan: Plan,
  bins: Bins,
  { rank, second, random }: At,
): { readonly signals: GpuSignals; readonly powerW: number; readonly lost: boolean } {
  const { gpu } = plan.machine;
  const jitter = 1 + (random.next() - 0.5) * 0.02;
  const of = parametersAt(plan, rank, second);
  const work = idleWork(plan, second, random) ?? {
    busy: bins.busy[rank]?.[second] ?? 0,
    sm: bins.sm[rank]?.[second] ?? 0,
    dram: bins.dram[rank]?.[second] ?? 0,
    tensor: bins.tensor[rank]?.[second] ?? 0,
    main: bins.main[rank]?.[second] ?? 0,
  };
  const holding = holdsAt(plan, second);
  const shown = shownAt(plan, rank, second);
  const full = gpu.contextW + (gpu.powerW * plan.intensity - gpu.contextW) * drawOf(work) * of.clock ** 2;
  const powerW =
    (holding ? Math.min(Math.max(full, gpu.contextW), shown.throttlePower > 0 ? plan.limitW : gpu.powerW) : gpu.idleW) *
    jitter;
  const lost = plan.lost.includes(rank) && inFault(plan, second);
  const loads = !of.loadsInMainThread && holding && plan.idle === undefined;
  const blocked = bins.blocked[rank]?.[second] ?? 0;
  const signals = gpuSignals({
    busy: Math.min(1, work.busy),
    sm: Math.min(1, work.sm * jitter),
    dram: Math.min(1, work.dram),
    tensor: Math.min(1, work.tensor),
    powerW,
    clockHz: holding ? gpu.clockMHz * of.clock * 1e6 : 135e6,
    memoryUsedBytes: holding ? gpu.memoryGiB * GIB * MEMORY_GIB : 4 * 1024 ** 2,
    processes: holding ? 1 : 0,
    pcieRxBps: bins.copiedBytes[rank]?.[second] ?? 0,
    pcieTxBps: 2e6,
    nvlinkBps: bins.nvlinkBytes[rank]?.[second] ?? 0,
    mainThread: holding ? Math.min(1, work.main) : NaN,
    workers: loads ? of.workers : 0,
    workersRunning: loads ? Math.min(of.workers, bins.running[rank]?.[second] ?? 0) : 0,
    workersWaiting: loads ? (bins.waiting[rank]?.[second] ?? 0) : 0,
    workersBlocked: loads && !plan.hiddenClient ? sampled(blocked, of.workers, random) : 0,
    ...{ throttlePower: shown.throttlePower, throttleThermal: shown.throttleThermal },
    ...{ throttleThermalHw: shown.throttleThermalHw, throttleBrake: shown.throttleBrake },
    ...{ pcieWidth: shown.pcieWidth, pcieGeneration: shown.pcieGeneration },
    fault: 0,
  });
  return { signals, powerW: lost ? gpu.idleW : powerW, lost };
}

interface Work {
  readonly busy: number;
  readonly sm: number;
  readonly dram: number;
  readonly tensor: number;
  readonly main: number;
}

/** Share of the draw between context and limit: kernels that only spin draw a sixth. */
function drawOf({ busy, sm, dram, tensor }: Work): number {
  return 0.09 * busy + 0.91 * (0.62 * (sm / 0.85) + 0.2 * (dram / 0.6) + 0.18 * Math.min(1, tensor / 0.5));
}

function holdsAt(plan: Plan, second: number): boolean {
  if (plan.idle) return plan.idle.kind === 'idle' || plan.idle.kind === 'service';
  return plan.startup === undefined || second >= plan.startup.jobS + 4;
}

/** What a GPU does on which no pipeline runs. */
function idleWork({ idle, startup }: Plan, second: number, random: Random): Work | undefined {
  const rest: Work = { busy: 0, sm: 0, dram: 0, tensor: 0, main: 0.004 };
  if (idle === undefined) {
    if (startup === undefined || second >= startup.firstStepS) return undefined;
    return { ...rest, main: second < startup.jobS ? 0 : 0.9 };
  }
  switch (idle.kind) {
    case 'free':
    case 'empty':
      return rest;
    case 'idle':
      return idle.bursts.some(({ fromS, toS }) => second >= fromS && second < toS)
        ? { busy: 0.7, sm: 0.4, dram: 0.2, tensor: 0.1, main: 0.9 }
        : rest;
    case 'service': {
      const busy = Math.min(1, idle.duty * random.exponential(1));
      return { busy, sm: busy * 0.5, dram: busy * 0.3, tensor: busy * 0.2, main: 0.05 + busy * 0.4 };
    }
  }
}

const LOOKS = 5;

/** Five looks a second at each worker. */
function sampled(blocked: number, workers: number, random: Random): number {
  const share = Math.min(1, blocked / workers);
  let seen = 0;
  for (let look = 0; look < LOOKS * workers; look++) if (random.next() < share) seen++;
  return seen / LOOKS;
}

const QUIET_S = { local: 0.00018, shared: 0.0012 } as const;

function nodeAt(
  plan: Plan,
  bins: Bins,
  { node, second, ranks }: { node: number; second: number; ranks: readonly number[] },
): NodeSignals {
  const { machine, input, goesWrong } = plan;
  const wrong = goesWrong && inFault(plan, second) ? goesWrong : undefined;
  const sum = (all: readonly Float64Array[]): number =>
    ranks.reduce((total, rank) => total + (all[rank]?.[second] ?? 0), 0);
  const [running, waiting, blocked] = [sum(bins.running), sum(bins.waiting), sum(bins.blocked)];
  const [first = 0] = ranks;
  const of = parametersAt(plan, first, second);
  const read = bins.readBytes[node]?.[second] ?? 0;
  const load = Math.min(0.97, read / of.storageBps);
  const quiet = QUIET_S[input];
  const latency = quiet * Math.max(1 / (1 - load), wrong?.latencyFactor ?? 1);
  const written = bins.writtenBytes[node]?.[second] ?? 0;
  const other = wrong?.otherCpu?.(node) ?? 0.02;
  const storage =
    input === 'local'
      ? {
          localReadBps: read,
          localWriteBps: written,
          localLatencyS: latency,
          localQuietLatencyS: quiet,
          localCeilingBps: of.storageBps,
        }
      : plan.hiddenClient
        ? {}
        : { sharedReadBps: read, sharedWriteBps: written, sharedLatencyS: latency, sharedQuietLatencyS: quiet };
  return nodeSignals({
    hostCpu: Math.min(1, other + (running + sum(bins.main)) / machine.cores),
    psiCpu: 1 - Math.exp(-1.5 * waiting),
    psiIo: 1 - Math.exp(-1.2 * blocked),
    ...storage,
    rails: railsAt(machine, bins.ibBytes[node]?.[second] ?? 0, wrong?.rails?.(node)),
  });
}

function railsAt({ rails }: Machine, bytes: number, states: readonly RailState[] | undefined): readonly RailSignals[] {
  return Array.from({ length: rails }, (_, at) => {
    const { up, share, rate, wait } = states?.[at] ?? { up: true, share: 1 / rails, rate: 1, wait: 0.001 };
    const sent = up ? bytes * share : 0;
    return { txBps: sent, rxBps: sent, rateBps: EDR_BPS * rate, bestRateBps: EDR_BPS, wait: bytes > 0 ? wait : 0, up };
  });
}

// The scenarios of the labelled bench: what each makes of a job that runs well, and what would remove it. detection.md §8.3.
// The label is not what is written here but what re-simulation without the constraint shows: see episode.ts.
import { EDR_BPS, gpuKinds, type GpuModel, type Machine } from './machine.ts';
import type { RankParameters } from './parameters.ts';
import type { Fault, Idle, Plan, RailState, Shown } from './plan.ts';
import type { Draw } from './ranges.ts';
import { drawPauses, drawWell, type WellOptions } from './well.ts';

export interface Scenario {
  /** The cause it is meant to have. */
  readonly cause: string;
  /** What else is right to say. */
  readonly accepts?: readonly string[];
  /** Rather than by what its removal gains, it is told by what it is. */
  readonly evident?: true;
  readonly owner?: string;
  readonly plan: (draw: Draw) => Plan;
}

type Size = 'single' | 'node' | 'nodes';

function drawMachine(draw: Draw, size: Size): Machine {
  const model = draw.random.weighted<GpuModel>([['V100', 3], ['A100', 2], ['H100', 2]], 'V100'); // prettier-ignore
  const gpusPerNode = draw.random.pick(size === 'single' ? [1, 2, 4] : size === 'node' ? [4, 8] : [2, 4]);
  const nodes = size === 'nodes' ? draw.random.pick([4, 4, 6, 8]) : 1;
  const rails = nodes > 1 ? draw.random.pick([2, 4]) : 0;
  return { gpu: gpuKinds[model], nodes, gpusPerNode, cores: draw.whole('cores'), rails };
}

interface Parts {
  readonly machine: Machine;
  readonly well: RankParameters;
  /** One step when all is well, and what the node's ranks read a second. */
  readonly stepS: number;
  readonly readBps: number;
  readonly draw: Draw;
}

interface Wrong extends Partial<Plan> {
  readonly goesWrong?: Fault;
  readonly well?: (rank: number) => RankParameters;
}

function training(size: Size, make: (parts: Parts) => Wrong, options: Partial<WellOptions> = {}): (draw: Draw) => Plan {
  return (draw) => {
    const machine = drawMachine(draw, size);
    const well = drawWell(draw, machine, { distributed: size === 'nodes', ...options });
    const stepS = well.computeS + well.exposedS;
    const leadS = draw.of('lead_s');
    const faultS = draw.of('fault_s');
    const durationS = leadS + faultS + draw.of('recovery_s');
    const base: Plan = {
      ...{ machine, durationS, limitW: machine.gpu.powerW, intensity: draw.of('intensity'), spin: draw.of('spin') },
      ...{ fault: { fromS: leadS, toS: leadS + faultS }, well: () => well, goesWrong: undefined, removals: {} },
      ...{ jobKind: 'batch', input: draw.random.chance(0.5) ? 'local' : 'shared', lost: [], hangs: false },
      ...{ startup: undefined, idle: undefined, hiddenClient: false },
      pauses: draw.random.chance(0.3) ? drawPauses(draw, durationS) : [],
    };
    const readBps = (machine.gpusPerNode * well.batchBytes) / stepS;
    return { ...base, ...make({ machine, well, stepS, readBps, draw }) };
  };
}

const all = (change: Partial<RankParameters>, more: Omit<Fault, 'rank'> = {}): Fault => ({
  rank: (_, well) => ({ ...well, ...change }),
  ...more,
});
const unchanged: Fault = { rank: (_, well) => well };
/** The one constraint, and nothing in its place. */
const only = (name: string, goesWrong: Fault): Wrong => ({ goesWrong, removals: { [name]: unchanged } });

function slowStorage({ readBps, draw, well, stepS }: Parts): Fault {
  const deficit = draw.of('storage_deficit');
  if (draw.random.chance(0.5)) return all({ storageBps: readBps / deficit }, { latencyFactor: 4 + 3 * deficit });
  const fetchS = well.workers * stepS * deficit - well.prepS;
  return all({ fetchS }, { latencyFactor: fetchS / well.fetchS });
}

function exhaustedCpu({ machine, stepS, draw }: Parts): Fault {
  const prepS = (machine.cores * stepS * draw.of('cpu_deficit')) / machine.gpusPerNode;
  return all({ prepS });
}

function exposed({ well, draw }: Parts): number {
  const share = draw.of('exposed_comm');
  return (well.computeS * share) / (1 - share);
}

function ibTraffic(parts: Parts, exposedS: number, load: number): Partial<RankParameters> {
  const { machine } = parts;
  const nodeBytes = load * machine.rails * EDR_BPS * exposedS;
  return {
    exposedS,
    ibBytes: nodeBytes / machine.gpusPerNode,
    nvlinkBytes: 0.1 * exposedS * machine.gpu.nvlinkBps,
  };
}

const evenRails = ({ rails }: Machine, wait: number): readonly RailState[] =>
  Array.from({ length: rails }, () => ({ up: true, share: 1 / rails, rate: 1, wait }));

/** One node of the job, or one GPU of a node. */
function slowOne(
  parts: Parts,
  factor: number,
  make: (well: RankParameters) => RankParameters,
  shown?: Partial<Shown>,
): Wrong {
  const { machine, draw } = parts;
  const slow = draw.random.integer(0, machine.nodes - 1);
  const isSlow = (rank: number): boolean => Math.floor(rank / machine.gpusPerNode) === slow;
  return {
    ...only('straggler', {
      rank: (rank, well) => (isSlow(rank) ? make(well) : well),
      ...(shown && { shown: (rank: number) => (isSlow(rank) ? shown : {}) }),
    }),
    ...(factor > 0 && { pauses: [] }),
  };
}

function slowed(clock: number, shown: Partial<Shown>): Wrong {
  return only('clock', all({ clock }, { shown: () => shown }));
}

/** Draw at full clock by that at the limit: the clock falls until it fits. */
function cappedClock({ machine, well }: Parts, intensity: number, limitW: number): number {
  const { contextW, powerW } = machine.gpu;
  const draw =
    0.09 + 0.91 * (0.62 * (well.sm / 0.85) + 0.2 * (well.dram / 0.6) + 0.18 * Math.min(1, well.tensor / 0.5));
  const wantedW = contextW + (powerW * intensity - contextW) * draw;
  return Math.min(1, Math.sqrt((limitW - contextW) / (wantedW - contextW)));
}

const resting = (idle: Idle, jobKind: Plan['jobKind'] = 'batch') =>
  training('single', () => ({ idle, jobKind, pauses: [] }));

export const scenarios: Readonly<Record<string, Scenario>> = {
  healthy_compute: { cause: 'none', plan: training('single', () => ({})) },
  healthy_memory: { cause: 'none', plan: training('single', () => ({}), { memoryBound: true }) },
  healthy_nodes: { cause: 'none', plan: training('nodes', () => ({})) },
  healthy_grey_loader: { cause: 'none', plan: training('node', () => ({}), { slack: 'grey_loader_slack' }) },
  healthy_phases: {
    cause: 'none',
    plan: training('node', ({ draw }) => ({ pauses: drawPauses(draw, 1000) })),
  },
  healthy_gemm_throttle: {
    cause: 'none',
    plan: training('node', ({ well, draw }) => ({
      well: () => ({ ...well, clock: draw.of('gemm_clock') }),
      goesWrong: { rank: (_, own) => own, shown: () => ({ throttlePower: 0.8 }) },
    })),
  },
  sequence_jitter: {
    cause: 'imbalance',
    accepts: ['none'],
    plan: training('nodes', ({ draw }) => only('straggler', all({ jitter: draw.of('sequence_jitter') }))),
  },
  stage_imbalance: {
    cause: 'imbalance',
    accepts: ['none'],
    plan: training('nodes', ({ draw }) => {
      const factor = draw.of('stage_imbalance');
      return only('straggler', {
        rank: (rank, well) => (rank % 2 === 1 ? { ...well, computeS: well.computeS * factor } : well),
      });
    }),
  },

  storage: {
    cause: 'storage',
    plan: training('node', (parts) => only('storage', slowStorage(parts))),
  },
  storage_hidden_client: {
    cause: 'storage.network',
    accepts: ['unknown', 'storage'],
    plan: training('node', (parts) => ({
      ...only('storage', slowStorage(parts)),
      input: 'shared',
      hiddenClient: true,
    })),
  },
  cpu_exhausted: {
    cause: 'cpu.exhausted',
    plan: training('node', (parts) => {
      const workers = Math.ceil(
        (parts.machine.cores / parts.machine.gpusPerNode) * parts.draw.random.between(1.4, 2.5),
      );
      const well = { ...parts.well, workers, prepS: parts.well.prepS };
      return { well: () => well, ...only('cpu', exhaustedCpu(parts)) };
    }),
  },
  cpu_neighbour: {
    cause: 'cpu.exhausted',
    owner: 'platform',
    plan: training('node', ({ machine, well, stepS, draw }) => {
      const used = (machine.gpusPerNode * well.prepS) / stepS;
      const cores = Math.max(1, Math.floor(used / draw.of('cpu_deficit')));
      return only('cpu', all({ cores }, { otherCpu: () => 1 - cores / machine.cores }));
    }),
  },
  too_few_workers: {
    cause: 'cpu.too_few_workers',
    plan: training('node', ({ machine, well, stepS, draw }) => {
      const workers = draw.random.chance(0.6) ? draw.whole('few_workers') : well.workers;
      const most = Math.floor((0.6 * machine.cores) / machine.gpusPerNode);
      const own = { ...well, workers: Math.min(workers, Math.max(1, most)) };
      const fetchS = Math.min(own.fetchS, 0.15 * own.workers * stepS);
      const kept = { ...own, fetchS, prepS: (own.workers * stepS) / 1.6 - fetchS };
      const prepS = own.workers * stepS * draw.of('workers_deficit') - fetchS;
      return { well: () => kept, ...only('workers', all({ prepS })) };
    }),
  },
  main_thread_loader: {
    cause: 'cpu.too_few_workers',
    plan: training('single', ({ well, stepS, draw }) => {
      const own = { ...well, loadsInMainThread: true, workers: 1, fetchS: 0, prepS: 0.03 * stepS };
      return { well: () => own, ...only('workers', all({ prepS: stepS * (draw.of('workers_deficit') - 1) })) };
    }),
  },
  h2d: {
    cause: 'h2d.pcie',
    plan: training('single', ({ machine, well, draw }) => {
      const share = draw.of('h2d_share');
      const copyS = ((well.computeS + well.exposedS) * share) / (1 - share);
      return only('h2d', all({ copyS, copyBps: draw.of('h2d_load') * machine.gpu.pcieBps }));
    }),
  },
  launch_bound: {
    cause: 'launch_bound',
    evident: true,
    plan: training('single', ({ well, draw }) => {
      const gapShare = draw.of('launch_bound_gap');
      const sm = draw.of('launch_bound_sm') / (1 - gapShare);
      const change = { gapShare, sm: Math.min(sm, 0.4 * (1 - gapShare)), mainShare: draw.of('launch_bound_main') };
      return only('launch', all({ ...change, tensor: well.tensor * 0.2, dram: well.dram * 0.3 }));
    }),
  },
  nvlink: {
    cause: 'nvlink',
    plan: training('node', (parts) => {
      const exposedS = exposed(parts);
      const nvlinkBytes = parts.draw.of('nvlink_load') * parts.machine.gpu.nvlinkBps * exposedS;
      return only('comm', all({ exposedS, nvlinkBytes }));
    }),
  },
  ib_bandwidth: {
    cause: 'ib.bandwidth',
    plan: training('nodes', (parts) =>
      only('comm', {
        ...all(ibTraffic(parts, exposed(parts), parts.draw.of('ib_load'))),
        rails: () => evenRails(parts.machine, 0.015),
      }),
    ),
  },
  ib_congestion: {
    cause: 'ib.congestion',
    plan: training('nodes', (parts) => {
      const wait = parts.draw.of('congestion');
      const load = parts.draw.random.between(0.1, 0.4);
      return only('comm', {
        ...all(ibTraffic(parts, exposed(parts), load)),
        rails: () => evenRails(parts.machine, wait),
      });
    }),
  },
  rail_dead: {
    cause: 'rail_imbalance',
    plan: training('nodes', (parts) => {
      const share = parts.draw.random.between(0.2, 0.3);
      const ownS = (parts.well.computeS * share) / (1 - share);
      const machine = { ...parts.machine, rails: 2 };
      const own = { ...parts.well, ...ibTraffic({ ...parts, machine }, ownS, 0.6) };
      const dead: readonly RailState[] = [
        { up: true, share: 1, rate: 1, wait: 0.02 },
        { up: parts.draw.random.chance(0.5), share: 0, rate: 1, wait: 0 },
      ];
      return { machine, well: () => own, ...only('comm', { ...all({ exposedS: ownS * 2 }), rails: () => dead }) };
    }),
  },
  ib_degraded: {
    cause: 'link_degraded',
    plan: training('nodes', (parts) => {
      const rate = parts.draw.of('degraded_rate');
      const share = parts.draw.random.between(0.15, 0.25);
      const ownS = (parts.well.computeS * share) / (1 - share);
      const own = { ...parts.well, ...ibTraffic(parts, ownS, 0.6) };
      const rails = evenRails(parts.machine, 0.03).map((rail, at) => (at === 0 ? { ...rail, rate } : rail));
      return { well: () => own, ...only('comm', { ...all({ exposedS: ownS / rate }), rails: () => rails }) };
    }),
  },
  straggler_unknown: {
    cause: 'straggler',
    plan: training('nodes', (parts) => {
      const factor = parts.draw.of('straggler');
      return slowOne(parts, factor, (well) => ({ ...well, computeS: well.computeS * factor }));
    }),
  },
  straggler_slight: {
    cause: 'straggler',
    evident: true,
    plan: training('nodes', (parts) => {
      const factor = parts.draw.of('slight_straggler');
      return slowOne(parts, factor, (well) => ({ ...well, computeS: well.computeS * factor }));
    }),
  },
  straggler_thermal: {
    cause: 'straggler',
    owner: 'hardware',
    plan: training('nodes', (parts) => {
      const clock = 1 / parts.draw.of('straggler');
      return slowOne(parts, 1, (well) => ({ ...well, clock }), { throttleThermal: 1, hotterC: 30 });
    }),
  },
  straggler_disk: {
    cause: 'straggler',
    owner: 'platform',
    plan: training('nodes', (parts) => {
      const factor = parts.draw.of('straggler');
      return slowOne(parts, factor, (well) => ({ ...well, storageBps: parts.readBps / factor }));
    }),
  },
  power_cap: {
    cause: 'power_cap',
    plan: training('node', (parts) => {
      const { machine, draw, well } = parts;
      const intensity = 1;
      const own = { ...well, sm: Math.max(well.sm, 0.7), tensor: Math.max(well.tensor, 0.35) };
      const limitW = machine.gpu.powerW * draw.of('power_cap');
      const clock = cappedClock({ ...parts, well: own }, intensity, limitW);
      return { well: () => own, intensity, limitW, ...slowed(clock, { throttlePower: clock < 1 ? 1 : 0 }) };
    }),
  },
  thermal: {
    cause: 'thermal',
    plan: training('node', ({ draw }) => {
      const hardware = draw.random.chance(0.3);
      return slowed(draw.of('thermal_clock'), {
        throttleThermal: hardware ? 0 : 1,
        throttleThermalHw: hardware ? 0.6 : 0,
        hotterC: 35,
      });
    }),
  },
  clocks_locked: { cause: 'clocks_locked', plan: training('node', ({ draw }) => slowed(draw.of('locked_clock'), {})) },
  power_brake: {
    cause: 'power_brake',
    plan: training('node', ({ draw }) => slowed(draw.of('locked_clock'), { throttleBrake: 0.9 })),
  },
  pcie_degraded: {
    cause: 'link_degraded',
    plan: training('single', ({ machine, well, draw }) => {
      const width = draw.random.pick([4, 8]);
      const copyBps = 0.85 * machine.gpu.pcieBps;
      const copyS = well.computeS * draw.random.between(0.14, 0.25);
      const own = { ...well, copyS, copyBps };
      const narrow = all(
        { copyS: (copyS * 16) / width, copyBps: (copyBps * width) / 16 },
        { shown: () => ({ pcieWidth: width }) },
      );
      return { well: () => own, ...only('h2d', narrow) };
    }),
  },
  gpu_lost: {
    cause: 'fault',
    accepts: ['hang'],
    evident: true,
    plan: training('node', ({ machine, draw }) => ({
      lost: [draw.random.integer(0, machine.gpusPerNode - 1)],
      hangs: true,
      pauses: [],
    })),
  },
  hang: { cause: 'hang', evident: true, plan: training('nodes', () => ({ hangs: true, pauses: [] })) },
  startup: {
    cause: 'startup',
    evident: true,
    plan: training('node', ({ draw }) => {
      const jobS = draw.random.between(30, 60);
      return { startup: { jobS, firstStepS: jobS + draw.of('startup_s') }, pauses: [] };
    }),
  },
  free: { cause: 'free', evident: true, plan: resting({ kind: 'free' }) },
  held_no_process: { cause: 'held.no_process', evident: true, plan: resting({ kind: 'empty' }) },
  held_idle: { cause: 'held.idle', evident: true, plan: resting({ kind: 'idle', bursts: [] }) },
  notebook: {
    cause: 'held.idle',
    evident: true,
    plan: training('single', ({ draw }) => {
      const everyS = draw.of('notebook_every_s');
      const bursts = [0.5, 1.5, 2.5].map((at) => ({
        fromS: at * everyS,
        toS: at * everyS + draw.of('notebook_burst_s'),
      }));
      return { idle: { kind: 'idle', bursts }, jobKind: 'notebook', pauses: [] };
    }),
  },
  service: {
    cause: 'low_demand',
    evident: true,
    plan: training('single', ({ draw }) => ({
      idle: { kind: 'service', duty: draw.of('serving_duty') },
      jobKind: 'service',
      pauses: [],
    })),
  },
};

export const scenarioNames: readonly string[] = Object.keys(scenarios);

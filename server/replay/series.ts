// A recorded series in CSV, a row per second and node, as seconds for the judge. Columns: docs/replay.md.
// The labels give what the judge may know of the machine; what they say of the truth is not read here.
import {
  gpuSignals,
  nodeSignals,
  type GpuFacts,
  type GpuSignals,
  type JobFacts,
  type NodeFacts,
  type NodeSecond,
  type RailSignals,
} from '#agent/contract';
import type { EpisodeInput } from '../diagnosis/judged-episode.ts';
import type { MachineConstants } from './labels.ts';

export class SeriesError extends Error {
  override name = 'SeriesError';
}

interface Row {
  readonly timeS: number;
  readonly node: string;
  readonly value: (column: string) => number;
  readonly text: (column: string) => string;
}

export function readSeries(text: string, constants: MachineConstants): EpisodeInput {
  const rows = parseRows(text);
  const gpus = gpuCount(text);
  const names = [...new Set(rows.map(({ node }) => node))];
  const nodes = names.map((node): NodeFacts => ({ node, cpus: constants.cpus, gpus: gpuFacts(gpus, constants) }));
  const seconds = names.map((node) =>
    rows.filter((row) => row.node === node).map((row): NodeSecond => secondOf(row, gpus, constants)),
  );
  return { nodes, jobs: [jobOf(nodes, constants)], seconds };
}

const timeAndNode = ['t_s', 'node'] as const;

function parseRows(text: string): readonly Row[] {
  const [head = '', ...lines] = text.split(/\r?\n/);
  const columns = head.split(',');
  for (const name of timeAndNode) {
    if (!columns.includes(name)) throw new SeriesError(`line 1: column ${name} is missing`);
  }
  const places = new Map(columns.map((name, at) => [name, at]));
  return lines.flatMap((line, at): readonly Row[] => {
    if (line === '') return [];
    const cells = line.split(',');
    if (cells.length !== columns.length) {
      throw new SeriesError(`line ${at + 2}: ${cells.length} values, the head has ${columns.length} columns`);
    }
    const textOf = (column: string): string => cells[places.get(column) ?? -1] ?? '';
    const value = (column: string): number => numberOf(textOf(column));
    const timeS = value('t_s');
    if (Number.isNaN(timeS)) throw new SeriesError(`line ${at + 2}: t_s is "${textOf('t_s')}", no number`);
    return [{ timeS, node: textOf('node'), value, text: textOf }];
  });
}

/** Empty and N/A are not known. */
function numberOf(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}

function gpuCount(text: string): number {
  const head = text.slice(0, text.indexOf('\n'));
  const numbers = [...head.matchAll(/\bgpu(\d+)_/g)].map(([, number]) => Number(number));
  if (numbers.length === 0) throw new SeriesError('line 1: there is no column of a GPU, such as gpu0_gr_engine');
  return Math.max(...numbers) + 1;
}

function gpuFacts(count: number, constants: MachineConstants): readonly GpuFacts[] {
  return Array.from({ length: count }, (_, index) => ({ ...constants.gpu, gpu: String(index), uuid: `gpu${index}` }));
}

/** One job on all GPUs, which has long been running. */
function jobOf(nodes: readonly NodeFacts[], { cpus, input }: MachineConstants): JobFacts {
  return {
    ...{
      id: 'recorded',
      user: '',
      account: '',
      partition: '',
      name: '',
      kind: 'batch',
      startMs: -86_400_000,
      endMs: undefined,
    },
    gpus: nodes.flatMap(({ node, gpus }) => gpus.map(({ uuid }) => ({ node, uuid }))),
    cpus: cpus * nodes.length,
    input,
  };
}

function secondOf(row: Row, gpus: number, constants: MachineConstants): NodeSecond {
  const { value } = row;
  const shared = constants.input === 'shared';
  const [read, written] = [value('storage_read_MBps') * 1e6, value('storage_write_MBps') * 1e6];
  const node = nodeSignals({
    hostCpu: value('host_cpu_util'),
    psiCpu: value('psi_cpu_some'),
    psiIo: value('psi_io_some'),
    ...(shared
      ? { sharedReadBps: read, sharedWriteBps: written, sharedCeilingBps: constants.storageBps }
      : { localReadBps: read, localWriteBps: written, localCeilingBps: constants.storageBps }),
    rails: railsOf(row, constants),
  });
  return {
    timeMs: Math.round(row.timeS * 1000),
    node,
    gpus: Array.from({ length: gpus }, (_, index) => gpuOf(row, index, { gpus, constants })),
  };
}

/** The series adds the ports up; each is given its part. */
function railsOf({ value }: Row, { ports, portBps }: MachineConstants): readonly RailSignals[] {
  const txBps = value('ib_xmit_Bps') / ports;
  const rail = {
    txBps,
    rxBps: NaN,
    rateBps: portBps,
    bestRateBps: portBps,
    wait: value('ib_xmit_wait_frac'),
    up: true,
  };
  return Array.from({ length: ports }, () => rail);
}

function gpuOf(
  row: Row,
  index: number,
  { gpus, constants }: { readonly gpus: number; readonly constants: MachineConstants },
): GpuSignals {
  const at = (name: string): number => row.value(`gpu${index}_${name}`);
  const engine = at('gr_engine');
  const reason = row.text('throttle_reason');
  return gpuSignals({
    busy: Number.isNaN(engine) ? at('util_pct') / 100 : engine,
    sm: at('sm_active'),
    dram: at('dram_active'),
    tensor: at('tensor_active'),
    powerW: at('power_w'),
    temperatureC: at('temp_c'),
    clockHz: at('sm_clock_mhz') * 1e6,
    pcieRxBps: at('pcie_rx_Bps'),
    nvlinkBps: at('nvlink_Bps'),
    mainThread: at('main_thread_cpu'),
    processes: Number.isNaN(at('main_thread_cpu')) ? NaN : 1,
    ...workersOf(row, gpus, constants),
    ...throttleOf(reason),
    fault: 0,
  });
}

/** The series counts the workers of the node; each GPU has as many. */
function workersOf({ value }: Row, gpus: number, { workers }: MachineConstants): Partial<GpuSignals> {
  const running = value('loader_cpu_cores') / gpus;
  if (Number.isNaN(running) || !(workers > 0)) return {};
  const [blocked, waiting] = [value('loader_blocked_io') / gpus, value('loader_runnable_waiting') / gpus];
  return { workers, workersRunning: running, workersBlocked: blocked, workersWaiting: waiting };
}

function throttleOf(reason: string): Partial<GpuSignals> {
  if (reason === '') return {};
  const share = (name: string): number => (reason.split('|').includes(name) ? 1 : 0);
  return {
    throttlePower: share('power'),
    throttleThermal: share('thermal'),
    throttleThermalHw: share('thermal_hw'),
    throttleBrake: share('brake'),
  };
}

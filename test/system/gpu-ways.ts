// The three ways to read one situation, each through the real collector and, where it has one, its real child process:
// the stand-in library, the simulator's nvidia-smi, a dcgm-exporter's page. Gives what the collector shows of each GPU.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { absenceReasons, type AgentMetricId, PRESENT } from '#agent/contract';
import { startGpu } from '../../agent/collectors/gpu.ts';
import { noGpuSources, type GpuSources } from '../../agent/collectors/collector.ts';
import { createCommandRunner } from '../../agent/command.ts';
import { DRIVER_VERSION } from '../../agent/simulator/kernel-log.ts';
import { NodeTree } from '../../agent/simulator/node-tree.ts';
import type { NodeState } from '../../agent/simulator/workload.ts';
import type { Series } from '../../agent/snapshot.ts';
import { NvmlDouble } from '../doubles/nvml/double.ts';
import { startReading } from '../doubles/reading.ts';
import { stillNvmlGpusOf } from './gpu-situation.ts';
import { until } from './program.ts';

const TICK_MS = 100;

/** `metric{label="text"} ` of one GPU without its place, to its value in base units or why there is none. */
export type Shown = ReadonlyMap<string, number | string>;

export interface Way {
  /** By index. */
  readonly gpus: ReadonlyMap<string, Shown>;
  readonly infos: readonly Series[];
}

/** As an NVML of the driver's age; V100 have no newer one's fields. */
export async function readByNvml(state: NodeState): Promise<Way> {
  const double = new NvmlDouble(stillNvmlGpusOf(state), {
    driver: { driver: DRIVER_VERSION, nvml: `11.${DRIVER_VERSION}`, cuda: 11_040, pcieWaitMs: 1 },
  });
  try {
    // One GPU at a time is measured on its slot.
    return await readBy({ nvml: double.library }, ['gpu_pcie_rx_bytes_per_second']);
  } finally {
    double.remove();
  }
}

export async function readByNvidiaSmi(state: NodeState): Promise<Way> {
  const directory = mkdtempSync(join(tmpdir(), 'whyidle-ways-'));
  const tree = new NodeTree(directory, state);
  const ticking = setInterval(() => {
    tree.update(state, { wall: new Date(), monotonicMs: performance.now() });
  }, TICK_MS);
  try {
    return await readBy({ nvidiaSmi: tree.nvidiaSmi }, ['gpu_nvlink_tx_bytes_total', 'gpu_processes']);
  } finally {
    clearInterval(ticking);
    tree.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

export async function readByDcgmExporter(page: string): Promise<Way> {
  const server = createServer((_, response) => response.end(page)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  try {
    return await readBy({ dcgmExporter: `http://127.0.0.1:${port}/metrics` }, ['gpu_power_watts']);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Ticks until every GPU that answers has what comes last this way. */
async function readBy(sources: Partial<GpuSources>, last: readonly AgentMetricId[]): Promise<Way> {
  const root = mkdtempSync(join(tmpdir(), 'whyidle-ways-root-'));
  const commands = createCommandRunner();
  const { reader, snapshot } = startReading({ area: 'gpu', start: (context) => startGpu(context, 2500) }, root, {
    commands,
    gpuSources: { ...noGpuSources, ...sources },
    intervalMs: TICK_MS,
  });
  try {
    await reader.discover();
    await until(`a reading by ${Object.keys(sources).join()}`, async () => {
      await reader.read('fast');
      const up = snapshot.series.filter(({ id, steps, state }) => id === 'gpu_up' && state === PRESENT && steps === 1);
      const has = (id: AgentMetricId, gpu: string | undefined): boolean =>
        snapshot.series.some((one) => one.id === id && one.labels[0] === gpu && one.state === PRESENT);
      return up.length > 0 && up.every(({ labels: [gpu] }) => last.every((id) => has(id, gpu))) ? true : undefined;
    });
    return wayOf(snapshot.series);
  } finally {
    await reader.stop();
    commands.stopAll();
    rmSync(root, { recursive: true, force: true });
  }
}

function wayOf(all: readonly Series[]): Way {
  const gpus = new Map<string, Map<string, number | string>>();
  for (const series of all) {
    const [gpu = ''] = series.labels;
    if (series.row.labels[0] !== 'gpu' || series.row.kind === 'info') continue;
    const shown = gpus.get(gpu) ?? new Map<string, number | string>();
    gpus.set(gpu, shown.set(keyOf(series), valueOf(series)));
  }
  return { gpus, infos: all.filter(({ row }) => row.kind === 'info') };
}

/** Without the labels of the GPU itself, and those that are empty. */
function keyOf({ id, row, labels }: Series): string {
  const pairs = row.labels.flatMap((label, at) =>
    at < 3 || labels[at] === '' ? [] : [`${label}=${labels[at] ?? ''}`],
  );
  return pairs.length === 0 ? id : `${id}{${pairs.join(',')}}`;
}

function valueOf({ state, steps, row }: Series): number | string {
  return state === PRESENT ? Number(steps) / row.scale : (absenceReasons[state - 1] ?? '');
}

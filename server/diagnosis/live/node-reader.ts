// The signals of one node out of its newest frame, and of its GPUs.
import {
  nodeSignals,
  type AgentMetricId,
  type NodeFacts,
  type NodeSecond,
  type NodeSignals,
  type RailSignals,
} from '#agent/contract';
import type { Derived } from '../../derived/derived.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { FleetNode } from '../../fleet/node.ts';
import type { PublishedSeries } from '../../fleet/schema.ts';
import { cpuBusyRatio, levelsOf, ratesOf } from '../../fleet/totals.ts';
import { GpuReader, sum } from './gpu-reader.ts';
import type { SharedLevels } from './shared-levels.ts';

const ACTIVE = 4;
const SLOW_EVERY = 5;
/** Fewer reads say little of a drive. */
const READS = 5;

/** One disk that reads, and how long a read takes. */
export interface DiskLatency {
  readonly device: string;
  readonly seconds: number;
  readonly quietSeconds: number;
}

export class NodeReader {
  readonly node: FleetNode;
  readonly #derived: Derived;
  readonly #gpus: readonly GpuReader[];
  readonly #shared: SharedLevels;
  readonly #ports: readonly Port[];
  #reads = 0;
  #slow: Partial<NodeSignals> = {};

  constructor(fleet: Fleet, node: FleetNode, derived: Derived, shared: SharedLevels) {
    this.node = node;
    this.#derived = derived;
    this.#shared = shared;
    this.#gpus = fleet.gpusOf(node).map((gpu) => new GpuReader(node, gpu));
    this.#ports = portsOf(node);
  }

  facts(): NodeFacts {
    return { node: this.node.name, cpus: sum(levelsOf(this.node, 'cpus')), gpus: this.#gpus.map((gpu) => gpu.facts()) };
  }

  read(): Omit<NodeSecond, 'timeMs'> {
    return { node: this.#readNode(), gpus: this.#gpus.map((gpu) => gpu.read()) };
  }

  #readNode(): NodeSignals {
    const { node } = this;
    const rate = (metric: AgentMetricId): number => sum(ratesOf(node, metric));
    // Means of ten seconds and levels: they need not be looked up every second.
    if (this.#reads++ % SLOW_EVERY === 0) this.#slow = this.#readSlow();
    return nodeSignals({
      hostCpu: cpuBusyRatio(node) ?? NaN,
      psiCpu: rate('pressure_cpu_waiting_seconds_total'),
      psiIo: rate('pressure_io_waiting_seconds_total'),
      localReadBps: rate('disk_read_bytes_total'),
      localWriteBps: rate('disk_written_bytes_total'),
      ...this.#slow,
      ...this.#shared.read(node),
      rails: this.#ports.map((port) => this.#readRail(port)),
    });
  }

  #readSlow(): Pick<NodeSignals, 'localLatencyS' | 'localQuietLatencyS' | 'localCeilingBps'> {
    const worst = worstDisk(this.node, this.#derived);
    const ceilings = this.#derived.seriesOf(this.node, 'disk_throughput_ceiling_bytes_per_second');
    return {
      localLatencyS: worst?.seconds ?? NaN,
      localQuietLatencyS: worst?.quietSeconds ?? NaN,
      localCeilingBps: sum(ceilings.map(({ value }) => value)),
    };
  }

  #readRail({ device, port, received, transmitted, rate, state }: Port): RailSignals {
    const { node } = this;
    const of = (series: PublishedSeries | undefined): number => (series ? node.rate(series) : NaN);
    const rateBps = node.level(rate);
    const up = node.level(state) === ACTIVE;
    return {
      txBps: of(transmitted),
      rxBps: of(received),
      rateBps,
      bestRateBps: this.#shared.bestRate(`${device} ${port}`, rateBps),
      wait: this.#derived.value(node, 'infiniband_congestion_ratio', [device, port]),
      up,
    };
  }
}

/** The disk whose reads take longest by what they take when it is quiet. */
export function worstDisk(node: FleetNode, derived: Derived): DiskLatency | undefined {
  return disksOf(node, derived).reduce<DiskLatency | undefined>(
    (worst, one) => (worst && slowness(worst) >= slowness(one) ? worst : one),
    undefined,
  );
}

/** Disks that read now and whose latency is known, with the level of the quietest of them where one's own is not. */
export function disksOf(node: FleetNode, derived: Derived): readonly DiskLatency[] {
  const latencies = derived.seriesOf(node, 'disk_read_latency_seconds').filter(({ value }) => value > 0);
  const reads = node.schema.byMetric.get('disk_reads_completed_total') ?? [];
  const busy = new Set(reads.filter((series) => node.rate(series) >= READS).map(({ labels }) => labels[0]));
  const middle =
    latencies.map(({ value }) => value).sort((a, b) => a - b)[Math.floor((latencies.length - 1) / 2)] ?? NaN;
  return latencies.flatMap(({ labels: [device = ''], value }) => {
    if (!busy.has(device)) return [];
    const quiet = derived.value(node, 'disk_read_latency_baseline_seconds', [device]);
    // A drive that was never quiet is measured by its neighbours.
    const own = Number.isNaN(quiet) || (latencies.length >= 3 && middle < quiet) ? middle : quiet;
    return [{ device, seconds: value, quietSeconds: own }];
  });
}

function slowness({ seconds, quietSeconds }: DiskLatency): number {
  const ratio = seconds / quietSeconds;
  return Number.isNaN(ratio) ? 0 : ratio;
}

interface Port {
  readonly device: string;
  readonly port: string;
  readonly received: PublishedSeries | undefined;
  readonly transmitted: PublishedSeries | undefined;
  readonly rate: PublishedSeries | undefined;
  readonly state: PublishedSeries | undefined;
}

/** Ports for computing: those that a name says are for storage or management are left out. */
function portsOf({ schema: { byMetric } }: FleetNode): readonly Port[] {
  const find = (metric: AgentMetricId, device: string, port: string): PublishedSeries | undefined =>
    byMetric.get(metric)?.find(({ labels }) => labels[0] === device && labels[1] === port);
  const info = byMetric.get('infiniband_port_info') ?? [];
  const role = ({ row, labels }: PublishedSeries): string => labels[row.labels.indexOf('role')] ?? '';
  const apart = new Set(
    info
      .filter((one) => ['storage', 'management'].includes(role(one)))
      .map(({ labels }) => `${labels[0]} ${labels[1]}`),
  );
  return (byMetric.get('infiniband_state_id') ?? []).flatMap(({ labels: [device = '', port = ''] }) =>
    apart.has(`${device} ${port}`)
      ? []
      : [
          {
            ...{ device, port },
            received: find('infiniband_port_data_received_bytes_total', device, port),
            transmitted: find('infiniband_port_data_transmitted_bytes_total', device, port),
            rate: find('infiniband_data_rate_bytes_per_second', device, port),
            state: find('infiniband_state_id', device, port),
          },
        ],
  );
}

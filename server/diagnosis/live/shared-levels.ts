// Shared storage of a node: what flows, how long a read takes, and the best of both that was seen; also the best rate of a port.
import type { AgentMetricId, NodeSignals } from '#agent/contract';
import type { FleetNode } from '../../fleet/node.ts';
import { ratesOf } from '../../fleet/totals.ts';
import { sum } from './gpu-reader.ts';

type Shared = Pick<
  NodeSignals,
  'sharedReadBps' | 'sharedWriteBps' | 'sharedLatencyS' | 'sharedQuietLatencyS' | 'sharedCeilingBps'
>;

const read: readonly AgentMetricId[] = ['nfs_read_bytes_total', 'lustre_read_bytes_total', 'gpfs_read_bytes_total'];
const written: readonly AgentMetricId[] = [
  'nfs_written_bytes_total',
  'lustre_written_bytes_total',
  'gpfs_written_bytes_total',
];
/** Fewer reads a second say little. */
const READS = 1;
/** A new best counts for a tenth, so that one odd reading is none. */
const TRUST = 0.1;

/** Outlives the schema of its node. */
export class SharedLevels {
  #quietS = NaN;
  #most = NaN;
  readonly #bestRates = new Map<string, number>();

  read(node: FleetNode): Shared {
    const of = (metrics: readonly AgentMetricId[]): number => sum(metrics.flatMap((metric) => ratesOf(node, metric)));
    const sharedReadBps = of(read);
    const latency = latencyOf(node);
    if (!Number.isNaN(latency))
      this.#quietS =
        latency < this.#quietS || Number.isNaN(this.#quietS) ? trusted(this.#quietS, latency) : this.#quietS;
    if (!Number.isNaN(sharedReadBps) && !(sharedReadBps <= this.#most)) this.#most = sharedReadBps;
    return {
      sharedReadBps,
      sharedWriteBps: of(written),
      sharedLatencyS: latency,
      sharedQuietLatencyS: this.#quietS,
      sharedCeilingBps: this.#most,
    };
  }

  bestRate(port: string, rateBps: number): number {
    const best = this.#bestRates.get(port) ?? NaN;
    if (!(rateBps > best) && !Number.isNaN(best)) return best;
    if (!Number.isNaN(rateBps)) this.#bestRates.set(port, rateBps);
    return rateBps;
  }
}

function trusted(before: number, now: number): number {
  return Number.isNaN(before) ? now : before + (now - before) * TRUST;
}

/** Mean time of an NFS read from request to answer. */
function latencyOf(node: FleetNode): number {
  const ofReads = (metric: AgentMetricId): number =>
    sum(
      (node.schema.byMetric.get(metric) ?? [])
        .filter(({ row, labels }) => labels[row.labels.indexOf('operation')] === 'READ')
        .map((series) => node.rate(series)),
    );
  const reads = ofReads('nfs_operations_total');
  return reads >= READS ? ofReads('nfs_request_time_seconds_total') / reads : NaN;
}

// What the server derives for InfiniBand ports and disks of nodes, out of what their agents send.
import { rowsOf, type MetricRow } from './row.ts';

const infiniband = rowsOf('infiniband');
const block = rowsOf('block');
const port = ['device', 'port'] as const;
const device = ['device'] as const;

const latency = (title: string, help: string, source: string) =>
  block.gauge('seconds', { labels: device, help, title, source, scale: 1_000_000, lane: 'server' });

export const derivedRows = {
  infiniband_port_peer_info: infiniband.info({
    labels: ['device', 'port', 'guid', 'peer_guid', 'peer_port', 'peer_name', 'peer_kind'],
    help: 'What the port is plugged into',
    title: 'Peer',
    source: 'sweep of the subnet',
    lane: 'server',
  }),
  infiniband_utilization_ratio: infiniband.gauge('ratio', {
    labels: [...port, 'direction'],
    help: 'Bytes over data rate',
    title: 'Utilisation',
    source: 'counters by data rate',
    scale: 10_000,
    lane: 'server',
  }),
  infiniband_congestion_ratio: infiniband.gauge('ratio', {
    labels: port,
    help: 'Bandwidth lost to waiting; a lower bound where the length of a tick is not known',
    title: 'Congestion',
    source: 'transmit wait by data rate',
    scale: 10_000,
    lane: 'server',
  }),
  infiniband_congestion_ratio_upper: infiniband.gauge('ratio', {
    labels: port,
    help: 'Bandwidth lost to waiting at most; only where the length of a tick is not known',
    title: 'Congestion at most',
    source: 'transmit wait by data rate',
    scale: 10_000,
    lane: 'server',
  }),
  disk_throughput_ceiling_bytes_per_second: block.gauge('bytes_per_second', {
    labels: device,
    help: 'What the disk can carry: its PCIe link, or the best it kept up while it was loaded',
    title: 'Throughput ceiling',
    source: 'PCIe link, own',
    lane: 'server',
  }),
  disk_read_latency_seconds: latency('Read latency', 'Mean of the reads of the last 10 s', 'stat [4] by stat [1]'),
  disk_write_latency_seconds: latency('Write latency', 'Mean of the writes of the last 10 s', 'stat [8] by stat [5]'),
  disk_read_latency_baseline_seconds: latency('Quiet read latency', 'Read latency of the disk when it is quiet', 'own'),
  disk_write_latency_baseline_seconds: latency(
    'Quiet write latency',
    'Write latency of the disk when it is quiet',
    'own',
  ),
} as const satisfies Record<string, MetricRow>;

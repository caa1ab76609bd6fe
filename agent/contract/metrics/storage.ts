// Shared storage as its clients count it: NFS (proc/self/mountstats), Lustre (llite stats), GPFS (mmpmon fs_io_s),
// GPUDirect Storage (proc/driver/nvidia-fs/stats).
import { rowsOf, type MetricRow } from './row.ts';

const lane = 'medium';

const nfs = rowsOf('nfs');
const nfsMount = ['export', 'mountpoint'] as const;
const nfsOperation = ['export', 'mountpoint', 'operation'] as const;
const nfsCount = (title: string, help: string, source: string) =>
  nfs.counter('count', { labels: nfsOperation, help, title, source, lane });
const nfsTime = (title: string, help: string, source: string) =>
  nfs.counter('seconds', { labels: nfsOperation, help, title, source, scale: 1000, lane });

export const nfsRows = {
  nfs_read_bytes_total: nfs.counter('bytes', {
    labels: nfsMount,
    help: 'Data read from the server',
    title: 'NFS read',
    source: 'mountstats bytes [5]',
    lane,
  }),
  nfs_written_bytes_total: nfs.counter('bytes', {
    labels: nfsMount,
    help: 'Data written to the server',
    title: 'NFS written',
    source: 'mountstats bytes [6]',
    lane,
  }),
  nfs_operations_total: nfsCount('NFS operations', 'Operations that ended', 'mountstats per-op ops'),
  nfs_retransmissions_total: nfsCount(
    'NFS retransmissions',
    'Requests sent again',
    'mountstats per-op transmissions - ops',
  ),
  nfs_timeouts_total: nfsCount('NFS timeouts', 'Requests that were not answered in time', 'mountstats per-op timeouts'),
  nfs_queue_time_seconds_total: nfsTime(
    'NFS queue time',
    'Time operations waited to be sent, added up',
    'mountstats per-op queue',
  ),
  nfs_response_time_seconds_total: nfsTime(
    'NFS response time',
    'Time from sending to the answer, added up; by operations it is the mean of server and network',
    'mountstats per-op RTT',
  ),
  nfs_request_time_seconds_total: nfsTime(
    'NFS request time',
    'Time of whole operations added up; by operations it is the mean latency',
    'mountstats per-op execute',
  ),
} as const satisfies Record<string, MetricRow>;

const lustre = rowsOf('lustre');
const filesystem = ['filesystem'] as const;
const filesystemOperation = ['filesystem', 'operation'] as const;

export const lustreRows = {
  lustre_read_bytes_total: lustre.counter('bytes', {
    labels: filesystem,
    help: 'Data read through the Lustre client',
    title: 'Lustre read',
    source: 'llite stats read_bytes',
    lane,
  }),
  lustre_written_bytes_total: lustre.counter('bytes', {
    labels: filesystem,
    help: 'Data written through the Lustre client',
    title: 'Lustre written',
    source: 'llite stats write_bytes',
    lane,
  }),
  lustre_operations_total: lustre.counter('count', {
    labels: filesystemOperation,
    help: 'Operations of the Lustre client; one that never happened has no series',
    title: 'Lustre operations',
    source: 'llite stats',
    lane,
  }),
} as const satisfies Record<string, MetricRow>;

const gpfs = rowsOf('gpfs');

export const gpfsRows = {
  gpfs_read_bytes_total: gpfs.counter('bytes', {
    labels: filesystem,
    help: 'Data read through the GPFS client',
    title: 'GPFS read',
    source: 'mmpmon fs_io_s _br_',
    lane,
  }),
  gpfs_written_bytes_total: gpfs.counter('bytes', {
    labels: filesystem,
    help: 'Data written through the GPFS client',
    title: 'GPFS written',
    source: 'mmpmon fs_io_s _bw_',
    lane,
  }),
  gpfs_operations_total: gpfs.counter('count', {
    labels: filesystemOperation,
    help: 'Calls of the GPFS client: open, close, read, write',
    title: 'GPFS operations',
    source: 'mmpmon fs_io_s _oc_, _cc_, _rdc_, _wc_',
    lane,
  }),
} as const satisfies Record<string, MetricRow>;

const gds = rowsOf('gds');

export const gdsRows = {
  gds_accounting_enabled: gds.gauge('boolean', {
    help: 'The driver counts I/O (module parameter rw_stats_enabled); without it nothing is known of the data',
    title: 'GDS accounting',
    source: 'driver/nvidia-fs/stats IO stats',
    lane,
  }),
  gds_operations_now: gds.gauge('count', {
    labels: ['operation'],
    help: 'GPUDirect Storage operations in flight: read, write',
    title: 'GDS in flight',
    source: 'driver/nvidia-fs/stats Ops',
    lane,
  }),
  gds_read_bytes_total: gds.counter('bytes', {
    help: 'Data read straight into GPUs, in whole MiB',
    title: 'GDS read',
    source: 'driver/nvidia-fs/stats Reads readMiB',
    lane,
  }),
  gds_written_bytes_total: gds.counter('bytes', {
    help: 'Data written straight from GPUs, in whole MiB',
    title: 'GDS written',
    source: 'driver/nvidia-fs/stats Writes writeMiB',
    lane,
  }),
  gds_bounce_buffers: gds.gauge('count', {
    help: 'Bounce buffers in use, in MiB: data takes the detour through host memory',
    title: 'GDS bounce buffers',
    source: 'driver/nvidia-fs/stats Active Shadow-Buffer',
    lane,
  }),
} as const satisfies Record<string, MetricRow>;

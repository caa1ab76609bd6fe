// Shared storage of a node as its clients count it: NFS mounts, Lustre and GPFS file systems. Pure.
import type { AgentMetricId } from '#agent/contract';
import type { Device, NodeValues, SeriesIndex, Value } from '../../live/node-values.ts';
import { quotient } from './drive-facts.ts';

export interface SharedStorage {
  readonly key: string;
  readonly kind: 'NFS' | 'Lustre' | 'GPFS';
  /** Mount of NFS, name of the others. */
  readonly name: string;
  /** `server:/export` of NFS. */
  readonly from: string;
  readonly read: Value;
  readonly written: Value;
  readonly operations: Value;
  /** Mean of one operation from first to last; clients of Lustre and GPFS do not tell. */
  readonly readLatency: Value;
  readonly writeLatency: Value;
  /** Requests sent again since the file system was mounted. */
  readonly retransmissions: Value;
}

export function sharedStorage(index: SeriesIndex, values: NodeValues): readonly SharedStorage[] {
  return [
    ...index.devices('nfs_read_bytes_total', ['export', 'mountpoint']).map((mount) => nfsMount(index, values, mount)),
    ...index.devices('lustre_read_bytes_total', ['filesystem']).map((one) => client(index, values, one, 'lustre')),
    ...index.devices('gpfs_read_bytes_total', ['filesystem']).map((one) => client(index, values, one, 'gpfs')),
  ];
}

function nfsMount(index: SeriesIndex, values: NodeValues, mount: Device): SharedStorage {
  const latency = (operation: string): Value =>
    quotient(
      values.rateOf('nfs_request_time_seconds_total', mount, { operation }),
      values.rateOf('nfs_operations_total', mount, { operation }),
    );
  return {
    key: `nfs ${mount.key}`,
    kind: 'NFS',
    name: mount.labels['mountpoint'] ?? '',
    from: mount.labels['export'] ?? '',
    read: values.rateOf('nfs_read_bytes_total', mount),
    written: values.rateOf('nfs_written_bytes_total', mount),
    operations: sumOver(index, mount, 'nfs_operations_total', (labels) =>
      values.rateOf('nfs_operations_total', mount, labels),
    ),
    readLatency: latency('READ'),
    writeLatency: latency('WRITE'),
    retransmissions: sumOver(index, mount, 'nfs_retransmissions_total', (labels) =>
      values.of('nfs_retransmissions_total', mount, labels),
    ),
  };
}

function client(index: SeriesIndex, values: NodeValues, filesystem: Device, system: 'lustre' | 'gpfs'): SharedStorage {
  const operations = `${system}_operations_total` as const;
  return {
    key: `${system} ${filesystem.key}`,
    kind: system === 'lustre' ? 'Lustre' : 'GPFS',
    name: filesystem.labels['filesystem'] ?? '',
    from: '',
    read: values.rateOf(`${system}_read_bytes_total`, filesystem),
    written: values.rateOf(`${system}_written_bytes_total`, filesystem),
    operations: sumOver(index, filesystem, operations, (labels) => values.rateOf(operations, filesystem, labels)),
    readLatency: undefined,
    writeLatency: undefined,
    retransmissions: undefined,
  };
}

/** Over all operations of one mount that have a value. */
function sumOver(
  index: SeriesIndex,
  device: Device,
  metric: AgentMetricId,
  read: (labels: Readonly<Record<string, string>>) => Value,
): Value {
  const parts = index
    .infos(metric)
    .filter((labels) => Object.entries(device.labels).every(([name, value]) => labels[name] === value))
    .map(read);
  const known = parts.flatMap((part) => (part?.kind === 'value' && !Number.isNaN(part.value) ? [part.value] : []));
  return known.length === 0 ? parts[0] : { kind: 'value', value: known.reduce((sum, one) => sum + one, 0) };
}

// Shared storage as the clients of a node count it.
import { expect, test } from 'vitest';
import { sharedStorage } from '../../../../web/parts/devices/shared-facts.ts';
import { given, type Given } from './given.ts';

const home = ['nfs01:/export/home', '/home'];
const nfs: Given[] = [
  ['nfs_read_bytes_total', home, 0, 2e6],
  ['nfs_written_bytes_total', home, 0, 1e6],
  ['nfs_operations_total', [...home, 'READ'], 0, 10],
  ['nfs_operations_total', [...home, 'WRITE'], 0, 0],
  ['nfs_operations_total', [...home, 'GETATTR'], 0, 5],
  ['nfs_request_time_seconds_total', [...home, 'READ'], 0, 0.2],
  ['nfs_request_time_seconds_total', [...home, 'WRITE'], 0, 0],
  ['nfs_retransmissions_total', [...home, 'READ'], 3],
  ['nfs_retransmissions_total', [...home, 'WRITE'], 4],
];
const all = (rows: readonly Given[]) => {
  const { index, values } = given(rows);
  return sharedStorage(index, values);
};

test('an NFS mount: operations of all kinds, the mean of one, what was sent again', () => {
  const [mount] = all(nfs);
  expect(mount).toMatchObject({ kind: 'NFS', name: '/home', from: 'nfs01:/export/home' });
  expect(mount?.operations).toEqual({ kind: 'value', value: 15 });
  expect(mount?.readLatency?.kind === 'value' && mount.readLatency.value).toBeCloseTo(0.02);
  expect(mount?.writeLatency).toBeUndefined();
  expect(mount?.retransmissions).toEqual({ kind: 'value', value: 7 });
});

test('two mounts are told apart', () => {
  const other = ['nfs01:/export/data', '/data'];
  const rows = all([...nfs, ['nfs_read_bytes_total', other, 0, 1], ['nfs_operations_total', [...other, 'READ'], 0, 2]]);
  expect(rows.map(({ name, operations }) => [name, operations])).toEqual([
    ['/data', { kind: 'value', value: 2 }],
    ['/home', { kind: 'value', value: 15 }],
  ]);
});

test('Lustre and GPFS tell no latency', () => {
  const rows = all([
    ['lustre_read_bytes_total', ['scratch'], 0, 5],
    ['lustre_operations_total', ['scratch', 'open'], 0, 1],
    ['lustre_operations_total', ['scratch', 'close'], 0, 2],
    ['gpfs_read_bytes_total', ['gpfs0'], 'forbidden'],
  ]);
  expect(rows).toMatchObject([
    { kind: 'Lustre', name: 'scratch', operations: { value: 3 }, readLatency: undefined, retransmissions: undefined },
    { kind: 'GPFS', name: 'gpfs0', read: { kind: 'absent', reason: 'forbidden' }, operations: undefined },
  ]);
});

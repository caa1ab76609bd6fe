// Facts of NFS, Lustre, GPFS and GPUDirect Storage in ../shared/corpus/host, by hand from the files and SOURCES.md.
import { expect } from 'vitest';
import type { Collector } from '../../agent/collectors/collector.ts';
import { gds } from '../../agent/collectors/gds.ts';
import { lustre } from '../../agent/collectors/lustre.ts';
import { nfs } from '../../agent/collectors/nfs.ts';
import { parseLliteStats } from '../../agent/parse/llite-stats.ts';
import { parseFsIoS } from '../../agent/parse/mmpmon.ts';
import { ParseError } from '../../agent/parse/parse-error.ts';
import { readAll, startReading, type Reading } from '../doubles/reading.ts';
import { layOut, layOutInto, type LaidOut } from './loader.ts';
import type { Check } from './storage-corpus.ts';
import { writeTree } from './write-tree.ts';

async function read(collector: Collector, laidOut: LaidOut): Promise<Reading> {
  const reading = startReading(collector, laidOut.root);
  await readAll(reading);
  laidOut.remove();
  return reading;
}

const layOutFile = (path: string, text: string): LaidOut =>
  layOutInto((root) => {
    writeTree(root, { [path]: text });
  });

/** Three mounts of one server: two are one file system, the third lies over the second with another version. */
const mountstats: Check = async (text) => {
  const reading = await read(nfs, layOutFile('proc/self/mountstats', text));
  const mounts = reading.snapshot.series.flatMap(({ id, labels }) => (id === 'nfs_read_bytes_total' ? [labels] : []));
  expect(mounts).toEqual([
    ['192.168.1.1:/srv/test', '/mnt/nfs/test'],
    ['192.168.1.1:/srv/test', '/mnt/nfs/test-dupe'],
  ]);
  const test = { mountpoint: '/mnt/nfs/test' };
  const counts = [
    'nfs_operations_total',
    'nfs_retransmissions_total',
    'nfs_timeouts_total',
    'nfs_queue_time_seconds_total',
    'nfs_response_time_seconds_total',
    'nfs_request_time_seconds_total',
  ] as const;
  expect(counts.map((id) => reading.value(id, { ...test, operation: 'READ' }))).toEqual([1298, 0, 0, 6, 79386, 79407]);
  expect(reading.value('nfs_read_bytes_total', test)).toBe(1210214218);
  expect(reading.value('nfs_written_bytes_total', test)).toBe(0);
  // ACCESS has a queue time that went round; it is none of the four and poisons nothing.
  const operations = new Set(
    reading.snapshot.series.flatMap(({ id, labels }) => (id === 'nfs_operations_total' ? [labels[2]] : [])),
  );
  expect([...operations]).toEqual(['READ', 'WRITE']);
};

const llite: Check = async () => {
  const reading = await read(lustre, layOut('host/lustre-client-hpe'));
  const filesystem = 'lustrefs';
  expect(reading.value('lustre_written_bytes_total', { filesystem })).toBe(93_813_797_294_080);
  expect(reading.value('lustre_read_bytes_total', { filesystem })).toBe(4_194_304);
  const operations = reading.snapshot.series.flatMap(({ id, labels, steps }) =>
    id === 'lustre_operations_total' ? [[labels[1], steps]] : [],
  );
  expect(operations).toEqual([
    ['open', 136],
    ['close', 96],
    ['readdir', 12],
    ['truncate', 134],
    ['getattr', 41],
    ['alloc_inode', 2],
    ['getxattr', 85],
    ['getxattr_hits', 20],
    ['removexattr', 134],
    ['inode_permission', 398],
  ]);
};

/** Files beside the stats of a client, of another form: none is taken for stats. */
const noStats: Check = (text, path) => {
  expect(() => parseLliteStats(text, path)).toThrow(ParseError);
};

/** A counter file before its first use: a clock and no counts. */
const unusedStats: Check = (text, path) => {
  expect(parseLliteStats(text, path)).toEqual({ readBytes: undefined, writtenBytes: undefined, operations: new Map() });
};

/** Dumps of a server and of its network: no client, and no counts of one. */
const serverDump =
  (facts: RegExp): Check =>
  (text, path) => {
    expect(text).toMatch(facts);
    expect(() => parseLliteStats(text, path)).toThrow(ParseError);
  };

const mmpmon: Check = (text, path) => {
  expect(parseFsIoS(text, path)).toEqual([
    {
      filesystem: 'scratch',
      readBytes: 205_607_400_434,
      writtenBytes: 74_839_282_351,
      opens: 2_377_656,
      closes: 2_201_576,
      reads: 59_420_404,
      writes: 18_874_626,
    },
    { filesystem: 'project', readBytes: 0, writtenBytes: 0, opens: 513, closes: 513, reads: 0, writes: 0 },
  ]);
};

const accountingOff: Check = async (text) => {
  const reading = await read(gds, layOutFile('proc/driver/nvidia-fs/stats', text));
  expect(reading.value('gds_accounting_enabled')).toBe(0);
  expect([reading.value('gds_read_bytes_total'), reading.value('gds_written_bytes_total')]).toEqual([
    'unsupported',
    'unsupported',
  ]);
  const now = (operation: string) => reading.value('gds_operations_now', { operation });
  expect([now('read'), now('write'), reading.value('gds_bounce_buffers')]).toEqual([0, 0, 0]);
};

const client = 'host/lustre-client-hpe/proc/fs/lustre/llite/lustrefs-ffff88105db50000';
const besideStats = [
  'kbytesfree',
  'filestotal',
  'statahead_stats',
  'kbytestotal',
  'max_cached_mb',
  'extents_stats',
  'kbytesavail',
  'unstable_stats',
  'filesfree',
];

export const sharedFacts: Readonly<Record<string, Check>> = {
  'host/node_exporter/proc/10/mountstats': mountstats,
  [`${client}/stats`]: llite,
  [`${client}/read_ahead_stats`]: unusedStats,
  ...Object.fromEntries(besideStats.map((name) => [`${client}/${name}`, noStats])),
  'host/lustre-whamcloud/ex8761-lctl.txt': serverDump(/^health_check=NOT HEALTHY$/m),
  'host/lustre-whamcloud/lnetctl_stats.txt': serverDump(
    /recv_count: 1110512\n\s+route_count: 0\n\s+drop_count: 11\n\s+send_length: 261865376\n/,
  ),
  'host/gpfs/mmpmon_fs_io_s.txt': mmpmon,
  'host/nvidia-fs/stats-io-disabled.txt': accountingOff,
};

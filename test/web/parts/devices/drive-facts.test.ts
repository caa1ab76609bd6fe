// Drives beside what they can and what they are used to.
import { describe, expect, test } from 'vitest';
import {
  disksOfMounts,
  driveFacts,
  hasHealth,
  isSlow,
  latencyOf,
  listText,
  loadOf,
  timesText,
  warningsOf,
} from '../../../../web/parts/devices/drive-facts.ts';
import { given, type Given } from './given.ts';

const disk = { key: 'nvme0n1', labels: { device: 'nvme0n1' } };
const info = (device: string, controller: string): Given => [
  'disk_info',
  [device, 'P5510', 's', 'w', 'nvme', controller, '0', '', '0'],
  1,
];

test('a drive knows its controller, its model and the mounts on it', () => {
  const { index } = given([
    ['disk_reads_completed_total', ['nvme0n1'], 0],
    ['disk_reads_completed_total', ['sda'], 0],
    info('nvme0n1', 'nvme0'),
    info('sda', ''),
    ['filesystem_disk_info', ['/raid', 'nvme0n1'], 1],
    ['filesystem_disk_info', ['/boot', 'sda'], 1],
    ['filesystem_disk_info', ['/', 'sda'], 1],
  ]);
  expect(driveFacts(index)).toMatchObject([
    { disk: { key: 'nvme0n1' }, controller: { key: 'nvme0' }, model: 'P5510', mounts: ['/raid'] },
    { disk: { key: 'sda' }, controller: undefined, mounts: ['/', '/boot'] },
  ]);
  expect(disksOfMounts(index).get('/raid')).toEqual(['nvme0n1']);
});

describe('load', () => {
  const moved = (read: number, written: number): Given[] => [
    ['disk_read_bytes_total', ['nvme0n1'], 0, read],
    ['disk_written_bytes_total', ['nvme0n1'], 0, written],
  ];
  const ceiling = ['disk_throughput_ceiling_bytes_per_second', ['nvme0n1'], 4e9] as const;
  test('reading and writing together, of the ceiling', () => {
    expect(loadOf(given(moved(1e9, 2e9), [ceiling]).values, disk)).toEqual({ kind: 'value', value: 0.75 });
  });
  test('without a ceiling nothing is told', () => {
    expect(loadOf(given(moved(1e9, 2e9)).values, disk)).toBeUndefined();
  });
  test('a reason stays a reason', () => {
    const rows: Given[] = [
      ['disk_read_bytes_total', ['nvme0n1'], 'timed_out'],
      ['disk_written_bytes_total', ['nvme0n1'], 0, 0],
    ];
    expect(loadOf(given(rows, [ceiling]).values, disk)).toEqual({ kind: 'absent', reason: 'timed_out' });
  });
});

describe('latency', () => {
  const second: Given[] = [
    ['disk_read_time_seconds_total', ['nvme0n1'], 0, 0.5],
    ['disk_reads_completed_total', ['nvme0n1'], 0, 1000],
  ];
  const now = ['disk_read_latency_seconds', ['nvme0n1'], 0.002] as const;
  const quiet = ['disk_read_latency_baseline_seconds', ['nvme0n1'], 0.0001] as const;

  test('of ten seconds where the server knows it, else of one', () => {
    expect(latencyOf(given(second, [now]).values, disk, 'read').now).toEqual({ kind: 'value', value: 0.002 });
    expect(latencyOf(given(second).values, disk, 'read').now).toEqual({ kind: 'value', value: 0.0005 });
  });
  test('a drive of which nothing is asked has none', () => {
    const idle: Given[] = [
      ['disk_read_time_seconds_total', ['nvme0n1'], 0, 0],
      ['disk_reads_completed_total', ['nvme0n1'], 0, 0],
    ];
    expect(latencyOf(given(idle).values, disk, 'read').now).toBeUndefined();
  });
  test('a rate that is not known yet is no rest', () => {
    const unknown: Given[] = [
      ['disk_read_time_seconds_total', ['nvme0n1'], 0],
      ['disk_reads_completed_total', ['nvme0n1'], 0],
    ];
    expect(latencyOf(given(unknown).values, disk, 'read').now).toEqual({ kind: 'value', value: NaN });
  });
  test('is measured by the quiet level of the drive', () => {
    const latency = latencyOf(given([], [now, quiet]).values, disk, 'read');
    expect(latency.times).toBeCloseTo(20);
    expect([isSlow(latency), timesText(latency)]).toEqual([true, '20× its quiet 0.1']);
    expect(isSlow(latencyOf(given([], [quiet]).values, disk, 'read'))).toBe(false);
    expect(isSlow(latencyOf(given([], [now]).values, disk, 'read'))).toBe(false);
  });
});

describe('health', () => {
  const controller = { key: 'nvme0', labels: { controller: 'nvme0' } };
  const warns = (...rows: readonly (readonly [string, Given[2]])[]) => {
    const { index, values } = given(
      rows.map(([kind, level]): Given => ['nvme_critical_warning', ['nvme0', kind], level]),
    );
    return warningsOf(index, values, controller);
  };
  test('warnings by name, none, or not known', () => {
    expect(warns(['spare', 0], ['read_only', 1], ['reliability', 1])).toEqual(['read only', 'reliability']);
    expect(warns(['spare', 0])).toEqual([]);
    expect(warns(['spare', 'forbidden'])).toBeNull();
    expect(warns()).toBeNull();
  });
  test('a log that may not be read is there, with its reason', () => {
    expect(hasHealth(given([['nvme_used_ratio', ['nvme0'], 'forbidden']]).index)).toBe(true);
    expect(hasHealth(given([]).index)).toBe(false);
  });
});

test('many drives are named by the first and the last', () => {
  expect(listText(['nvme1n1', 'nvme0n1'])).toBe('nvme0n1 nvme1n1');
  expect(listText(['nvme10n1', 'nvme2n1', 'nvme0n1', 'nvme1n1'])).toBe('nvme0n1 … nvme10n1 (4)');
});

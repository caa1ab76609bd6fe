// The numbers of one node out of a live message: by device, and an absence never as a zero.
import { expect, test } from 'vitest';
import { absenceReasons } from '#agent/contract';
import type { NodeTick, SchemaEntry } from '#server/contract';
import { NodeValues, SeriesIndex } from '../../../web/live/node-values.ts';
import { RecentLevels } from '../../../web/live/recent-levels.ts';

const series: readonly SchemaEntry[] = [
  ['disk_read_bytes_total', ['nvme10n1']],
  ['disk_read_bytes_total', ['nvme2n1']],
  ['load1', []],
  ['cpu_seconds_total', ['0', 'user']],
  ['cpu_seconds_total', ['0', 'idle']],
];

/** As a browser gets it: bytes that need not be aligned. */
function received(numbers: Float64Array | Float32Array): Uint8Array {
  const padded = new Uint8Array(numbers.byteLength + 1);
  padded.set(new Uint8Array(numbers.buffer), 1);
  return padded.subarray(1);
}

function valuesOf(levels: number[], states: number[], rates: number[]): NodeValues {
  const tick = {
    levels: received(Float64Array.from(levels)),
    states: Uint8Array.from(states),
    rates: received(Float32Array.from(rates)),
    derived: [],
  } as unknown as NodeTick; // all that is read of it here
  return new NodeValues(new SeriesIndex(series), tick);
}

const index = new SeriesIndex(series);
const [second, tenth] = index.devices('disk_read_bytes_total', ['device']);
const host = { key: '', labels: {} };

test('devices are in the order that people count in', () => {
  expect([second?.key, tenth?.key]).toEqual(['nvme2n1', 'nvme10n1']);
});

test('a value, a rate, a reason, and nothing at all are four things', () => {
  const timedOut = 1 + absenceReasons.indexOf('timed_out');
  const values = valuesOf([5e15, 0, 1.5, 7, 3], [0, timedOut, 0, 0, 0], [100, 0, NaN, 0.75, 0.25]);
  if (!second || !tenth) throw new Error('two disks');
  expect(values.of('disk_read_bytes_total', tenth)).toEqual({ kind: 'value', value: 5e15 });
  expect(values.rateOf('disk_read_bytes_total', tenth)).toEqual({ kind: 'value', value: 100 });
  expect(values.of('disk_read_bytes_total', second)).toEqual({ kind: 'absent', reason: 'timed_out' });
  expect(values.level(1)).toBeNaN();
  expect(values.of('load5', host)).toBeUndefined();
});

test('the share of a counter leaves out what is named, and is absent with its parts', () => {
  const numa = { key: '0', labels: { numa_node: '0' } };
  const values = valuesOf([0, 0, 0, 7, 3], [0, 0, 0, 0, 0], [0, 0, 0, 0.75, 0.25]);
  expect(values.shareOf('cpu_seconds_total', numa, 'mode', ['idle'])).toEqual({ kind: 'value', value: 0.75 });
  const forbidden = 1 + absenceReasons.indexOf('forbidden');
  const broken = valuesOf([0, 0, 0, 7, 3], [0, 0, 0, 0, forbidden], [0, 0, 0, 0.75, 0.25]);
  expect(broken.shareOf('cpu_seconds_total', numa, 'mode', ['idle'])).toEqual({ kind: 'absent', reason: 'forbidden' });
  expect(broken.shareOf('cpu_seconds_total', { key: '1', labels: { numa_node: '1' } }, 'mode', [])).toBeUndefined();
});

test('what the server derives is found by device and labels; what it does not know is nothing', () => {
  const tick = {
    levels: received(Float64Array.of()),
    states: Uint8Array.of(),
    rates: received(Float32Array.of()),
    derived: [
      ['infiniband_utilization_ratio', ['mlx5_0', '1', 'receive'], 0.4],
      ['infiniband_utilization_ratio', ['mlx5_0', '1', 'transmit'], 0.7],
    ],
  } as unknown as NodeTick; // all that is read of it here
  const values = new NodeValues(new SeriesIndex([]), tick);
  const port = { key: 'mlx5_0/1', labels: { device: 'mlx5_0', port: '1' } };
  const sent = values.derivedOf('infiniband_utilization_ratio', port, { direction: 'transmit' });
  expect(sent).toEqual({ kind: 'value', value: 0.7 });
  expect(values.derivedOf('infiniband_congestion_ratio', port)).toBeUndefined();
  expect(values.derivedInfos('infiniband_utilization_ratio').map(({ direction }) => direction)).toEqual([
    'receive',
    'transmit',
  ]);
});

test('a counter that is read every five seconds has a rate of ten, one that is read every second that of its message', () => {
  const both: readonly SchemaEntry[] = [
    ['lustre_read_bytes_total', ['scratch']],
    ['disk_read_bytes_total', ['nvme0n1']],
  ];
  const [shared, recent] = [new SeriesIndex(both), new RecentLevels()];
  const after = (second: number): NodeValues => {
    const tick = {
      time_ms: 1000 * second,
      levels: received(Float64Array.of(500 * Math.floor(second / 5), 7 * second)),
      states: Uint8Array.of(0, 0),
      rates: received(Float32Array.of(second % 5 === 0 ? 500 : 0, 7)),
      derived: [],
    } as unknown as NodeTick; // all that is read of it here
    return new NodeValues(shared, tick, recent);
  };
  const read = (values: NodeValues) => [
    values.rateOf('lustre_read_bytes_total', { key: 'scratch', labels: { filesystem: 'scratch' } }),
    values.rateOf('disk_read_bytes_total', { key: 'nvme0n1', labels: { device: 'nvme0n1' } }),
  ];
  const seen = Array.from({ length: 13 }, (_, second) => read(after(second)));
  expect(seen[2]).toEqual([
    { kind: 'value', value: NaN },
    { kind: 'value', value: 7 },
  ]);
  expect(seen[12]).toEqual([
    { kind: 'value', value: 100 },
    { kind: 'value', value: 7 },
  ]);
});

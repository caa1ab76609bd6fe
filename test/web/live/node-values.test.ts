// The numbers of one node out of a live message: by device, and an absence never as a zero.
import { expect, test } from 'vitest';
import { absenceReasons } from '#agent/contract';
import type { NodeTick, SchemaEntry } from '#server/contract';
import { NodeValues, SeriesIndex } from '../../../web/live/node-values.ts';

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

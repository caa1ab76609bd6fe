// Which absences are a fault: each situation beside the neighbour it must not be taken for.
import { describe, expect, test } from 'vitest';
import { findOutage, findReaderOutage, isFault, outageText, type GpuVitals } from '../../../server/diagnosis/outage.ts';

const answering: GpuVitals = { readerUp: 1, readerStuck: 0, backend: 'nvml', up: 1, reason: undefined };

describe('a GPU', () => {
  test.each<[string, Partial<GpuVitals>, string | undefined]>([
    ['answers', {}, undefined],
    ['answers under MIG without utilisation of its own', { reason: 'unsupported' }, undefined],
    ['of an agent that says nothing of its reader answers', { readerUp: NaN, readerStuck: NaN }, undefined],
    ['whose reader cannot be killed: the driver hangs', { readerStuck: 1 }, 'driver_hangs'],
    ['whose reader fell silent: the driver hangs', { readerUp: 0, up: NaN, reason: 'timed_out' }, 'driver_hangs'],
    [
      'whose dcgm-exporter fell silent: nobody knows',
      { readerUp: 0, backend: 'dcgm_exporter', up: NaN, reason: 'timed_out' },
      'not_read',
    ],
    ['whose reader may not read: nobody knows', { readerUp: 0, up: NaN, reason: 'forbidden' }, 'not_read'],
    ['whose reader answers nonsense: nobody knows', { readerUp: 0, up: NaN, reason: 'malformed' }, 'not_read'],
    ['that the driver no longer reaches is lost', { up: 0, reason: 'not_present' }, 'gpu_lost'],
    ['that answers with errors is not yet lost', { up: 0, reason: 'malformed' }, 'not_read'],
    ['that alone is slow is no hanging driver', { up: 1, reason: 'timed_out' }, 'not_read'],
  ])('%s', (_name, over, kind) => {
    expect(findOutage({ ...answering, ...over })?.kind).toBe(kind);
  });
});

describe('a reader without a GPU', () => {
  test.each<[string, Parameters<typeof findReaderOutage>[0], string | undefined]>([
    ['that nobody speaks of', { readerUp: NaN, readerStuck: NaN, backend: '', reason: 'not_present' }, undefined],
    ['that does not answer', { readerUp: 0, readerStuck: 0, backend: '', reason: 'timed_out' }, 'driver_hangs'],
    [
      'of which dcgm-exporter does not answer',
      { readerUp: 0, readerStuck: 0, backend: 'dcgm_exporter', reason: 'timed_out' },
      'not_read',
    ],
    ['that may not', { readerUp: 0, readerStuck: 0, backend: '', reason: 'forbidden' }, 'not_read'],
    ['that cannot be killed', { readerUp: NaN, readerStuck: 1, backend: '', reason: undefined }, 'driver_hangs'],
  ])('%s', (_name, vitals, kind) => {
    expect(findReaderOutage(vitals)?.kind).toBe(kind);
  });
});

test('only what is demonstrated is a fault', () => {
  expect((['driver_hangs', 'gpu_lost', 'not_read'] as const).filter(isFault)).toEqual(['driver_hangs', 'gpu_lost']);
});

test('the text is without a time', () => {
  expect(outageText({ kind: 'driver_hangs', reason: 'timed_out' })).toBe('GPU driver not answering');
  expect(outageText({ kind: 'not_read', reason: 'forbidden' })).toBe('the agent may not read the GPU');
});

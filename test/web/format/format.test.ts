// Numbers, ages and absences as people read them.
import { describe, expect, it } from 'vitest';
import { absenceReasons } from '#agent/contract';
import { absenceText, missingAreasText, missingAreaText } from '../../../web/format/absence.ts';
import { showCapacity, showText } from '../../../web/format/quantity.ts';
import { showAge } from '../../../web/format/time.ts';

describe('quantities', () => {
  it.each([
    [0, 'bytes_per_second', '0 B/s'],
    [3_210_000_000, 'bytes_per_second', '3.21 GB/s'],
    [999, 'bytes_per_second', '999 B/s'],
    [34_359_738_368, 'bytes', '32 GiB'],
    [0.974, 'ratio', '97.4 %'],
    [0.041, 'seconds', '41 ms'],
    [0.00025, 'seconds', '250 µs'],
    [90, 'seconds', '90 s'],
    [1_597_000_000, 'hertz', '1.6 GHz'],
    [231.6, 'watts', '232 W'],
    [63, 'celsius', '63 °C'],
    [12_345, 'count', '12,345'],
    [0.0004, 'count', '<0.01'],
    [0.00001, 'ratio', '<0.01 %'],
  ] as const)('%d %s', (value, unit, text) => {
    expect(showText(value, unit)).toBe(text);
  });

  it.each([null, NaN, Infinity])('%s is no number, not 0', (value) => {
    expect(showText(value, 'watts')).toBeNull();
    expect(showCapacity(value)).toBeNull();
  });

  it('gives capacities in the units that drives are sold in', () => {
    expect(showCapacity(3e15)).toBe('3 PB');
    expect(showCapacity(15.36e12)).toBe('15.4 TB');
  });
});

describe('ages', () => {
  it.each([
    [-5, '0.0 s'],
    [1234, '1.2 s'],
    [9999, '10.0 s'],
    [45_000, '45 s'],
    [180_000, '3 min'],
    [7_200_000, '2 h'],
    [432_000_000, '5 d'],
  ])('%d ms', (ms, text) => {
    expect(showAge(ms)).toBe(text);
  });
});

describe('absences', () => {
  it('has words of its own for every reason', () => {
    const texts = absenceReasons.map(absenceText);
    expect(new Set(texts).size).toBe(absenceReasons.length);
    for (const text of texts) expect(text).not.toMatch(/^[\d-]*$/);
  });

  it('says plainly what was not found', () => {
    expect(missingAreaText('gpu', 'not_present')).toBe('No NVIDIA GPU found.');
    expect(missingAreaText('infiniband', 'not_present')).toBe('No InfiniBand found.');
    expect(missingAreaText('gpu', 'timed_out')).toBe('NVIDIA GPU: it does not answer.');
    expect(missingAreaText('cpu', 'not_present')).toBe('CPU: nothing found to read.');
  });

  it('gathers missing areas by reason', () => {
    const missing = [
      { area: 'gpu', reason: 'not_present' },
      { area: 'pressure', reason: 'unsupported' },
      { area: 'infiniband', reason: 'not_present' },
    ] as const;
    expect(missingAreasText(missing)).toBe('not here: NVIDIA GPU, InfiniBand · not supported: pressure');
  });
});

// Cells and lines of nvidia-smi's CSV: units, odd values, truncation.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAbsent } from '#agent/contract';
import {
  parseCsvHeader,
  parseHelpQuery,
  parseNvidiaSmiCsv,
  parseRefusedField,
} from '../../../agent/parse/nvidia-smi-csv.ts';
import {
  absenceOfCell,
  parseMask,
  parseQuantity,
  parseWord,
  sayDead,
  saysLost,
  textOfCell,
} from '../../../agent/parse/nvidia-smi-value.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';

describe('a cell', () => {
  it.each([
    ['97 %', '%', 97],
    ['97', '%', 97],
    ['631.95 W', 'W', 631.95],
    ['200740215 us', 'us', 200740215],
    ['-8', 'C', -8],
    ['16x', 'x', 16],
    ['0 %', '%', 0],
  ])('%s in %s is %d', (cell, unit, value) => {
    expect(parseQuantity(cell, unit)).toBe(value);
  });

  it.each([
    ['[N/A]', 'unsupported'],
    ['None', 'unsupported'],
    ['-', 'unsupported'],
    ['[GPU is lost]', 'not_present'],
    ['[GPU requires reset]', 'not_present'],
    ['ERR!', 'malformed'],
    ['[Unknown Error]', 'malformed'],
    ['12 GiB', 'malformed'],
    ['1 2', 'malformed'],
    ['0x10', 'malformed'],
    ['12.', 'malformed'],
    ['NaN', 'malformed'],
  ])('%s is %s', (cell, reason) => {
    expect(parseQuantity(cell, 'MiB')).toMatchObject({ kind: 'absent', reason });
  });

  it('is a number only if it is one', () => {
    fc.assert(
      fc.property(fc.string(), (cell) => {
        const value = parseQuantity(cell, 'W');
        return isAbsent(value) || Number.isFinite(value);
      }),
    );
  });

  it.each<[readonly (string | undefined)[], boolean]>([
    [['[Unknown Error]', '512', '40'], false],
    [['ERR!', '[Unknown Error]', '40'], true],
    [['ERR!', undefined, undefined], true],
    [['[N/A]', '[N/A]', '[N/A]'], false],
    [[undefined, undefined], false],
  ])('of %j says that the GPU does not answer: %s', (vitals, dead) => {
    expect(sayDead(vitals)).toBe(dead);
  });

  it('may be a mask or a word', () => {
    expect(parseMask('0x00000000000001FF')).toBe(0x1ffn);
    expect(parseMask('1FF')).toMatchObject({ reason: 'malformed' });
    expect(parseMask('[N/A]')).toMatchObject({ reason: 'unsupported' });
    expect(parseWord('Enabled', ['Disabled', 'Enabled'])).toBe(1);
    expect(parseWord('Enable', ['Disabled', 'Enabled'])).toMatchObject({ reason: 'malformed' });
    expect(textOfCell('[N/A]')).toBe('');
    expect(textOfCell(undefined)).toBe('');
    expect(textOfCell('88.00')).toBe('88.00');
    expect(saysLost('GPU is lost')).toBe(true);
    expect(absenceOfCell('Disabled')).toBeUndefined();
  });
});

describe('a page', () => {
  it('has field names without units', () => {
    expect(parseCsvHeader('index, memory.used [MiB], fan.speed [%]')).toEqual(['index', 'memory.used', 'fan.speed']);
  });

  it('keeps empty cells and refuses lines with too few or too many', () => {
    expect(parseNvidiaSmiCsv('a, b, c\n1, , 3\n', 'x').rows[0]?.get('b')).toBe('');
    for (const text of ['a, b\n1\n', 'a, b\n1, 2, 3\n', 'a, b\n1, 2', '', 'a, b']) {
      expect(() => parseNvidiaSmiCsv(text, 'x')).toThrow(ParseError);
    }
  });

  it('tells the fields of the help and the one that is refused', () => {
    const help =
      'List of valid properties to query for the switch "--query-gpu=":\n\n"pci.bus_id" or "gpu_bus_id"\nBus id as "domain:bus".\n\n"index"\nNumber.\n';
    expect([...parseHelpQuery(help)]).toEqual(['pci.bus_id', 'gpu_bus_id', 'index']);
    expect(parseRefusedField('Field "compute_cap" is not a valid field to query.\n\n')).toBe('compute_cap');
    expect(parseRefusedField('No devices were found')).toBeUndefined();
  });
});

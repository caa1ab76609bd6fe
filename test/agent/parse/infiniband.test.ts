// Rates and states as kernels print them, whole, cut at every byte and with the line ends of DOS.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dataGigabitsOf,
  laneSpeedOf,
  parseInterfaceGigabits,
  parsePortRate,
} from '../../../agent/parse/infiniband-rate.ts';
import { parsePortState } from '../../../agent/parse/infiniband-state.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';

const alone = { linkLayer: 'InfiniBand', interfaceGigabits: undefined };

/** Spelling, printed Gb/s, lanes, data Gb/s, signalling Gb/s of a lane: InfiniBand Architecture Specification, volume 2. */
const spellings = [
  ['2.5 Gb/sec (1X SDR)\n', 2.5, 1, 2, 2.5],
  ['10 Gb/sec (4X SDR)\n', 10, 4, 8, 2.5],
  ['30 Gb/sec (12X SDR)\n', 30, 12, 24, 2.5],
  ['20 Gb/sec (4X DDR)\n', 20, 4, 16, 5],
  ['40 Gb/sec (4X QDR)\n', 40, 4, 32, 10],
  ['40 Gb/sec (4X FDR10)\n', 40, 4, 40, 10.3125],
  ['14 Gb/sec (1X FDR)\n', 14, 1, 150 / 11, 14.0625],
  ['56 Gb/sec (4X FDR)\n', 56, 4, 600 / 11, 14.0625],
  ['25 Gb/sec (1X EDR)\n', 25, 1, 25, 25.78125],
  ['100 Gb/sec (4X EDR)\n', 100, 4, 100, 25.78125],
  ['100 Gb/sec (2X HDR)\n', 100, 2, 100, 53.125],
  ['200 Gb/sec (4X HDR)\n', 200, 4, 200, 53.125],
  ['400 Gb/sec (4X NDR)\n', 400, 4, 400, 106.25],
  ['200 Gb/sec (2X NDR)\n', 200, 2, 200, 106.25],
  ['800 Gb/sec (4X XDR)\n', 800, 4, 800, 212.5],
  // No word: which of two speeds it is cannot be told, or the rate is above all that is coded otherwise.
  ['2.5 Gb/sec (1X)\n', 2.5, 1, undefined, undefined],
  ['10 Gb/sec (4X)\n', 10, 4, undefined, undefined],
  ['40 Gb/sec (4X)\n', 40, 4, undefined, undefined],
  ['100 Gb/sec (4X)\n', 100, 4, 100, undefined],
  ['1600 Gb/sec (4X GDR)\n', 1600, 4, 1600, undefined],
] as const;

describe('rate', () => {
  it.each(spellings)('%j', (text, printed, lanes, data, signal) => {
    const rate = parsePortRate(text, 'rate');
    expect([rate.gigabitsPerSecond, rate.lanes]).toEqual([printed, lanes]);
    const got = dataGigabitsOf(rate, alone);
    if (data === undefined) expect(got).toBeUndefined();
    else expect(got).toBeCloseTo(data, 9);
    expect(laneSpeedOf(rate, alone)?.signalGigabits).toBe(signal);
    expect(parsePortRate(text.replace('\n', '\r\n'), 'rate')).toEqual(rate);
    expect(parsePortRate(text.trimEnd(), 'rate')).toEqual(rate);
  });

  it.each(spellings)('%j cut at any byte is no rate, or all of it', (text) => {
    const whole = text.trimEnd().length;
    for (let length = 0; length < text.length; length++) {
      const cut = text.slice(0, length);
      if (length === whole) expect(parsePortRate(cut, 'rate')).toEqual(parsePortRate(text, 'rate'));
      else expect(() => parsePortRate(cut, 'rate')).toThrow(ParseError);
    }
  });

  it.each(['', 'fast', '10 Gb/sec (0X)', '10 Gb/sec (13X)', '-10 Gb/sec (4X)', '10 Mb/sec (4X)', '1e3 Gb/sec (4X)'])(
    '%j is none',
    (text) => {
      expect(() => parsePortRate(text, 'rate')).toThrow(ParseError);
    },
  );

  it('throws nothing but ParseError', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [parsePortRate, parsePortState]) {
          try {
            parse(text, 'file');
          } catch (error) {
            expect(error).toBeInstanceOf(ParseError);
          }
        }
      }),
    );
  });
});

it.each([
  ['200000\n', 200],
  ['2500', 2.5],
  ['-1\n', undefined],
  ['4294967295\n', undefined],
  ['0\n', undefined],
  ['', undefined],
  ['fast', undefined],
])('speed %j of an interface is %s Gb/s', (text, gigabits) => {
  expect(parseInterfaceGigabits(text)).toBe(gigabits);
});

describe('state', () => {
  it.each([
    ['4: ACTIVE\n', 4, 'ACTIVE'],
    ['5: LinkUp\r\n', 5, 'LinkUp'],
    ['5: ACTIVE_DEFER', 5, 'ACTIVE_DEFER'],
    ['4: ACTIVE', 4, 'ACTIVE'],
    ['<unknown>', undefined, undefined],
    ['9: NOT YET NAMED\n', 9, 'NOT YET NAMED'],
    ['3:\n', 3, ''],
  ])('%j', (text, id, name) => {
    if (id === undefined) expect(() => parsePortState(text, 'state')).toThrow(ParseError);
    else expect(parsePortState(text, 'state')).toEqual({ id, name });
  });
});

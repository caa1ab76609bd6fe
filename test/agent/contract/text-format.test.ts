// Lines of the exposition formats: exact numbers, escapes, heads.
import {
  catalogue,
  metricName,
  renderFamilyHead,
  renderHeadOf,
  renderLinePrefix,
  renderSteps,
  type MetricId,
} from '#agent/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('whole steps as a decimal number', () => {
  test.each([
    [0, 1, '0'],
    [12_345, 100, '123.45'],
    [12_300, 100, '123'],
    [-5, 10, '-0.5'],
    [1, 1_000_000, '0.000001'],
    [2n ** 64n, 1, '18446744073709551616'],
    [2n ** 64n, 1000, '18446744073709551.616'],
    [-5n, 10, '-0.5'],
    [-15n, 10, '-1.5'],
    [9_007_199_254_740_993_000n, 1000, '9007199254740993'],
  ])('%s of 1/%s is %s', (steps, scale, text) => {
    expect(renderSteps(steps, scale)).toBe(text);
  });

  test('is exact for every count and scale', () => {
    const scales = fc.constantFrom(1, 10, 100, 1000, 1_000_000);
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), scales, (steps, scale) => {
        const [, sign = '', whole = '', fraction = ''] =
          /^(-?)(\d+)(?:\.(\d+))?$/.exec(renderSteps(steps, scale)) ?? [];
        const digits = String(scale).length - 1;
        expect(BigInt(`${sign}${whole}${fraction.padEnd(digits, '0')}`)).toBe(steps);
      }),
    );
  });

  test('a number reads back as the same number of steps', () => {
    const scales = [...new Set(Object.values(catalogue).map(({ scale }) => scale))];
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.constantFrom(...scales), (steps, scale) => {
        const text = renderSteps(steps, scale);
        expect(text).toMatch(/^-?\d+(\.\d+)?(e[+-]\d+)?$/);
        expect(Number(text)).toBe(steps / scale + 0);
      }),
    );
  });
});

test('labels are escaped as the format says', () => {
  expect(renderLinePrefix('m', ['a', 'b'], ['back\\slash "quoted"', 'two\nlines'])).toBe(
    'm{a="back\\\\slash \\"quoted\\"",b="two\\nlines"} ',
  );
  expect(renderLinePrefix('m', [], [])).toBe('m ');
  expect(renderLinePrefix('m', ['a'], [])).toBe('m{a=""} ');
});

test('any label value survives', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const [, inside = ''] = /^m\{a="(.*)"\} $/s.exec(renderLinePrefix('m', ['a'], [value])) ?? [];
      expect(inside).not.toMatch(/\n|(?<!\\)(\\\\)*"/);
      const read = inside.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
      expect(read).toBe(value);
    }),
  );
});

describe('heads', () => {
  test('a counter keeps _total in Prometheus text and loses it in the head of OpenMetrics', () => {
    expect(renderFamilyHead('a_total', { kind: 'counter', help: 'A\\b\n"c"' }, 'prometheus')).toBe(
      '# HELP a_total A\\\\b\\n"c"\n# TYPE a_total counter\n',
    );
    expect(renderFamilyHead('a_total', { kind: 'counter', help: 'A "c"' }, 'openmetrics')).toBe(
      '# HELP a A \\"c\\"\n# TYPE a counter\n',
    );
  });
  test.each(Object.keys(catalogue) as MetricId[])('%s has two lines', (id) => {
    for (const format of ['prometheus', 'openmetrics'] as const) {
      const lines = renderHeadOf(id, format).split('\n');
      expect(lines).toHaveLength(3);
      expect(lines[0]).toContain(metricName(id).replace(/_total$/, ''));
    }
  });
});

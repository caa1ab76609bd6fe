// The number writer against the decimal that exact arithmetic gives.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderSteps } from '#agent/contract';
import { PageBuffer, type Page } from '../../../server/exposition/page-buffer.ts';

const page = new PageBuffer();
const text = ({ bytes }: Page): string => Buffer.from(bytes).toString();
function written(steps: number, digits: number): string {
  page.start();
  page.value(steps, digits);
  return text(page.finish());
}

test.each([
  [0, 3, '0'],
  [1, 9, '0.000000001'],
  [-1500, 3, '-1.5'],
  [1000, 3, '1'],
  [123_456, 3, '123.456'],
  [1_700_000_000_123, 3, '1700000000.123'],
  [Number.MAX_SAFE_INTEGER, 0, '9007199254740991'],
  [10_000, 0, '10000'],
])('%d steps of 10^-%d', (steps, digits, text) => {
  expect(written(steps, digits)).toBe(`${text}\n`);
});

test('equals exact decimal arithmetic for every whole number and scale of the catalogue', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.constantFrom(0, 2, 3, 6, 9), (steps, digits) => {
      expect(written(steps, digits)).toBe(`${renderSteps(BigInt(steps), 10 ** digits)}\n`);
    }),
  );
});

test('grows, and what is lent stays as it was until it is given back', () => {
  page.start();
  page.text('é'.repeat(800_000));
  const first = page.finish();
  page.start();
  page.text('x'.repeat(2_000_000));
  const second = page.finish();
  expect(text(first)).toBe('é'.repeat(800_000));
  expect(second.bytes.length).toBe(2_000_000);
  second.giveBack();
  first.giveBack();
  page.start();
  page.text('y');
  expect(page.finish().bytes.buffer).toBe(second.bytes.buffer);
});

// Running counts: exact beyond 2^53, never falling, stopping at a ceiling.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Counter } from '../../../agent/simulator/counter.ts';

test('counts exactly beyond what a number holds', () => {
  const counter = new Counter(9_007_199_254_000_000);
  for (let second = 0; second < 1000; second++) counter.add(3_125_000_001);
  expect(String(counter)).toBe(String(9_007_199_254_000_000n + 1000n * 3_125_000_001n));
  expect(counter.count).toBe(9_007_199_254_000_000n + 1000n * 3_125_000_001n);
});

test('fractions add up', () => {
  const counter = new Counter();
  for (let second = 0; second < 1000; second++) counter.add(0.25);
  expect(String(counter)).toBe('250');
});

test('never falls and says the same in all three forms, whatever is added', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 52 }),
      fc.array(fc.double({ min: -1e12, max: 1e15, noNaN: true }), { maxLength: 30 }),
      (start, amounts) => {
        const counter = new Counter(start);
        let before = counter.count;
        for (const amount of amounts) {
          counter.add(amount);
          expect(counter.count).toBeGreaterThanOrEqual(before);
          expect(String(counter)).toBe(String(counter.count));
          before = counter.count;
        }
        if (before < 2n ** 53n) expect(BigInt(counter.whole)).toBe(before);
      },
    ),
  );
});

test('a narrow counter stops at its ceiling', () => {
  const counter = new Counter(4_294_967_000, 4_294_967_295);
  counter.add(1e9);
  expect(String(counter)).toBe('4294967295');
  counter.add(1);
  expect(String(counter)).toBe('4294967295');
});

test('ignores what is no amount', () => {
  const counter = new Counter(5);
  counter.add(NaN);
  counter.add(-3);
  expect(String(counter)).toBe('5');
});

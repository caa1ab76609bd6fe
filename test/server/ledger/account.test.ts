// Every millisecond of a GPU is in exactly one class, whatever arrives or does not.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GpuAccount } from '../../../server/ledger/account.ts';
import { START_MS } from '../stand-in.ts';

const busyReading = (busy: number) => ({ kind: 'usage' as const, busy, processes: 1, memoryUsedBytes: 1e9 });
const freeReading = { kind: 'usage' as const, busy: 0, processes: 0, memoryUsedBytes: 0 };

function openAt(ms: number): { account: GpuAccount; fleet: Map<string, number> } {
  const fleet = new Map<string, number>();
  const account = new GpuAccount(ms, ({ key, ms: part }) => fleet.set(key, (fleet.get(key) ?? 0) + part));
  return { account, fleet };
}

const sum = (booked: ReadonlyMap<string, number>): number => [...booked.values()].reduce((all, ms) => all + ms, 0);
const booked = (account: GpuAccount): Record<string, number> => Object.fromEntries(account.booked);

/** One reading a second over [from, to). */
function feed(account: GpuAccount, { from, to, busy }: { from: number; to: number; busy: number }): void {
  for (let ms = from; ms < to; ms += 1000) account.observe(START_MS + ms, busyReading(busy));
}

describe('booking', () => {
  test('a slot is booked once, 30 s after its end', () => {
    const { account } = openAt(START_MS);
    feed(account, { from: 0, to: 40_000, busy: 0.6 });
    account.advance(START_MS + 39_999);
    expect(booked(account)).toEqual({});
    account.advance(START_MS + 40_000);
    expect(booked(account)).toEqual({ 'productive.compute': 6000, 'starved.unknown': 4000 });
    account.advance(START_MS + 49_999);
    expect(sum(account.booked)).toBe(10_000);
  });

  test('a GPU first seen within a slot is booked from then', () => {
    const { account } = openAt(START_MS + 7250);
    account.observe(START_MS + 7250, freeReading);
    account.advance(START_MS + 40_000);
    expect(booked(account)).toEqual({ 'free.no_demand': 2750 });
  });

  test('silence shorter than 30 s goes on as before, from 30 s it is unobserved', () => {
    const short = openAt(START_MS);
    feed(short.account, { from: 0, to: 10_000, busy: 1 });
    feed(short.account, { from: 38_000, to: 80_000, busy: 1 });
    short.account.advance(START_MS + 70_000);
    expect(booked(short.account)).toEqual({ 'productive.compute': 40_000 });

    const long = openAt(START_MS);
    feed(long.account, { from: 0, to: 10_000, busy: 1 });
    feed(long.account, { from: 39_000, to: 80_000, busy: 1 });
    long.account.advance(START_MS + 70_000);
    expect(booked(long.account)).toEqual({ 'productive.compute': 20_000, unobserved: 20_000 });
  });

  test('a stalled server books the stall as unobserved', () => {
    const { account } = openAt(START_MS);
    feed(account, { from: 0, to: 10_000, busy: 1 });
    account.observe(START_MS + 600_000, busyReading(1));
    account.advance(START_MS + 640_000);
    expect(booked(account)).toEqual({ 'productive.compute': 20_000, unobserved: 590_000 });
  });

  test('closing books up to the moment', () => {
    const { account, fleet } = openAt(START_MS + 500);
    feed(account, { from: 1000, to: 24_000, busy: 1 });
    account.close(START_MS + 23_456);
    expect(booked(account)).toEqual({ 'productive.compute': 22_956 });
    expect(Object.fromEntries(fleet)).toEqual(booked(account));
  });
});

describe('the class of now', () => {
  test('unobserved until the first reading and 30 s after the last', () => {
    const { account } = openAt(START_MS);
    account.advance(START_MS);
    expect(account.class).toBe('unobserved');
    feed(account, { from: 1000, to: 2000, busy: 1 });
    expect([account.class, account.sinceMs]).toEqual(['productive.compute', START_MS]);
    account.advance(START_MS + 30_999);
    expect(account.class).toBe('productive.compute');
    account.advance(START_MS + 31_000);
    expect([account.class, account.sinceMs]).toEqual(['unobserved', START_MS + 31_000]);
  });

  test('a silence that nobody looked at counts as unobserved in between', () => {
    const { account } = openAt(START_MS);
    feed(account, { from: 0, to: 2000, busy: 1 });
    account.observe(START_MS + 600_000, busyReading(1));
    account.advance(START_MS + 600_000);
    expect([account.class, account.sinceMs]).toEqual(['productive.compute', START_MS + 600_000]);
  });

  test('a young slot does not overrule the one before it', () => {
    const { account } = openAt(START_MS);
    feed(account, { from: 0, to: 10_000, busy: 1 });
    account.observe(START_MS + 10_000, busyReading(0));
    account.advance(START_MS + 10_000);
    expect(account.class).toBe('productive.compute');
    feed(account, { from: 11_000, to: 16_000, busy: 0 });
    account.advance(START_MS + 15_500);
    expect(account.class).toBe('starved.unknown');
  });
});

describe('a fault', () => {
  const fault = { kind: 'fault' } as const;
  /** One faulty reading a second over [from, to). */
  function failing(account: GpuAccount, from: number, to: number): void {
    for (let ms = from; ms < to; ms += 1000) account.observe(START_MS + ms, fault);
  }

  test('is the class of now with its first reading, and no longer than it lasts', () => {
    const { account } = openAt(START_MS);
    feed(account, { from: 0, to: 13_000, busy: 1 });
    failing(account, 13_000, 14_000);
    expect([account.class, account.sinceMs]).toEqual(['out.fault', START_MS + 13_000]);
    failing(account, 14_000, 31_000);
    feed(account, { from: 31_000, to: 32_000, busy: 1 });
    expect([account.class, account.sinceMs]).toEqual(['productive.compute', START_MS + 31_000]);
  });

  test('that ends within a slot it filled mostly is over all the same', () => {
    const { account } = openAt(START_MS);
    failing(account, 0, 18_000);
    feed(account, { from: 18_000, to: 19_000, busy: 1 });
    account.advance(START_MS + 19_500);
    expect(account.class).toBe('productive.compute');
  });

  test('takes the share of the slot that it lasted', () => {
    const { account } = openAt(START_MS);
    feed(account, { from: 0, to: 7000, busy: 0.5 });
    failing(account, 7000, 20_000);
    account.advance(START_MS + 50_000);
    expect(booked(account)).toEqual({ 'productive.compute': 3500, 'starved.unknown': 3500, 'out.fault': 13_000 });
  });

  test('that is over while nobody sees what the GPU does leaves it unobserved, and later as it is seen', () => {
    const { account } = openAt(START_MS);
    failing(account, 0, 5000);
    account.ceaseFault(START_MS + 5000);
    expect([account.class, account.sinceMs]).toEqual(['unobserved', START_MS + 5000]);
    feed(account, { from: 8000, to: 9000, busy: 1 });
    account.advance(START_MS + 9000);
    expect(account.class).toBe('productive.compute');
  });

  test('that never was ceases without a trace', () => {
    const { account } = openAt(START_MS);
    feed(account, { from: 0, to: 12_000, busy: 1 });
    account.ceaseFault(START_MS + 12_000);
    expect(account.class).toBe('productive.compute');
  });

  test('is not observed any more 30 s after the last word of it', () => {
    const { account } = openAt(START_MS);
    failing(account, 0, 5000);
    account.advance(START_MS + 33_999);
    expect(account.class).toBe('out.fault');
    account.advance(START_MS + 34_000);
    expect(account.class).toBe('unobserved');
  });
});

describe('properties', () => {
  const step = fc.record({
    // Mostly a second, at times a long silence.
    afterMs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 1, max: 2500 }) },
      fc.integer({ min: 1, max: 400_000 }),
    ),
    reading: fc.option(
      fc.oneof(
        fc.constant({ kind: 'fault' as const }),
        fc.record({
          kind: fc.constant('usage' as const),
          busy: fc.double({ min: -1, max: 3, noNaN: true }),
          processes: fc.oneof(fc.constant(NaN), fc.integer({ min: 0, max: 3 })),
          memoryUsedBytes: fc.oneof(fc.constant(NaN), fc.integer({ min: 0, max: 1e9 })),
        }),
      ),
    ),
  });

  test('the classes add up to the time since the first sight, exactly, and nothing is negative', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), fc.array(step, { maxLength: 300 }), (offset, steps) => {
        const { account, fleet } = openAt(START_MS + offset);
        let nowMs = START_MS + offset;
        for (const { afterMs, reading } of steps) {
          nowMs += afterMs;
          if (reading) account.observe(nowMs, reading);
          account.advance(nowMs);
          expect(sum(account.booked)).toBe(account.bookedUntilMs - account.firstSeenMs);
          expect(nowMs - account.bookedUntilMs).toBeLessThanOrEqual(40_000);
        }
        account.close(nowMs);
        expect(sum(account.booked)).toBe(nowMs - account.firstSeenMs);
        expect([...account.booked.values()].every((ms) => Number.isSafeInteger(ms) && ms > 0)).toBe(true);
        expect(Object.fromEntries(fleet)).toEqual(booked(account));
      }),
    );
  });

  test('booking does not depend on how often it is asked for', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const often = openAt(START_MS).account;
        const rarely = openAt(START_MS).account;
        let nowMs = START_MS;
        for (const { afterMs, reading } of steps) {
          nowMs += afterMs;
          if (reading) for (const account of [often, rarely]) account.observe(nowMs, reading);
          often.advance(nowMs);
        }
        rarely.advance(nowMs);
        expect(booked(rarely)).toEqual(booked(often));
      }),
    );
  });
});

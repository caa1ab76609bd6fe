// When to try again, and how many at once.
import { describe, expect, it } from 'vitest';
import { BackOff } from '../../../agent/ssh/back-off.ts';
import { Gate } from '../../../agent/ssh/gate.ts';
import { settle } from '../../doubles/manual-clock.ts';

describe('the back-off', () => {
  it('doubles from one second to a minute', () => {
    const backOff = new BackOff(() => 1);
    const waits = Array.from({ length: 8 }, () => backOff.next('unreachable') / 1000);
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    backOff.succeeded();
    expect(backOff.next('timed_out')).toBe(1000);
  });

  it('is slow where an account could be locked, up to a quarter of an hour', () => {
    const backOff = new BackOff(() => 1);
    const waits = Array.from({ length: 6 }, () => backOff.next('auth') / 1000);
    expect(waits).toEqual([60, 120, 240, 480, 900, 900]);
    expect(new BackOff(() => 1).next('host_key')).toBe(60_000);
  });

  it('spreads over its upper half', () => {
    expect(new BackOff(() => 0).next('closed')).toBe(500);
  });
});

describe('the gate', () => {
  it('lets in so many at once, and the next when one is done or fails', async () => {
    const gate = new Gate(2);
    const ends: (() => void)[] = [];
    const works = [0, 1, 2, 3].map(() =>
      gate.run(
        () =>
          new Promise<void>((resolve, reject) => {
            ends.push(
              ends.length === 0
                ? () => {
                    reject(new Error('failed'));
                  }
                : resolve,
            );
          }),
      ),
    );
    const [first] = works;
    await settle();
    expect(ends).toHaveLength(2);
    ends[0]?.();
    await expect(first).rejects.toThrow('failed');
    await settle();
    expect(ends).toHaveLength(3);
    ends[1]?.();
    ends[2]?.();
    await settle();
    ends[3]?.();
    await Promise.all(works.slice(1));
  });
});

// Who comes in at once, who waits, who is turned away.
import { describe, expect, test } from 'vitest';
import { Admission, type AdmissionTime, type Newcomer } from '../../server/admission.ts';

class SetTime implements AdmissionTime {
  #nowMs = 0;
  #planned: { readonly atMs: number; readonly call: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }
  after(ms: number, call: () => void): void {
    this.#planned.push({ atMs: this.#nowMs + ms, call });
  }
  /** The process does nothing for so long. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }
  pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#planned.toSorted((a, b) => a.atMs - b.atMs);
      if (!next || next.atMs > endMs) break;
      this.#planned.splice(this.#planned.indexOf(next), 1);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.call();
    }
    this.#nowMs = endMs;
  }
}

interface Line {
  readonly time: SetTime;
  readonly started: number[];
  readonly gone: Set<number>;
  readonly enter: (id: number) => boolean;
}

function line(perSecond: number, lineMs: number): Line {
  const time = new SetTime();
  const admission = new Admission({ perSecond, lineMs, time });
  const started: number[] = [];
  const gone = new Set<number>();
  const newcomer = (id: number): Newcomer => ({ start: () => void started.push(id), isGone: () => gone.has(id) });
  return { time, started, gone, enter: (id) => admission.enter(newcomer(id)) };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, id) => id);

describe('a thousand at once', () => {
  test('a tenth of a second comes in, a line waits, the rest is turned away', () => {
    const { started, enter } = line(150, 2000);
    const answers = upTo(1000).map(enter);
    expect(started).toEqual(upTo(15));
    expect(answers.filter((isIn) => isIn)).toHaveLength(15 + 300);
    expect(answers.slice(315)).not.toContain(true);
  });

  test('the line comes in in its order, at the rate', () => {
    const { time, started, enter } = line(150, 2000);
    for (const id of upTo(315)) enter(id);
    time.pass(1000);
    expect(started).toEqual(upTo(15 + 150));
    time.pass(1000);
    expect(started).toEqual(upTo(315));
  });

  test('who comes while others wait comes after them', () => {
    const { time, started, enter } = line(10, 1000);
    expect(upTo(3).map(enter)).toEqual([true, true, true]);
    time.pass(100);
    expect(enter(3)).toBe(true);
    time.pass(1000);
    expect(started).toEqual([0, 1, 2, 3]);
  });
});

test('those who left take nobody’s turn and nobody’s place', () => {
  const { time, started, gone, enter } = line(10, 500);
  expect(upTo(6).map(enter)).toEqual([true, true, true, true, true, true]);
  expect(enter(6)).toBe(false);
  for (const id of [1, 2, 3]) gone.add(id);
  expect(enter(7)).toBe(true);
  time.pass(110);
  expect(started).toEqual([0, 4]);
  time.pass(1000);
  expect(started).toEqual([0, 4, 5, 7]);
});

test('after a stall not more come in at once than ever', () => {
  const { time, started, enter } = line(100, 2000);
  for (const id of upTo(200)) enter(id);
  expect(started).toHaveLength(10);
  time.stall(1500);
  time.pass(0);
  expect(started).toHaveLength(20);
});

test('at a steady rate below the limit nobody waits', () => {
  const { time, started, enter } = line(150, 2000);
  for (const id of upTo(1000)) {
    expect(enter(id)).toBe(true);
    expect(started.at(-1)).toBe(id);
    time.pass(7);
  }
});

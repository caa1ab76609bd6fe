// Seconds per state of a worker, worked out by hand; and that they always add up to the time that passed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitTime, WorkerStates, type TaskUse } from '../../../../agent/collectors/process/worker-states.ts';

const use = (parts: Partial<TaskUse>): TaskUse => ({
  ...{ startTicks: 100, cpuSeconds: 0, waitSeconds: 0, state: 'sleeping' },
  ...parts,
});

describe('one worker', () => {
  it('half a second of work, a tenth waiting for a CPU, one look of five blocked, the rest slack', () => {
    const states = new WorkerStates();
    expect(states.read('w', 0, use({ cpuSeconds: 7, waitSeconds: 3 }))).toBeUndefined();
    for (const state of ['running', 'blocked', 'sleeping', 'running'] as const) states.look('w', state);
    const time = states.read('w', 1000, use({ cpuSeconds: 7.5, waitSeconds: 3.1 }));
    expect(time?.running).toBeCloseTo(0.5);
    expect(time?.waiting).toBeCloseTo(0.1);
    expect(time?.blocked).toBeCloseTo(0.2);
    expect(time?.slack).toBeCloseTo(0.2);
  });

  it('looks of the interval before do not count', () => {
    const states = new WorkerStates();
    states.read('w', 0, use({}));
    states.look('w', 'blocked');
    states.read('w', 1000, use({ state: 'blocked' }));
    expect(states.read('w', 2000, use({}))).toEqual({ running: 0, waiting: 0, blocked: 0, slack: 1 });
  });

  it('without a look between two ticks the tick itself is one', () => {
    const states = new WorkerStates();
    states.read('w', 0, use({}));
    expect(states.read('w', 1000, use({ state: 'blocked' }))).toEqual({ running: 0, waiting: 0, blocked: 1, slack: 0 });
  });

  it('a kernel that does not count waiting; one that begins to', () => {
    const states = new WorkerStates();
    states.read('w', 0, use({ waitSeconds: undefined }));
    expect(states.read('w', 1000, use({ cpuSeconds: 0.25, waitSeconds: 40 }))?.waiting).toBe(0);
    expect(states.read('w', 2000, use({ cpuSeconds: 0.5, waitSeconds: undefined }))?.waiting).toBe(0);
  });

  it('another task with the same number begins anew', () => {
    const states = new WorkerStates();
    states.read('w', 0, use({ cpuSeconds: 50 }));
    expect(states.read('w', 1000, use({ startTicks: 200, cpuSeconds: 1 }))).toBeUndefined();
    expect(states.read('w', 2000, use({ startTicks: 200, cpuSeconds: 2 }))?.running).toBe(1);
  });

  it('what was forgotten has no looks and no interval', () => {
    const states = new WorkerStates();
    states.read('w', 0, use({}));
    states.forget('w');
    states.look('w', 'blocked');
    expect(states.read('w', 1000, use({ cpuSeconds: 1 }))).toBeUndefined();
  });

  it('a clock that stands still gives no interval', () => {
    const states = new WorkerStates();
    states.read('w', 5, use({}));
    expect(states.read('w', 5, use({ cpuSeconds: 1 }))).toBeUndefined();
  });
});

describe('an interval', () => {
  it('CPU time booked late is never more than there was', () => {
    expect(splitTime({ seconds: 1, cpuSeconds: 1.04, waitSeconds: 0.3, blockedShare: 1 })).toEqual({
      ...{ running: 1, waiting: 0, blocked: 0, slack: 0 },
    });
  });

  it('always adds up, with no part below zero', () => {
    const number = fc.double({ min: -10, max: 10 });
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 100, noNaN: true }),
        number,
        number,
        number,
        (seconds, cpu, wait, share) => {
          const time = splitTime({ seconds, cpuSeconds: cpu, waitSeconds: wait, blockedShare: share });
          const parts = Object.values(time);
          expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
          expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(seconds, 6);
        },
      ),
    );
  });
});

// When the reader's child is started, ended, and started again; and what is done about one that cannot be killed.
import { beforeEach, describe, expect, it } from 'vitest';
import { Supervisor } from '../../../../agent/sources/nvml/supervisor.ts';
import { PlayedChildren } from './played-children.ts';

let runner: PlayedChildren;
let nowMs: number;
let downs: string[];
let lines: string[];
let supervisor: Supervisor;

beforeEach(() => {
  runner = new PlayedChildren();
  nowMs = 0;
  downs = [];
  lines = [];
  supervisor = new Supervisor({
    commands: runner,
    kind: 'gpu',
    program: () => ({ file: 'node', args: ['reader'] }),
    silenceMs: 5000,
    monotonicMs: () => nowMs,
    onLine: (line) => lines.push(line),
    onDown: (reason, message) => downs.push(`${reason}: ${message}`),
  });
});

function at(timeMs: number): number {
  nowMs = timeMs;
  supervisor.keepRunning();
  return runner.children.length;
}

it('starts nothing before it is told to', () => {
  expect(runner.children).toHaveLength(0);
});

describe('a child that crashes', () => {
  it('is started again at once, then after 1, 2, 4 … at most 60 s', () => {
    at(0);
    runner.child.end({ reason: 'killed' });
    expect(runner.children).toHaveLength(2);
    for (const [index, waitMs] of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries()) {
      runner.child.end({ reason: 'exited', exitCode: 1, stderr: 'abort' });
      const endedMs = nowMs;
      expect(at(endedMs + waitMs - 1)).toBe(index + 2);
      expect(at(endedMs + waitMs)).toBe(index + 3);
    }
    expect(downs.at(-1)).toBe('malformed: abort');
  });

  it('after a minute of health is started at once again', () => {
    at(0);
    runner.child.end({ reason: 'killed' });
    runner.child.end({ reason: 'killed' });
    expect(at(1000)).toBe(3);
    for (nowMs = 1000; nowMs < 70_000; nowMs += 1000) {
      supervisor.heard();
      supervisor.keepRunning();
    }
    runner.child.end({ reason: 'killed' });
    expect(runner.children).toHaveLength(4);
  });
});

describe('a silent child', () => {
  it('is killed when it has said nothing for longer than the limit', () => {
    at(0);
    at(5000);
    expect(runner.child.stopped).toBe(false);
    at(5001);
    expect(runner.child.stopped).toBe(true);
    expect(downs).toEqual(['timed_out: it has fallen silent']);
  });

  it('is not silent while it is heard', () => {
    at(0);
    nowMs = 4000;
    supervisor.heard();
    at(9000);
    expect(runner.child.stopped).toBe(false);
  });

  it('is not listened to after it was killed', () => {
    at(0);
    const { child } = runner;
    at(5001);
    child.print(['late']);
    child.end({ reason: 'stopped' });
    expect(lines).toEqual([]);
    expect(downs).toHaveLength(1);
  });

  it('has longer for its first word after each that was killed before it', () => {
    at(0);
    const patience: number[] = [];
    while (runner.children.length < 6) {
      const { child } = runner;
      const startedMs = nowMs;
      while (!child.stopped) at(nowMs + 1000);
      patience.push(nowMs - startedMs);
      while (runner.child === child) at(nowMs + 1000);
    }
    expect(patience).toEqual([6000, 11_000, 21_000, 41_000, 46_000]);
    supervisor.heard();
    const { child } = runner;
    at(nowMs + 5000);
    expect(child.stopped).toBe(false);
    at(nowMs + 1);
    expect(child.stopped).toBe(true);
  });

  it('that dies is followed by another after the back-off', () => {
    at(0);
    at(5001);
    expect(at(6000)).toBe(1);
    expect(at(6001)).toBe(2);
  });
});

describe('a child that cannot be killed', () => {
  it('is stuck after 10 s, and stays the only one until it is gone', () => {
    at(0);
    runner.killsInVain = true;
    at(5001);
    at(15_000);
    expect(supervisor.stuckPid).toBeUndefined();
    at(15_001);
    expect(supervisor.stuckPid).toBe(1);
    expect(at(500_000)).toBe(1);
    runner.killsInVain = false;
    expect(at(500_001)).toBe(2);
    expect(supervisor.stuckPid).toBeUndefined();
  });

  it('may also have been given up for what it said', () => {
    at(0);
    runner.killsInVain = true;
    supervisor.giveUp('not_present', 'no driver');
    at(10_000);
    expect(supervisor.stuckPid).toBe(1);
    expect(downs).toEqual(['not_present: no driver']);
  });
});

describe('a pause', () => {
  it('ends the child, and keepRunning begins again', () => {
    at(0);
    supervisor.pause();
    expect(runner.child.stopped).toBe(true);
    expect(at(1)).toBe(2);
    expect(downs).toEqual([]);
  });

  it('keeps the back-off', () => {
    at(0);
    supervisor.giveUp('malformed', 'x');
    supervisor.pause();
    expect(at(999)).toBe(1);
    expect(at(1000)).toBe(2);
  });
});

it('once stopped starts nothing more', () => {
  at(0);
  supervisor.stop();
  expect(runner.child.stopped).toBe(true);
  expect(at(100_000)).toBe(1);
});

it('tells why a child could not be started', () => {
  at(0);
  runner.child.end({ reason: 'not_started', exitCode: undefined, stderr: 'spawn EACCES' });
  expect(downs).toEqual(['forbidden: spawn EACCES']);
});

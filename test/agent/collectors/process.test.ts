// Workers of GPUs over made processes: who is one, what their time is booked as, looks between ticks, ends and reused numbers.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GpuProcesses } from '../../../agent/collectors/collector.ts';
import { process as collector } from '../../../agent/collectors/process.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';
import { asNobody } from '../../doubles/nobody.ts';
import { endTask, writeTask, type FakeTask } from '../../doubles/process-tree.ts';
import { startReading, type Reading } from '../../doubles/reading.ts';

let root: string;
let clock: ManualClock;
let gpus: readonly GpuProcesses[];
let reading: Reading;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-process-'));
  chmodSync(root, 0o755);
  mkdirSync(join(root, 'proc/1'), { recursive: true });
  clock = new ManualClock();
  gpus = [];
  reading = startReading(collector, root, {
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, call) => clock.after(delayMs, call),
    gpuProcesses: () => gpus,
  });
});
afterEach(async () => {
  await reading.reader.stop();
  expect([reading.lines(), clock.waiting]).toEqual([[], []]);
  rmSync(root, { recursive: true });
});

const gpu = (index: number, ...pids: number[]): GpuProcesses => ({
  ...{ gpu: String(index), uuid: `GPU-${index}`, pci_bus_id: `00000000:1${index}:00.0`, pids },
});
const write = (...tasks: readonly FakeTask[]): void => {
  for (const task of tasks) writeTask(root, task);
};
const read = async (...lanes: readonly ('fast' | 'medium' | 'slow')[]): Promise<void> => {
  for (const lane of lanes) await reading.reader.read(lane);
};
const seconds = (index = 0): unknown[] =>
  ['running', 'waiting', 'blocked', 'slack'].map((state) =>
    reading.amount('gpu_worker_seconds_total', { gpu: String(index), state }),
  );
const workers = (index = 0): unknown => reading.value('gpu_workers', { gpu: String(index) });

/** A process 100 with a loader 200 below it and a thread 101, which after a first look have worked. */
async function startLoader(): Promise<void> {
  gpus = [gpu(0, 100)];
  write({ pid: 100, children: [200] }, { pid: 100, tid: 101 }, { pid: 200 });
  await read('fast', 'medium');
  await clock.advance(5000);
  write({ pid: 100, children: [200], cpuTicks: 500 }, { pid: 100, tid: 101, cpuTicks: 5 }, { pid: 200, cpuTicks: 100 });
  await read('fast', 'medium', 'fast');
}

it('nobody tells of GPUs: the area is not there', async () => {
  await reading.reader.discover();
  await read('fast', 'medium', 'slow');
  expect(reading.lines()).toEqual(['unavailable{process,,,not_present} 0 1']);
});

it('a GPU without a process has no workers; its seconds stand', async () => {
  gpus = [gpu(0)];
  await read('fast', 'medium');
  expect([workers(), seconds()]).toEqual([0, [0, 0, 0, 0]]);
  expect(reading.value('gpu_owner_main_thread_ratio')).toBe('not_present');
});

it('the main thread: its own time, not that of its process', async () => {
  gpus = [gpu(0, 100)];
  write({ pid: 100, cpuTicks: 900, runNs: 3e9 });
  await read('fast');
  expect(reading.value('gpu_owner_main_thread_ratio')).toBe('not_present');
  await clock.advance(1000);
  write({ pid: 100, cpuTicks: 5000, runNs: 3.75e9 });
  await read('fast');
  expect(reading.amount('gpu_owner_main_thread_ratio')).toBe(0.75);
});

describe('workers', () => {
  it('helpers become workers when they were seen at work; their time is booked by state', async () => {
    await startLoader();
    expect(workers()).toBe(2);
    // Five looks and the tick's own: the loader is blocked in three of six, the thread sleeps.
    await clock.advance(300);
    write({ pid: 200, cpuTicks: 100, state: 'D' });
    await clock.advance(600);
    write({ pid: 200, cpuTicks: 120, waitNs: 1e8, state: 'S' }, { pid: 100, tid: 101, cpuTicks: 5, runNs: 3e8 });
    await clock.advance(100);
    await read('fast');
    // Loader 0.2 running, 0.1 waiting, 0.5 blocked, 0.2 slack; thread 0.25 running, 0.75 slack.
    expect(seconds()).toEqual([0.45, 0.1, 0.5, 0.95]);
  });

  it('one blocked at first sight is a worker at once', async () => {
    gpus = [gpu(0, 100)];
    write({ pid: 100, children: [200] }, { pid: 200, state: 'D' });
    await read('fast', 'medium', 'fast');
    expect(workers()).toBe(1);
  });

  it.each(['cuda-EvtHandlr', 'NCCL Progress 1', 'pt_autograd_0', 'pt_nccl_watchdg'])(
    'a thread %s serves the GPU and is none',
    async (name) => {
      gpus = [gpu(0, 100)];
      write({ pid: 100 }, { pid: 100, tid: 101, name }, { pid: 100, tid: 102, name: 'dali' });
      await read('fast', 'medium');
      await clock.advance(5000);
      write({ pid: 100, tid: 101, name, cpuTicks: 400 }, { pid: 100, tid: 102, name: 'dali', cpuTicks: 400 });
      await read('medium', 'fast');
      expect(workers()).toBe(1);
    },
  );

  it('grandchildren are; another owner below, and who works for it, is not', async () => {
    gpus = [gpu(0, 100), gpu(1, 300)];
    const tasks = [
      { pid: 100, children: [200, 300] },
      { pid: 200, children: [201] },
      { pid: 201 },
      { pid: 300, children: [301] },
      { pid: 301 },
    ];
    write(...tasks);
    await read('fast', 'medium');
    await clock.advance(5000);
    write(...tasks.map((task) => ({ ...task, cpuTicks: 100 })));
    await read('medium', 'fast');
    expect([workers(0), workers(1)]).toEqual([2, 1]);
  });

  it('a process on two GPUs works for both', async () => {
    await startLoader();
    gpus = [gpu(0, 100), gpu(1, 100)];
    await read('fast');
    expect([workers(0), workers(1)]).toEqual([2, 2]);
  });

  it('minutes without anything to do: none any more, and one again when it works', async () => {
    await startLoader();
    for (let second = 0; second < 299; second++) {
      clock.pass(1000);
      await read('fast');
    }
    expect(workers()).toBe(2);
    clock.pass(1000);
    await read('fast', 'fast');
    expect(workers()).toBe(0);
    await read('slow');
    await clock.advance(5000);
    write({ pid: 200, cpuTicks: 400 });
    await read('slow', 'fast');
    expect(workers()).toBe(1);
  });

  it('no more than 512 in all', async () => {
    const children = Array.from({ length: 250 }, (_, index) => index);
    gpus = [gpu(0, 1000, 2000, 3000)];
    for (const pid of [1000, 2000, 3000]) {
      write({ pid, children: children.map((child) => pid + 1 + child) });
      write(...children.map((child) => ({ pid: pid + 1 + child, state: 'D' })));
    }
    await read('fast', 'medium', 'fast');
    expect(workers()).toBe(512);
  });
});

describe('looks between ticks', () => {
  it('five a second, only while there are workers', async () => {
    gpus = [gpu(0, 100)];
    write({ pid: 100 });
    await read('fast', 'medium', 'fast');
    expect(clock.waiting).toEqual([]);
    await startLoader();
    expect(clock.waiting).toEqual([200]);
    await clock.advance(1000);
    await read('fast');
    expect(clock.waiting).toEqual([200]);
    gpus = [];
    await read('fast');
    await clock.advance(200);
    expect(clock.waiting).toEqual([]);
  });
});

describe('ends', () => {
  it('a loader that ended is no worker; what it did stays booked', async () => {
    await startLoader();
    await clock.advance(1000);
    write({ pid: 200, cpuTicks: 150 });
    await read('fast');
    const before = seconds();
    endTask(root, { pid: 200 });
    await read('fast');
    expect([workers(), seconds()]).toEqual([1, before]);
  });

  it('an owner that ended, while it is still listed', async () => {
    await startLoader();
    endTask(root, { pid: 100 });
    await read('fast', 'medium');
    expect([workers(), reading.value('gpu_owner_main_thread_ratio')]).toEqual(['not_present', 'not_present']);
    gpus = [gpu(0)];
    await read('fast');
    expect(workers()).toBe(0);
  });

  it('another process with its number: nothing of the old one is taken for it', async () => {
    await startLoader();
    await clock.advance(1000);
    endTask(root, { pid: 100 });
    write({ pid: 100, startTicks: 9000, cpuTicks: 5, name: 'other' });
    await read('fast');
    expect(workers()).toBe('not_present');
    await read('fast');
    expect(workers()).toBe(0);
    await clock.advance(1000);
    write({ pid: 100, startTicks: 9000, cpuTicks: 30, name: 'other' });
    await read('fast');
    expect(reading.amount('gpu_owner_main_thread_ratio')).toBe(0.25);
  });

  it('hidepid: other people’s processes are not to be seen', async () => {
    gpus = [gpu(0, 100)];
    rmSync(join(root, 'proc/1'), { recursive: true });
    await read('fast', 'medium');
    expect([workers(), seconds()]).toEqual(['forbidden', ['forbidden', 'forbidden', 'forbidden', 'forbidden']]);
  });

  it('a process whose files may not be opened', async () => {
    gpus = [gpu(0, 100)];
    write({ pid: 100 });
    chmodSync(join(root, 'proc/100/task/100/stat'), 0o600);
    asNobody(() => void reading.reader.read('fast'));
    expect(workers()).toBe('forbidden');
    await read('fast');
  });

  it('a GPU that is not listed any more has no series', async () => {
    await startLoader();
    gpus = [gpu(1)];
    await read('fast');
    expect([workers(0), workers(1)]).toEqual([undefined, 0]);
  });
});

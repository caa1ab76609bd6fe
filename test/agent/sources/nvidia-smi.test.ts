// The GPU reader over real child processes that stand in for nvidia-smi.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noGpuSources } from '../../../agent/collectors/collector.ts';
import { startGpu } from '../../../agent/collectors/gpu.ts';
import { createCommandRunner, type CommandRunner } from '../../../agent/command.ts';
import { uuidOf } from '../../doubles/nvidia-smi/cells.ts';
import { writeNvidiaSmi, type Behaviour } from '../../doubles/nvidia-smi/program.ts';
import { startReading, type Reading } from '../../doubles/reading.ts';

let directory: string;
let commands: CommandRunner;
let nowMs: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'whyidle-smi-'));
  commands = createCommandRunner();
  nowMs = 0;
});
afterEach(() => {
  commands.stopAll();
  rmSync(directory, { recursive: true, force: true });
});

/** The clock is ours: it stands still unless the test moves it. */
function start(
  behaviour: Behaviour | 'missing',
  gpus = 8,
  firstTickMs = 15_000,
  runner: CommandRunner = commands,
): Reading {
  const nvidiaSmi = behaviour === 'missing' ? join(directory, 'missing') : writeNvidiaSmi(directory, behaviour, gpus);
  return startReading({ area: 'gpu', start: (given) => startGpu(given, firstTickMs) }, directory, {
    commands: runner,
    gpuSources: { ...noGpuSources, nvidiaSmi },
    monotonicMs: () => nowMs,
    intervalMs: 50,
  });
}

async function first(reading: Reading): Promise<void> {
  await reading.reader.discover();
  await reading.reader.read('fast');
}

/** Reads until it is so; the test's own time limit ends it otherwise. */
async function until(reading: Reading, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await reading.reader.read('fast');
  }
}

const utilization = (reading: Reading, index: number) =>
  reading.amount('gpu_utilization_ratio', { uuid: uuidOf(index) });

describe('a first reading', () => {
  it('has all GPUs and their processes', async () => {
    const reading = start('ok');
    await first(reading);
    expect(Array.from({ length: 8 }, (_, index) => utilization(reading, index))).toEqual(Array(8).fill(0.97));
    expect(reading.value('gpu_processes', { uuid: uuidOf(0), kind: 'compute' })).toBe(0);
    expect(reading.value('gpu_processes', { uuid: uuidOf(7), kind: 'compute' })).toBe(1);
    expect(reading.value('gpus')).toBe(8);
  });

  it('has whole GPUs although their lines come in pieces', async () => {
    const reading = start('split-chunks');
    await first(reading);
    expect(reading.value('gpus')).toBe(8);
    expect(utilization(reading, 7)).toBe(0.97);
  });

  it('loses one GPU alone', async () => {
    const reading = start('lost-gpu');
    await first(reading);
    expect([0, 1, 2].map((index) => reading.value('gpu_up', { uuid: uuidOf(index) }))).toEqual([1, 0, 1]);
    expect(utilization(reading, 1)).toBeUndefined();
    expect(reading.labels('unavailable', { device: '1' })).toMatchObject({ area: 'gpu', reason: 'not_present' });
  });

  it('is up and without values where everything is N/A', async () => {
    const reading = start('na-everywhere');
    await first(reading);
    expect(reading.value('gpu_up', { uuid: uuidOf(3) })).toBe(1);
    expect(utilization(reading, 3)).toBe('unsupported');
  });

  it('goes without a field that the driver does not know', async () => {
    const reading = start('old-driver');
    await first(reading);
    expect(utilization(reading, 0)).toBe(0.97);
    expect(reading.value('gpu_decoder_utilization_ratio', { uuid: uuidOf(0) })).toBe('unsupported');
  });

  it.each([
    ['missing', 'not_present'],
    ['no-driver', 'not_present'],
    ['no-devices', 'not_present'],
    ['no-library', 'not_present'],
  ] as const)('%s: %s', async (behaviour, reason) => {
    const reading = start(behaviour);
    await first(reading);
    expect(reading.lines()).toEqual([`unavailable{gpu,,,${reason}} 0 1`]);
  });
});

describe('later', () => {
  it('falls silent and comes back', async () => {
    const reading = start('stalls');
    await first(reading);
    nowMs = 5001;
    await reading.reader.read('fast');
    expect(utilization(reading, 0)).toBe('timed_out');
    expect(reading.value('gpu_reader_up')).toBe(0);
    nowMs = 7000;
    // The clock goes on: a child that has not died yet puts the restart off.
    await until(reading, () => {
      nowMs += 10;
      return utilization(reading, 0) === 0.97;
    });
    expect(reading.value('gpu_reader_up')).toBe(1);
  });

  it('dies in the middle of a line and is started again', async () => {
    const reading = start('dies', 2);
    await first(reading);
    expect(utilization(reading, 0)).toBe(0.97);
    await until(reading, () => {
      nowMs += 1000;
      return reading.value('gpu_reader_up') === 0;
    });
    await until(reading, () => {
      nowMs += 1000;
      return reading.value('gpu_reader_up') === 1;
    });
    expect(reading.value('gpus')).toBe(2);
  });

  it('is malformed when it prints garbage', async () => {
    const reading = start('garbage', 1, 50);
    await first(reading);
    await until(reading, () => {
      nowMs += 100;
      return reading.labels('unavailable', { area: 'gpu' })?.['reason'] === 'malformed';
    });
    expect(reading.value('gpu_reader_up')).toBe(0);
  });

  it('ends its program when it is stopped, even one that ignores signals', async () => {
    const pids: (number | undefined)[] = [];
    const reading = start('ignores-signals', 1, 15_000, {
      run: (request) => commands.run(request),
      stream: (request) => {
        const loop = commands.stream(request);
        if (request.args.some((arg) => arg.startsWith('--loop-ms='))) pids.push(loop.pid);
        return loop;
      },
      stuckPid: () => undefined,
      hangs: () => false,
      running: () => [],
      stopAll: () => undefined,
    });
    await first(reading);
    expect(pids).toHaveLength(1);
    expect(lives(pids[0])).toBe(true);
    await reading.reader.stop();
    await until(reading, () => !lives(pids[0]));
  });
});

function lives(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}

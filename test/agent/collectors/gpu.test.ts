// The GPU reader over a played nvidia-smi: healthy, lost, silent, dying, garbled, and its restarts.
import { describe, expect, it } from 'vitest';
import type { AgentMetricId } from '#agent/contract';
import { startGpu } from '../../../agent/collectors/gpu.ts';
import { noGpuSources } from '../../../agent/collectors/collector.ts';
import { allFields } from '../../../agent/parse/gpu/smi-csv-sheet.ts';
import { gpuCells, helpText, lineOf, tickLines, uuidOf, type Cells } from '../../doubles/nvidia-smi/cells.ts';
import { done, PlayedRunner } from '../../doubles/nvidia-smi/runner.ts';
import { startReading, type Reading } from '../../doubles/reading.ts';

class Machine {
  readonly runner = new PlayedRunner();
  nowMs = 0;
  readonly reading: Reading;

  constructor(context: { readonly nvidiaSmi?: string | undefined } = { nvidiaSmi: 'nvidia-smi' }) {
    this.reading = startReading({ area: 'gpu', start: (given) => startGpu(given, 20) }, '/nonexistent', {
      commands: this.runner,
      gpuSources: { ...noGpuSources, nvidiaSmi: context.nvidiaSmi },
      monotonicMs: () => this.nowMs,
    });
  }

  /** Starts the loop and lets the first reading give up or settle. */
  async start(): Promise<void> {
    await this.reading.reader.discover();
    await turns();
  }

  async read(): Promise<void> {
    await this.reading.reader.read('fast');
    await turns();
  }

  async tick(count: number, overrides: Readonly<Record<number, Cells>> = {}): Promise<void> {
    this.runner.loop.print(tickLines(this.runner.loop.fields, count, overrides));
    await this.read();
  }

  gpu(id: AgentMetricId, index: number, labels: Readonly<Record<string, string>> = {}) {
    return this.reading.amount(id, { uuid: uuidOf(index), ...labels });
  }
}

/** Lets promises that are settled run on. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

async function started(): Promise<Machine> {
  const machine = new Machine();
  await machine.start();
  return machine;
}

describe('a healthy node', () => {
  it('reads eight V100', async () => {
    const machine = await started();
    await machine.tick(8);
    expect(machine.reading.value('gpus')).toBe(8);
    expect(machine.reading.value('gpu_reader_up')).toBe(1);
    expect(machine.gpu('gpu_up', 7)).toBe(1);
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.97);
    expect(machine.gpu('gpu_memory_activity_ratio', 0)).toBe(0.52);
    expect(machine.gpu('gpu_memory_used_bytes', 0)).toBe(31689 * 1048576);
    expect(machine.gpu('gpu_power_watts', 0)).toBe(232.8);
    expect(machine.gpu('gpu_temperature_celsius', 0)).toBe(66);
    expect(machine.gpu('gpu_memory_temperature_celsius', 0)).toBe(63);
    expect(machine.gpu('gpu_clock_hertz', 0, { domain: 'sm' })).toBe(1410e6);
    expect(machine.reading.labels('gpu_info', { gpu: '1' })).toMatchObject({
      uuid: uuidOf(1),
      pci_bus_id: '00000000:1b:00.0',
      name: 'Tesla V100-SXM3-32GB',
      driver: '470.256.02',
      arch: 'Volta',
    });
  });

  it('tells every bit of the throttle mask and its time in nanoseconds', async () => {
    const machine = await started();
    await machine.tick(1, { 0: { 'clocks_event_reasons.active': '0x0000000000000144' } });
    const active = (reason: string) => machine.gpu('gpu_throttle_active', 0, { reason });
    expect(['sw_power_cap', 'hw_thermal_slowdown', 'display_clocks_setting'].map(active)).toEqual([1, 1, 1]);
    expect(['gpu_idle', 'hw_slowdown', 'sync_boost', 'sw_thermal_slowdown'].map(active)).toEqual([0, 0, 0, 0]);
    const labels = { uuid: uuidOf(0), reason: 'sw_power_cap' };
    expect(machine.reading.value('gpu_throttle_seconds_total', labels)).toBe(7015662857000);
    expect(machine.reading.value('gpu_throttle_seconds_total', { reason: 'sync_boost' })).toBeUndefined();
    await machine.tick(1, { 0: { 'clocks_event_reasons_counters.sw_power_cap': '9007199254741' } });
    expect(machine.reading.value('gpu_throttle_seconds_total', labels)).toBe(9007199254741000n);
  });

  it('never shows half a tick', async () => {
    const machine = await started();
    await machine.tick(4);
    const lines = tickLines(machine.runner.loop.fields, 4, { 0: { 'utilization.gpu': '1' } });
    machine.runner.loop.print(lines.slice(0, 2));
    await machine.read();
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.97);
    machine.runner.loop.print(lines.slice(2));
    await machine.read();
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.01);
  });

  it('finds the end of a tick by the first GPU coming again where no count is told', async () => {
    const machine = await started();
    const silent = { count: '[N/A]' };
    const lines = tickLines(machine.runner.loop.fields, 2, { 0: silent, 1: silent });
    machine.runner.loop.print(lines);
    await machine.read();
    expect(machine.reading.value('gpus')).toBeUndefined();
    machine.runner.loop.print(lines);
    await machine.read();
    expect(machine.reading.value('gpus')).toBe(2);
  });

  it('survives units in every cell', async () => {
    const machine = await started();
    await machine.tick(1, {
      0: {
        'utilization.gpu': '97 %',
        'memory.used': '31689 MiB',
        'power.draw': '232.80 W',
        'clocks.current.sm': '1410 MHz',
        'clocks_event_reasons_counters.sw_power_cap': '7 us',
      },
    });
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.97);
    expect(machine.gpu('gpu_memory_used_bytes', 0)).toBe(31689 * 1048576);
    expect(machine.gpu('gpu_power_watts', 0)).toBe(232.8);
    expect(machine.gpu('gpu_clock_hertz', 0, { domain: 'sm' })).toBe(1410e6);
    expect(machine.reading.value('gpu_throttle_seconds_total', { reason: 'sw_power_cap' })).toBe(7000);
  });

  it('takes another power where the first is not offered', async () => {
    const machine = await started();
    await machine.tick(1, {
      0: { 'power.draw': '[N/A]', 'power.draw.average': '[N/A]', 'power.draw.instant': '49.68' },
    });
    expect(machine.gpu('gpu_power_watts', 0)).toBe(49.68);
  });

  it('leaves the series alone from tick to tick', async () => {
    const machine = await started();
    await machine.tick(8);
    const { generation } = machine.reading.snapshot;
    await machine.tick(8, { 3: { 'utilization.gpu': '3' } });
    expect(machine.reading.snapshot.generation).toBe(generation);
  });
});

describe('what has no value', () => {
  it.each([
    ['[N/A]', 'unsupported'],
    ['N/A', 'unsupported'],
    ['[Not Supported]', 'unsupported'],
    ['[Requested functionality has been deprecated]', 'unsupported'],
    ['[Insufficient Permissions]', 'forbidden'],
    ['', 'unsupported'],
    ['3 GiB', 'malformed'],
    ['1e3', 'malformed'],
    ['many', 'malformed'],
  ])('%s is absent, never 0', async (cell, reason) => {
    const machine = await started();
    await machine.tick(2, { 1: { 'utilization.gpu': cell, 'memory.used': cell, 'power.draw': cell } });
    expect(machine.gpu('gpu_utilization_ratio', 1)).toBe(reason);
    expect(machine.gpu('gpu_memory_used_bytes', 1)).toBe(reason);
    expect(machine.gpu('gpu_up', 1)).toBe(1);
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.97);
  });

  it('a GPU that answers N/A to everything is up and has no values', async () => {
    const machine = await started();
    const { index, uuid, count } = gpuCells(0, 1);
    const cells = { index: index ?? '', uuid: uuid ?? '', count: count ?? '' };
    machine.runner.loop.print([lineOf(machine.runner.loop.fields, cells)]);
    await machine.read();
    expect(machine.gpu('gpu_up', 0)).toBe(1);
    const present = machine.reading.snapshot.series.filter(({ state, row }) => state === 0 && row.kind !== 'info');
    expect(present.map(({ id }) => id)).toEqual([
      'gpu_up',
      'gpu_processes',
      'gpu_reader_up',
      'gpus',
      'gpu_reader_stuck',
    ]);
  });

  it('a field that the driver does not know is unsupported', async () => {
    const machine = new Machine();
    machine.runner.help = done(helpText(allFields.filter((field) => field !== 'memory.reserved')));
    await machine.start();
    expect(machine.runner.loop.fields).not.toContain('memory.reserved');
    await machine.tick(1);
    expect(machine.gpu('gpu_memory_reserved_bytes', 0)).toBe('unsupported');
  });
});

describe('one GPU of many', () => {
  it.each(['[GPU is lost]', 'GPU is lost', '[GPU requires reset]', 'ERR!', '[Unknown Error]'])(
    'is down when it says %s',
    async (text) => {
      const machine = await started();
      await machine.tick(8);
      await machine.tick(8, {
        1: { 'utilization.gpu': text, 'memory.used': text, 'power.draw': text, 'temperature.gpu': text },
      });
      expect(machine.gpu('gpu_up', 1)).toBe(0);
      const left = machine.reading.snapshot.series.filter(
        ({ labels, state, row }) => labels[1] === uuidOf(1) && state === 0 && row.kind !== 'info',
      );
      expect(left.map(({ id }) => id)).toEqual(['gpu_up']);
      expect(machine.reading.value('unavailable', { area: 'gpu', device: '1', name: '' })).toBe(1);
      expect(machine.gpu('gpu_up', 0)).toBe(1);
      expect(machine.gpu('gpu_utilization_ratio', 2)).toBe(0.97);
      await machine.tick(8);
      expect(machine.gpu('gpu_up', 1)).toBe(1);
      expect(machine.gpu('gpu_power_watts', 1)).toBe(232.8);
      expect(machine.reading.value('unavailable', { device: '1' })).toBeUndefined();
    },
  );

  it('is down when the driver lists it no more', async () => {
    const machine = await started();
    await machine.tick(2);
    await machine.tick(1);
    expect(machine.gpu('gpu_up', 1)).toBe(0);
    expect(machine.gpu('gpu_utilization_ratio', 1)).toBe('not_present');
    expect(machine.reading.value('gpus')).toBe(1);
  });

  it('is itself when the numbers shift', async () => {
    const machine = await started();
    await machine.tick(3);
    const shifted = { index: '1', uuid: uuidOf(2), 'pci.bus_id': '00000000:1C:00.0' };
    machine.runner.loop.print(tickLines(machine.runner.loop.fields, 2, { 1: { ...shifted, 'utilization.gpu': '5' } }));
    await machine.read();
    expect(machine.gpu('gpu_utilization_ratio', 2)).toBe(0.05);
    expect(machine.reading.labels('gpu_utilization_ratio', { uuid: uuidOf(2) })).toMatchObject({
      gpu: '1',
      pci_bus_id: '00000000:1c:00.0',
    });
    expect(machine.gpu('gpu_up', 1)).toBe(0);
    expect(machine.reading.lines().filter((line) => line.startsWith('gpu_up'))).toHaveLength(3);
  });
});

describe('silence', () => {
  it('removes every value after two ticks, after 5 s kills the loop and starts another after 1 s', async () => {
    const machine = await started();
    await machine.tick(8);
    const { loop } = machine.runner;
    machine.nowMs = 2200;
    await machine.read();
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.97);
    machine.nowMs = 2201;
    await machine.read();
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe('timed_out');
    expect(machine.reading.value('gpu_reader_up')).toBe(1);
    machine.nowMs = 5000;
    await machine.read();
    expect(loop.stopped).toBe(false);
    machine.nowMs = 5001;
    await machine.read();
    expect(machine.reading.value('gpu_reader_up')).toBe(0);
    expect(machine.reading.value('gpus')).toBe('timed_out');
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe('timed_out');
    expect(machine.gpu('gpu_up', 0)).toBe('timed_out');
    expect(loop.stopped).toBe(true);
    expect(machine.runner.streams).toHaveLength(1);
    machine.nowMs = 6001;
    await machine.read();
    expect(machine.runner.streams).toHaveLength(2);
    await machine.tick(8);
    expect(machine.reading.value('gpu_reader_up')).toBe(1);
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.97);
  });

  it('is borne longer with each attempt where the first word does not come', async () => {
    const machine = await started();
    const at = async (nowMs: number): Promise<number> => {
      machine.nowMs = nowMs;
      await machine.read();
      return machine.runner.streams.filter(({ stopped }) => stopped).length;
    };
    expect(await at(5000)).toBe(0);
    expect(await at(5001)).toBe(1);
    expect(await at(6001)).toBe(1);
    expect(machine.runner.streams).toHaveLength(2);
    expect(await at(16_001)).toBe(1);
    expect(await at(16_002)).toBe(2);
  });

  it('takes nothing more from a loop that was given up', async () => {
    const machine = await started();
    await machine.tick(1);
    const { loop } = machine.runner;
    machine.nowMs = 5001;
    await machine.read();
    loop.print(tickLines(loop.fields, 1));
    loop.end({});
    await machine.read();
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe('timed_out');
  });

  it('counts a tick that never gets whole as silence', async () => {
    const machine = await started();
    await machine.tick(4);
    for (machine.nowMs = 1000; machine.nowMs <= 6000; machine.nowMs += 1000) {
      machine.runner.loop.print(
        tickLines(machine.runner.loop.fields, 4)
          .slice(0, 1)
          .filter(() => machine.nowMs === 1000),
      );
      await machine.read();
    }
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe('timed_out');
  });

  it('says that the area does not answer when there never was a tick', async () => {
    const machine = await started();
    await machine.read();
    expect(machine.reading.value('unavailable', { area: 'gpu', device: '', reason: 'timed_out' })).toBe(1);
    expect(machine.reading.value('gpu_reader_up')).toBe(0);
  });

  it('does not wait for a help that never comes', async () => {
    const machine = new Machine();
    machine.runner.help = undefined;
    await machine.start();
    await machine.read();
    expect(machine.runner.streams).toHaveLength(0);
    expect(machine.reading.value('unavailable', { area: 'gpu', reason: 'timed_out' })).toBe(1);
  });
});

describe('the end of the loop', () => {
  it('is followed by another, later each time, up to a minute', async () => {
    const machine = await started();
    const waits: number[] = [];
    for (let death = 0; death < 8; death++) {
      machine.runner.loop.end({ exitCode: 255 });
      const diedMs = machine.nowMs;
      const before = machine.runner.streams.length;
      while (machine.runner.streams.length === before) {
        machine.nowMs += 500;
        await machine.read();
      }
      waits.push((machine.nowMs - diedMs) / 1000);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('keeps the last values until the silence counts', async () => {
    const machine = await started();
    await machine.tick(1);
    machine.runner.loop.end({ exitCode: 255 });
    machine.nowMs = 1000;
    await machine.read();
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.97);
    expect(machine.runner.streams).toHaveLength(2);
  });

  it.each([
    [9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 'not_present'],
    [6, 'No devices were found', 'not_present'],
    [0, 'No devices were found', 'not_present'],
    [12, "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.", 'not_present'],
    [4, 'Insufficient Permissions', 'forbidden'],
    [255, 'Unable to determine the device handle for GPU', 'malformed'],
  ])('with %i before the first tick makes the area unavailable', async (exitCode, message, reason) => {
    const machine = await started();
    machine.runner.loop.print([message]);
    machine.runner.loop.end({ exitCode });
    await machine.read();
    expect(machine.reading.value('unavailable', { area: 'gpu', device: '', name: '', reason })).toBe(1);
    expect(machine.reading.value('gpus')).toBeUndefined();
    expect(machine.reading.value('gpu_reader_up')).toBe(reason === 'not_present' ? undefined : 0);
  });

  it('after an unknown field asks at once without it', async () => {
    const machine = await started();
    expect(machine.runner.loop.fields).toContain('compute_cap');
    machine.runner.loop.print(['Field "compute_cap" is not a valid field to query.', '']);
    machine.runner.loop.end({ exitCode: 2 });
    await turns();
    expect(machine.runner.streams).toHaveLength(2);
    expect(machine.runner.loop.fields).not.toContain('compute_cap');
    await machine.tick(1);
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.97);
  });

  it('asks older drivers for the throttle mask by its older name', async () => {
    const machine = new Machine();
    machine.runner.help = done(
      helpText([...allFields.filter((field) => !field.startsWith('clocks_event')), 'clocks_throttle_reasons.active']),
    );
    await machine.start();
    expect(machine.runner.loop.fields).toContain('clocks_throttle_reasons.active');
    const lines = [
      lineOf(machine.runner.loop.fields, { ...gpuCells(0, 1), 'clocks_throttle_reasons.active': '0x0000000000000004' }),
    ];
    machine.runner.loop.print(lines);
    await machine.read();
    expect(machine.gpu('gpu_throttle_active', 0, { reason: 'sw_power_cap' })).toBe(1);
  });

  it('is malformed when only garbage came', async () => {
    const machine = await started();
    machine.runner.loop.print(Array.from({ length: 100 }, (_, index) => `\u0000garbage ${index}`));
    machine.nowMs = 5001;
    await machine.read();
    expect(machine.reading.value('unavailable', { area: 'gpu', reason: 'malformed' })).toBe(1);
  });
});

describe('no nvidia-smi', () => {
  it('is not there', async () => {
    const machine = new Machine({ nvidiaSmi: undefined });
    await machine.start();
    await machine.read();
    expect(machine.reading.lines()).toEqual(['unavailable{gpu,,,not_present} 0 1']);
    expect(machine.runner.asked).toEqual([]);
  });

  it('cannot be started', async () => {
    const machine = new Machine();
    machine.runner.help = { kind: 'not_started', code: 'ENOENT', message: 'spawn nvidia-smi ENOENT' };
    await machine.start();
    await machine.read();
    expect(machine.reading.lines()).toEqual(['unavailable{gpu,,,not_present} 0 1']);
  });

  it('is taken when it appears later', async () => {
    const machine = new Machine();
    machine.runner.help = { kind: 'not_started', code: 'ENOENT', message: 'spawn nvidia-smi ENOENT' };
    await machine.start();
    await machine.read();
    machine.runner.help = done(helpText(allFields));
    machine.nowMs = 1000;
    await machine.read();
    await machine.tick(1);
    expect(machine.reading.value('gpus')).toBe(1);
    expect(machine.reading.value('unavailable', { area: 'gpu', device: '' })).toBeUndefined();
  });
});

describe('processes', () => {
  it('counts them per GPU, 0 where the query lists none', async () => {
    const machine = await started();
    machine.runner.apps = done(`${uuidOf(0)}, 11\n${uuidOf(0)}, 12\n${uuidOf(1)}, 13\n`);
    await machine.tick(3);
    expect([0, 1, 2].map((index) => machine.gpu('gpu_processes', index, { kind: 'compute' }))).toEqual([2, 1, 0]);
  });

  it.each([
    [done('failed', 9), 'not_present'],
    [{ kind: 'timed_out' } as const, 'timed_out'],
    [{ kind: 'stuck', pid: 1 } as const, 'timed_out'],
  ])('are unknown when the query fails', async (apps, reason) => {
    const machine = await started();
    machine.runner.apps = apps;
    await machine.tick(1);
    expect(machine.gpu('gpu_processes', 0)).toBe(reason);
  });

  it('are asked for every 10 s and keep nobody waiting', async () => {
    const machine = await started();
    await machine.tick(1);
    machine.runner.apps = undefined;
    const asked = () => machine.runner.asked.filter((args) => args.includes('compute-apps')).length;
    expect(asked()).toBe(1);
    for (machine.nowMs = 1000; machine.nowMs <= 25_000; machine.nowMs += 1000) {
      await machine.tick(1);
      if (machine.nowMs % 5000 === 0) await machine.reading.reader.read('medium');
    }
    expect(asked()).toBe(3);
    expect(machine.gpu('gpu_utilization_ratio', 0)).toBe(0.97);
  });
});

it('stops its loop and leaves nothing of its GPUs', async () => {
  const machine = await started();
  await machine.tick(2);
  await machine.reading.reader.stop();
  expect(machine.runner.loop.stopped).toBe(true);
  expect(machine.reading.lines().filter((line) => line.includes('GPU-'))).toEqual([]);
  machine.nowMs = 100_000;
  await machine.read();
  expect(machine.runner.streams).toHaveLength(1);
});

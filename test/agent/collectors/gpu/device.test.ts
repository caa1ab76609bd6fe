// One GPU filled by several sources: who owns a column, what vanishes when a source does, and what a lost GPU shows.
import { describe, expect, it } from 'vitest';
import { absent, celsius, ratio, watts, bytesPerSecond, bytes } from '#agent/contract';
import { GpuDevice } from '../../../../agent/collectors/gpu/device.ts';
import { columnOf, noFacts, valueIn, type GpuSheet, type GpuValue } from '../../../../agent/parse/gpu/sheet.ts';
import { Snapshot } from '../../../../agent/snapshot.ts';
import { readingOf } from '../../../doubles/reading.ts';

const identity = { gpu: '3', uuid: 'GPU-3', pci_bus_id: '00000000:39:00.0' };
const power = columnOf('gpu_power_watts');
const busy = columnOf('gpu_utilization_ratio');
const heat = columnOf('gpu_memory_temperature_celsius');
const fp16 = columnOf('gpu_fp16_active_ratio');

/** The device is filled by hand. */
const noReader = { discover: () => undefined, read: () => 'ok' as const, stop: () => undefined };

function sheet(values: readonly GpuValue[], more: Partial<GpuSheet> = {}): GpuSheet {
  return { identity, facts: noFacts, loss: undefined, values, ...more };
}

function start(processSeries = false) {
  const snapshot = new Snapshot();
  const device = new GpuDevice({ snapshot, identity, numaNode: '1', processSeries });
  return { device, snapshot, reading: readingOf(noReader, snapshot) };
}

describe('a column', () => {
  it('belongs to the best source that has a value for it', () => {
    const { device, reading } = start();
    device.fill('details', sheet([valueIn(power, watts(60)), valueIn(heat, celsius(50))]));
    device.fill('carrier', sheet([valueIn(power, watts(61)), valueIn(heat, absent('unsupported'))]));
    expect([reading.amount('gpu_power_watts'), reading.amount('gpu_memory_temperature_celsius')]).toEqual([61, 50]);
    device.fill('details', sheet([valueIn(power, watts(62)), valueIn(heat, celsius(51))]));
    expect([reading.amount('gpu_power_watts'), reading.amount('gpu_memory_temperature_celsius')]).toEqual([61, 51]);
  });

  it('is taken over when the better source has no value any more', () => {
    const { device, reading } = start();
    device.fill('carrier', sheet([valueIn(busy, ratio(0.5))]));
    device.fill('carrier', sheet([valueIn(busy, absent('malformed'))]));
    device.fill('profiling', sheet([valueIn(busy, ratio(0.25))]));
    expect(reading.amount('gpu_utilization_ratio')).toBe(0.25);
    device.fill('carrier', sheet([valueIn(busy, ratio(0.75))]));
    expect(reading.amount('gpu_utilization_ratio')).toBe(0.75);
  });

  it('is gone when its source has it no more', () => {
    const { device, reading } = start();
    device.fill('carrier', sheet([valueIn(busy, ratio(0.5)), valueIn(power, watts(60))]));
    device.fill('carrier', sheet([valueIn(power, watts(60))]));
    expect(reading.amount('gpu_utilization_ratio')).toBeUndefined();
    expect(reading.amount('gpu_power_watts')).toBe(60);
  });

  it('is absent while its source is quiet, and gone when the source is not used any more', () => {
    const { device, reading } = start();
    device.fill('carrier', sheet([valueIn(power, watts(60))]));
    device.fill('profiling', sheet([valueIn(fp16, ratio(0.4))]));
    device.quiet('profiling', 'timed_out');
    expect([reading.amount('gpu_fp16_active_ratio'), reading.amount('gpu_power_watts')]).toEqual(['timed_out', 60]);
    device.release('profiling');
    expect([reading.amount('gpu_fp16_active_ratio'), reading.amount('gpu_power_watts')]).toEqual([undefined, 60]);
  });

  it('of the same traffic is shown once: the counter of the carrier, else the rate of the faster source', () => {
    const rate = columnOf('gpu_nvlink_tx_bytes_per_second', { link: 'all' });
    const counter = columnOf('gpu_nvlink_tx_bytes_total', { link: '0' });
    const slow = start();
    slow.device.fill('profiling', sheet([valueIn(rate, bytesPerSecond(1e9))]));
    slow.device.fill('details', sheet([valueIn(counter, 4096)]));
    expect(slow.reading.amount('gpu_nvlink_tx_bytes_per_second')).toBe(1e9);
    expect(slow.reading.amount('gpu_nvlink_tx_bytes_total')).toBeUndefined();
    const fast = start();
    fast.device.fill('carrier', sheet([valueIn(counter, 4096)]));
    fast.device.fill('profiling', sheet([valueIn(rate, bytesPerSecond(1e9))]));
    expect(fast.reading.amount('gpu_nvlink_tx_bytes_total')).toBe(4096);
    expect(fast.reading.amount('gpu_nvlink_tx_bytes_per_second')).toBeUndefined();
  });
});

describe('what the GPU is', () => {
  it('is put together from all sources, the better one first', () => {
    const { device, reading } = start();
    device.fill('carrier', sheet([], { facts: { ...noFacts, name: 'Tesla V100', driver: '470.82.01' } }));
    device.fill('details', sheet([], { facts: { ...noFacts, name: 'other', cuda: '11.4' } }));
    expect(reading.labels('gpu_info')).toMatchObject({
      ...{ gpu: '3', name: 'Tesla V100', driver: '470.82.01', cuda: '11.4', numa_node: '1' },
    });
  });

  it('is told once while it does not change', () => {
    const { device, snapshot } = start();
    device.fill('carrier', sheet([valueIn(power, watts(60))], { facts: { ...noFacts, name: 'Tesla V100' } }));
    const { generation } = snapshot;
    device.fill('carrier', sheet([valueIn(power, watts(61))], { facts: { ...noFacts, name: 'Tesla V100' } }));
    expect(snapshot.generation).toBe(generation);
  });

  it('is told without what a source knew that is not used any more', () => {
    const { device, reading } = start();
    const facts = { ...noFacts, name: 'Tesla V100' };
    device.fill('carrier', sheet([], { facts }));
    device.fill('profiling', sheet([], { facts: { ...noFacts, name: 'V100', driver: '535.1' } }));
    expect(reading.labels('gpu_info')).toMatchObject({ name: 'Tesla V100', driver: '535.1' });
    device.release('profiling');
    device.fill('carrier', sheet([], { facts }));
    expect(reading.labels('gpu_info')).toMatchObject({ name: 'Tesla V100', driver: '' });
  });

  it('lists its MIG instances as long as they are there', () => {
    const { device, reading } = start();
    const memory = columnOf('gpu_memory_used_bytes', { mig_gi: '3', mig_ci: '0' });
    const instance = { mig_gi: '3', mig_ci: '0', profile: '1g.5gb' };
    device.fill('carrier', sheet([valueIn(memory, bytes(12))], { instances: [instance] }));
    expect(reading.labels('gpu_mig_info')).toMatchObject(instance);
    expect(reading.amount('gpu_memory_used_bytes', { mig_gi: '3' })).toBe(12);
    device.fill('carrier', sheet([], { instances: [] }));
    expect([reading.labels('gpu_mig_info'), reading.amount('gpu_memory_used_bytes')]).toEqual([undefined, undefined]);
  });
});

describe('what would be endless', () => {
  it('series of a page that names thousands of instances are cut off, and those before stay', () => {
    const { device, snapshot } = start();
    const ids = Array.from({ length: 3000 }, (_, index) => String(index));
    const all = ids.map((mig_gi) => valueIn(columnOf('gpu_memory_used_bytes', { mig_gi }), bytes(1)));
    device.fill('carrier', sheet([valueIn(power, watts(60)), ...all]));
    expect(snapshot.series.filter(({ id }) => id === 'gpu_memory_used_bytes')).toHaveLength(2047);
    device.fill('carrier', sheet([valueIn(power, watts(60))]));
    expect(snapshot.series.map(({ id }) => id)).toEqual(['gpu_info', 'gpu_up', 'gpu_power_watts']);
  });

  it('processes are cut off', () => {
    const { device, snapshot } = start(true);
    const one = { name: 'a', kind: 'compute', memoryBytes: 1 } as const;
    device.fill('carrier', sheet([], { processes: Array.from({ length: 5000 }, (_, pid) => ({ ...one, pid })) }));
    expect(snapshot.series.filter(({ id }) => id === 'gpu_process_memory_bytes')).toHaveLength(256);
  });
});

it('a process that computes and draws is one', () => {
  const { device, reading } = start(true);
  const one = { pid: 7, name: 'blender' };
  const processes = [
    { ...one, kind: 'compute', memoryBytes: absent('forbidden') },
    { ...one, kind: 'graphics', memoryBytes: 12 },
  ] as const;
  device.fill('carrier', sheet([], { processes }));
  expect(reading.lines().filter((line) => line.startsWith('gpu_process_memory_bytes'))).toEqual([
    'gpu_process_memory_bytes{3,GPU-3,00000000:39:00.0,7,blender} 0 12',
  ]);
});

describe('an instance that two sources tell of', () => {
  const byNvml = { mig_gi: '3', mig_ci: '0', profile: '' };
  const byDcgm = { mig_gi: '3', mig_ci: '', profile: '1g.5gb' };
  const used = (labels: { mig_gi: string; mig_ci?: string }, value: number) =>
    valueIn(columnOf('gpu_memory_used_bytes', labels), bytes(value));
  const active = valueIn(columnOf('gpu_graphics_engine_active_ratio', { mig_gi: '3' }), ratio(0.5));

  it('is one, and the same from tick to tick', () => {
    const { device, reading, snapshot } = start();
    const tick = (): void => {
      device.fill('carrier', sheet([used({ mig_gi: '3', mig_ci: '0' }, 12)], { instances: [byNvml] }));
      device.fill('profiling', sheet([used({ mig_gi: '3' }, 13), active], { instances: [byDcgm] }));
    };
    tick();
    tick();
    const { generation } = snapshot;
    tick();
    expect(snapshot.generation).toBe(generation);
    expect(reading.labels('gpu_mig_info')).toMatchObject({ mig_gi: '3', mig_ci: '0', profile: '1g.5gb' });
    expect(reading.lines().filter((line) => line.startsWith('gpu_memory_used_bytes'))).toHaveLength(1);
    expect(reading.amount('gpu_memory_used_bytes', { mig_ci: '0' })).toBe(12);
    expect(reading.amount('gpu_graphics_engine_active_ratio', { mig_gi: '3', mig_ci: '0' })).toBe(0.5);
  });

  it('is profiled although the GPU as a whole is not', () => {
    const { device } = start();
    device.fill('carrier', sheet([valueIn(power, watts(60))], { instances: [byNvml] }));
    expect(device.profiledBy).toBeUndefined();
    device.fill('profiling', sheet([active], { instances: [byDcgm] }));
    expect(device.profiledBy).toBe('profiling');
    device.quiet('profiling', 'timed_out');
    expect(device.profiledBy).toBeUndefined();
  });

  it('has its compute instances apart where there are several', () => {
    const { device, reading } = start();
    device.fill('carrier', sheet([], { instances: [byNvml, { ...byNvml, mig_ci: '1' }] }));
    device.fill('profiling', sheet([active], { instances: [byDcgm] }));
    expect(reading.lines().filter((line) => line.startsWith('gpu_mig_info'))).toHaveLength(2);
    expect(reading.amount('gpu_graphics_engine_active_ratio', { mig_gi: '3', mig_ci: '' })).toBe(0.5);
  });

  it('is as DCGM tells when nobody else does any more', () => {
    const { device, reading } = start();
    device.fill('details', sheet([], { instances: [byNvml] }));
    device.fill('profiling', sheet([active], { instances: [byDcgm] }));
    device.release('details');
    device.fill('profiling', sheet([active], { instances: [byDcgm] }));
    expect(reading.labels('gpu_mig_info')).toMatchObject(byDcgm);
    expect(reading.lines().filter((line) => line.startsWith('gpu_graphics_engine_active_ratio'))).toEqual([
      'gpu_graphics_engine_active_ratio{3,GPU-3,00000000:39:00.0,3,} 0 5000',
    ]);
  });
});

describe('a GPU that does not answer', () => {
  it('is down, keeps what it was and has no values, whoever still tells some', () => {
    const { device, reading } = start();
    device.fill('carrier', sheet([valueIn(power, watts(60))], { facts: { ...noFacts, name: 'Tesla V100' } }));
    device.lose('not_present');
    device.fill('profiling', sheet([valueIn(fp16, ratio(0.4))]));
    expect([reading.value('gpu_up'), reading.value('gpu_power_watts')]).toEqual([0, 'not_present']);
    expect(reading.amount('gpu_fp16_active_ratio')).toBeUndefined();
    expect(reading.labels('gpu_info')).toMatchObject({ name: 'Tesla V100' });
    expect(reading.labels('unavailable')).toMatchObject({ area: 'gpu', device: '3', reason: 'not_present' });
    device.fill('carrier', sheet([valueIn(power, watts(62))]));
    expect([reading.value('gpu_up'), reading.amount('gpu_power_watts')]).toEqual([1, 62]);
    expect(reading.labels('unavailable')).toBeUndefined();
  });

  it('is not said to be down where nobody answers at all', () => {
    const { device, reading } = start();
    device.fill('carrier', sheet([valueIn(power, watts(60))]));
    device.silence('timed_out');
    expect([reading.value('gpu_up'), reading.value('gpu_power_watts')]).toEqual(['timed_out', 'timed_out']);
  });
});

describe('processes', () => {
  const process = { pid: 4000, name: 'python, train', kind: 'compute', memoryBytes: 1024 } as const;

  it('have series only where they are asked for', () => {
    const { device, reading } = start();
    device.fill('carrier', sheet([], { processes: [process] }));
    expect(reading.amount('gpu_process_memory_bytes')).toBeUndefined();
  });

  it('come and go', () => {
    const { device, reading } = start(true);
    device.fill('carrier', sheet([], { processes: [{ ...process, smUtilization: 0.5 }] }));
    expect(reading.amount('gpu_process_memory_bytes', { pid: '4000', name: 'python, train' })).toBe(1024);
    expect(reading.amount('gpu_process_sm_utilization_ratio')).toBe(0.5);
    device.fill('carrier', sheet([], { processes: [{ ...process, memoryBytes: absent('forbidden') }] }));
    expect(reading.amount('gpu_process_memory_bytes')).toBe('forbidden');
    expect(reading.amount('gpu_process_sm_utilization_ratio')).toBe('unsupported');
    device.fill('carrier', sheet([], { processes: [] }));
    expect(reading.amount('gpu_process_memory_bytes')).toBeUndefined();
  });
});

it('leaves nothing behind', () => {
  const { device, snapshot } = start(true);
  device.fill(
    'carrier',
    sheet([valueIn(power, watts(60))], { instances: [{ mig_gi: '1', mig_ci: '0', profile: '' }] }),
  );
  device.lose('not_present');
  device.remove();
  expect(snapshot.series).toEqual([]);
});

// What the reader makes of calls that fail, GPUs that are lost and drivers that are gone, and what it does not call.
import { afterEach, describe, expect, it } from 'vitest';
import { DriverGone } from '../../../../agent/sources/nvml/reader.ts';
import { pcieByteFields, Wraps } from '../../../../agent/sources/nvml/pcie.ts';
import { nvmlFunctions } from '../../../../agent/simulator/render/nvml-functions.ts';
import { counts, healthyH100, healthyV100, machineOf, whyNoNvmlDouble } from '../../../doubles/nvml/double.ts';
import { PlayedReader } from './played-reader.ts';

const missing = whyNoNvmlDouble();
let played: PlayedReader | undefined;
afterEach(() => {
  played?.remove();
  played = undefined;
});

async function start(...args: Parameters<typeof PlayedReader.start>): Promise<PlayedReader> {
  played = await PlayedReader.start(...args);
  return played;
}

function pass(reader: PlayedReader, ticks: number): void {
  for (let tick = 0; tick < ticks; tick++) reader.tick();
}

describe.skipIf(missing !== undefined)('one call that fails', () => {
  it.each([
    [3, 'unsupported'],
    [26, 'unsupported'],
    [4, 'forbidden'],
    [10, 'timed_out'],
    [999, 'malformed'],
    [9, 'not_present'],
  ])('code %i is %s, of this metric alone', async (code, reason) => {
    const reader = await start([healthyH100(0)]);
    reader.tick();
    reader.double.injectReturn('nvmlDeviceGetTotalEnergyConsumption', code);
    reader.tick();
    expect(reader.value('gpu_energy_joules_total')).toBe(reason);
    expect(reader.value('gpu_temperature_celsius')).toBe(59);
    expect(reader.sheets[0]?.loss).toBeUndefined();
  });

  it('is asked at each tick, unless it is not supported: then every 10 minutes', async () => {
    const reader = await start([healthyH100(0)]);
    reader.double.injectReturn('nvmlDeviceGetBAR1MemoryInfo', 4);
    reader.double.injectReturn('nvmlDeviceGetTotalEnergyConsumption', 3);
    pass(reader, 20);
    expect(reader.double.calls('nvmlDeviceGetBAR1MemoryInfo')).toBe(20);
    expect(reader.double.calls('nvmlDeviceGetTotalEnergyConsumption')).toBe(1);
    reader.double.heal('nvmlDeviceGetTotalEnergyConsumption');
    pass(reader, 570);
    expect(reader.value('gpu_energy_joules_total')).toBe('unsupported');
    pass(reader, 15);
    expect(reader.value('gpu_energy_joules_total')).toBeGreaterThan(20_000_000_000);
  });

  it('does not take the other GPUs along', async () => {
    const reader = await start(machineOf(healthyV100, 3));
    reader.double.injectReturn('nvmlDeviceGetPowerUsage', 999, 1);
    reader.tick();
    const power = [0, 1, 2].map((gpu) => reader.value('gpu_power_watts', {}, gpu));
    expect(power).toEqual([312.5, 'malformed', 312.5]);
  });

  it('of all field values loses those alone', async () => {
    const reader = await start([healthyH100(0)]);
    reader.double.injectReturn('nvmlDeviceGetFieldValues', 999);
    reader.tick();
    expect(reader.value('gpu_memory_temperature_celsius')).toBe('malformed');
    expect(reader.value('gpu_power_watts')).toBe(631.95);
  });

  it('has power from the fields where the getter is not supported', async () => {
    const reader = await start([healthyH100(0, { powerAverageMw: undefined })]);
    reader.double.injectReturn('nvmlDeviceGetPowerUsage', 3);
    reader.tick();
    expect(reader.value('gpu_power_watts')).toBe(625.68);
  });
});

describe.skipIf(missing !== undefined)('a lost GPU', () => {
  it.each(['lose', 'requireReset'] as const)('%s: is not present, keeps its identity, others go on', async (how) => {
    const reader = await start(machineOf(healthyV100, 3));
    reader.tick();
    reader.double[how](1);
    reader.tick();
    expect(reader.sheets.map(({ loss }) => loss)).toEqual([undefined, 'not_present', undefined]);
    expect(reader.sheets[1]?.identity.uuid).toBe('GPU-10000000-0000-4000-8000-000000000001');
    expect(reader.sheets[1]?.facts.name).toBe('Tesla V100-SXM3-32GB');
    expect(reader.sheets[1]?.values).toEqual([]);
    expect(reader.value('gpu_temperature_celsius', {}, 2)).toBe(57);
  });

  it('is asked nothing more, looked for every 30 s, and found', async () => {
    const reader = await start(machineOf(healthyV100, 2));
    reader.tick();
    reader.double.lose(1);
    pass(reader, 2);
    const before = reader.double.calls('nvmlDeviceGetPowerUsage');
    pass(reader, 10);
    expect(reader.double.calls('nvmlDeviceGetPowerUsage') - before).toBe(10);
    pass(reader, 60);
    expect(reader.sheets[1]?.loss).toBe('not_present');
    expect(reader.sheets[1]?.identity.uuid).toBe('GPU-10000000-0000-4000-8000-000000000001');
    reader.double.find(1);
    pass(reader, 31);
    expect(reader.sheets[1]?.loss).toBeUndefined();
    expect(reader.value('gpu_temperature_celsius', {}, 1)).toBe(57);
  });

  it('is looked for at once after an Xid that says so', async () => {
    const reader = await start(machineOf(healthyV100, 2));
    reader.tick();
    reader.double.lose(1);
    reader.tick();
    reader.double.find(1);
    reader.reader.lookSoon();
    reader.tick();
    expect(reader.sheets[1]?.loss).toBeUndefined();
  });

  it('that the driver no longer counts keeps its identity, and the one behind it gets its index', async () => {
    const all = machineOf(healthyV100, 3);
    const reader = await start(all);
    reader.tick();
    const left = all.filter((_, index) => index !== 1);
    reader.double.state.update(left);
    reader.reader.lookSoon();
    reader.reader.tick();
    const uuids = reader.reader.roster.slots.map(({ identity }) => `${identity.gpu} ${identity.uuid.slice(-2)}`);
    expect(uuids).toEqual(['0 00', '1 02', '1 01']);
    expect(reader.reader.roster.slots.map(({ gpu }) => gpu !== undefined)).toEqual([true, true, false]);
  });

  it('that was lost before we came has a place without a name', async () => {
    const gpus = machineOf(healthyV100, 2).map((gpu, index) => (index === 1 ? { ...gpu, loss: 15 } : gpu));
    const reader = await start(gpus);
    reader.tick();
    expect(reader.sheets[1]?.identity).toEqual({ gpu: '1', uuid: '', pci_bus_id: '' });
    expect(reader.sheets[1]?.loss).toBe('not_present');
    expect(reader.sheets[0]?.loss).toBeUndefined();
  });
});

describe.skipIf(missing !== undefined)('a driver that is gone', () => {
  it.each([
    [9, 'not_present'],
    [18, 'malformed'],
    [4, 'forbidden'],
  ])('at the start: code %i is %s', async (initReturn, reason) => {
    await expect(start([healthyV100(0)], { driver: { initReturn } })).rejects.toMatchObject({
      name: 'DriverGone',
      reason,
    });
  });

  it('later ends the reader: nothing answers any more', async () => {
    const reader = await start(machineOf(healthyV100, 2));
    reader.tick();
    for (const name of nvmlFunctions) reader.double.injectReturn(name, 1);
    expect(() => reader.tick()).toThrow(DriverGone);
  });

  it('without a GPU is nothing to read', async () => {
    await expect(start([])).rejects.toMatchObject({ name: 'DriverGone', reason: 'not_present' });
  });
});

describe.skipIf(missing !== undefined)('the rhythms', () => {
  it('read PCIe throughput, which blocks, for one GPU a tick', async () => {
    const reader = await start(machineOf(healthyV100, 8));
    const before = reader.double.calls('nvmlDeviceGetPcieThroughput');
    pass(reader, 16);
    // Two directions each.
    expect(reader.double.calls('nvmlDeviceGetPcieThroughput') - before).toBe(32);
    expect(reader.value('gpu_pcie_rx_bytes_per_second', {}, 7)).toBe(1_900_000_000);
  });

  it('never read PCIe throughput where the driver counts', async () => {
    const reader = await start(machineOf(healthyH100, 2));
    pass(reader, 10);
    expect(reader.double.calls('nvmlDeviceGetPcieThroughput')).toBe(0);
  });

  it('read field values once per GPU and tick', async () => {
    const reader = await start(machineOf(healthyH100, 4));
    pass(reader, 5);
    const before = reader.double.calls('nvmlDeviceGetFieldValues');
    pass(reader, 20);
    // Ticks 5 to 24 hold no GPU's slow turn: those are ticks 0 to 3, and 30 to 33.
    expect(reader.double.calls('nvmlDeviceGetFieldValues') - before).toBe(80);
  });

  it('read slow quantities once in 30 ticks, no two GPUs in one', async () => {
    const reader = await start(machineOf(healthyV100, 16));
    pass(reader, 30);
    const perTick: number[] = [];
    for (let tick = 0; tick < 30; tick++) {
      const before = reader.double.calls('nvmlDeviceGetEnforcedPowerLimit');
      reader.tick();
      perTick.push(reader.double.calls('nvmlDeviceGetEnforcedPowerLimit') - before);
    }
    expect(perTick).toEqual(Array.from({ length: 30 }, (_, tick) => (tick < 16 ? 1 : 0)));
  });

  it('average all samples since the last tick', async () => {
    const levels = healthyV100(0).levels;
    const reader = await start([healthyV100(0, { levels: { ...levels, gpuPercent: 0 } })]);
    pass(reader, 3);
    reader.tick(500);
    reader.double.state.change(0, { levels: { ...levels, gpuPercent: 100 } });
    // Half the time before this tick is busy; at its moment alone it would be 1.
    reader.tick(500);
    expect(reader.value('gpu_utilization_ratio')).toBeGreaterThan(0.6);
    reader.double.state.change(0, { levels: { ...levels, gpuPercent: 0 } });
    reader.tick(1000);
    expect(reader.value('gpu_utilization_ratio')).toBeLessThan(0.2);
  });

  it('fall back to the short window where there are no samples', async () => {
    const reader = await start([healthyV100(0)]);
    reader.double.injectReturn('nvmlDeviceGetSamples', 3);
    reader.tick();
    expect(reader.value('gpu_utilization_ratio')).toBe(0.97);
    expect(reader.double.calls('nvmlDeviceGetUtilizationRates')).toBe(1);
  });
});

describe.skipIf(missing !== undefined)('values that cannot be', () => {
  it('a PCIe rate above the link is malformed', async () => {
    // Generation 3, 16 lanes: 15.76 GB/s.
    const reader = await start([healthyV100(0, { pcieTxBytes: counts(0, 30e9) })]);
    reader.tick();
    expect(reader.value('gpu_pcie_tx_bytes_per_second')).toBe('malformed');
    expect(reader.value('gpu_pcie_rx_bytes_per_second')).toBe(1_900_000_000);
  });

  it('a count of 32 bits goes on over its end', () => {
    const wraps = new Wraps();
    expect(wraps.extend(197, 4_294_967_000)).toBe(4_294_967_000);
    expect(wraps.extend(198, 5)).toBe(5);
    expect(wraps.extend(197, 704)).toBe(4_294_968_000);
    expect(wraps.extend(197, 705)).toBe(4_294_968_001);
  });

  it('a count of 32 bits that the link goes through in one tick is none', () => {
    const [tx] = pcieByteFields(undefined);
    expect(tx?.cell(5, true)).toBe('unsupported');
    expect(tx?.cell(5, false)).toBe(5);
  });
});

describe.skipIf(missing !== undefined)('processes', () => {
  const processes = [
    { pid: 11, kind: 0, memory: 100, smPercent: 40 },
    { pid: 12, kind: 0, memory: 200 },
    { pid: 13, kind: 1, memory: 300 },
  ];

  it('are counted by kind, and told only on request', async () => {
    const reader = await start([healthyV100(0, { processes })]);
    reader.tick();
    expect(reader.value('gpu_processes', { kind: 'compute' })).toBe(2);
    expect(reader.value('gpu_processes', { kind: 'graphics' })).toBe(1);
    expect(reader.value('gpu_processes', { kind: 'mps' })).toBe(0);
    expect(reader.sheets[0]?.processes).toBeUndefined();
  });

  it('are told with memory and share of the SMs', async () => {
    const reader = await start([healthyV100(0, { processes })], {}, true);
    reader.tick();
    expect(reader.sheets[0]?.processes?.map(({ name: _, ...rest }) => rest)).toEqual([
      { pid: 11, kind: 'compute', memoryBytes: 100, smUtilization: 0.4 },
      { pid: 12, kind: 'compute', memoryBytes: 200 },
      { pid: 13, kind: 'graphics', memoryBytes: 300 },
    ]);
  });

  it('whose memory the driver keeps to itself have none', async () => {
    const reader = await start([healthyV100(0, { processes: [{ pid: 11, kind: 0 }] })], {}, true);
    reader.tick();
    expect(reader.sheets[0]?.processes?.[0]?.memoryBytes).toEqual({ kind: 'absent', reason: 'forbidden' });
  });
});

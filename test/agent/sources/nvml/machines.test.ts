// Every reading of three healthy machines, through the stand-in library, against what was written into its state.
import { afterEach, describe, expect, it } from 'vitest';
import {
  counts,
  healthyH100,
  healthyV100,
  machineOf,
  migA100,
  v100EraDriver,
  v100EraSymbolsLeftOut,
  whyNoNvmlDouble,
} from '../../../doubles/nvml/double.ts';
import { leftOut } from '../../../left-out.ts';
import { PlayedReader } from './played-reader.ts';

const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut('NVML readings', missing);

let played: PlayedReader | undefined;
afterEach(() => {
  played?.remove();
  played = undefined;
});

const MIB = 1024 ** 2;

describe.skipIf(missing !== undefined)('a V100 under the first driver it was sold with', () => {
  async function start(overrides: Parameters<typeof healthyV100>[1] = {}): Promise<PlayedReader> {
    const options = { driver: v100EraDriver, leaveOut: v100EraSymbolsLeftOut };
    played = await PlayedReader.start([healthyV100(0, overrides)], options);
    played.tick();
    return played;
  }

  it('is known by name, place and driver', async () => {
    const [sheet] = (await start()).sheets;
    expect(sheet?.identity).toEqual({
      gpu: '0',
      uuid: 'GPU-10000000-0000-4000-8000-000000000000',
      pci_bus_id: '00000000:34:00.0',
    });
    expect(sheet?.facts).toEqual({
      name: 'Tesla V100-SXM3-32GB',
      driver: '418.87.01',
      vbios: '88.00.6F.00.01',
      serial: '0321000000000',
      cuda: '10.1',
      arch: 'Volta',
    });
    expect(sheet?.loss).toBeUndefined();
    expect(sheet?.instances).toBeUndefined();
  });

  it('has its levels in base units', async () => {
    const { value } = bound(await start());
    expect(value('gpu_utilization_ratio')).toBe(0.97);
    expect(value('gpu_memory_activity_ratio')).toBe(0.52);
    expect(value('gpu_encoder_utilization_ratio')).toBe(0);
    expect(value('gpu_power_watts')).toBe(312.5);
    expect(value('gpu_temperature_celsius')).toBe(57);
    expect(value('gpu_memory_temperature_celsius')).toBe(61);
    expect(value('gpu_clock_hertz', { domain: 'sm' })).toBe(1_597_000_000);
    expect(value('gpu_clock_hertz', { domain: 'memory' })).toBe(958_000_000);
    expect(value('gpu_memory_total_bytes')).toBe(32_480 * MIB);
    expect(value('gpu_memory_used_bytes')).toBe(30_720 * MIB);
    expect(value('gpu_memory_free_bytes')).toBe(1760 * MIB);
    expect(value('gpu_bar1_memory_used_bytes')).toBe(9 * MIB);
    expect(value('gpu_processes', { kind: 'compute' })).toBe(1);
    expect(value('gpu_power_limit_watts')).toBe(350);
    expect(value('gpu_power_limit_min_watts')).toBe(100);
    expect(value('gpu_temperature_threshold_celsius', { kind: 'slowdown' })).toBe(87);
    expect(value('gpu_temperature_threshold_celsius', { kind: 'shutdown' })).toBe(90);
    expect(value('gpu_pcie_link_generation')).toBe(3);
    expect(value('gpu_pcie_link_width_max')).toBe(16);
    expect(value('gpu_persistence_mode')).toBe(1);
    expect(value('gpu_pstate')).toBe(0);
  });

  it('says unsupported of what its driver lacks, and never 0', async () => {
    const { value } = bound(await start());
    for (const id of [
      'gpu_jpeg_utilization_ratio',
      'gpu_ofa_utilization_ratio',
      'gpu_memory_reserved_bytes',
      'gpu_temperature_margin_celsius',
      'gpu_remapped_rows_pending',
      'gpu_remapped_rows_failed',
      'gpu_fabric_state',
      'gpu_fabric_health',
      'gpu_mig_mode',
      'gpu_recovery_action',
      'gpu_fan_speed_ratio',
      'gpu_pcie_tx_bytes_total',
    ] as const)
      expect([id, value(id)]).toEqual([id, 'unsupported']);
    expect(value('gpu_nvlink_tx_bytes_total', { link: '0' })).toBe('unsupported');
    expect(value('gpu_processes', { kind: 'mps' })).toBe('unsupported');
    expect(value('gpu_sm_active_ratio')).toBeUndefined();
  });

  it('has counters in steps: millijoules, nanoseconds by policy', async () => {
    const policies = [3_000_000_000, 5, 7, 11, 13, 17].map((from) => counts(from, 0));
    const { value } = bound(await start({ policies: [...policies, counts(0, 0), counts(0, 0)] }));
    expect(value('gpu_energy_joules_total')).toBe(8_000_000_000 + 312_500);
    expect(value('gpu_throttle_seconds_total', { reason: 'sw_power_cap' })).toBe(3_000_000_000);
    expect(value('gpu_throttle_seconds_total', { reason: 'thermal' })).toBe(5);
    expect(value('gpu_throttle_seconds_total', { reason: 'sync_boost' })).toBe(7);
    expect(value('gpu_throttle_seconds_total', { reason: 'board_limit' })).toBe(11);
    expect(value('gpu_throttle_seconds_total', { reason: 'low_utilization' })).toBe(13);
    expect(value('gpu_throttle_seconds_total', { reason: 'reliability' })).toBe(17);
    expect(value('gpu_throttle_seconds_total', { reason: 'hw_thermal_slowdown' })).toBeUndefined();
  });

  it('has the mask as one value a reason, by the name older drivers have for it', async () => {
    const { value } = bound(await start({ throttleMask: 4 + 64 }));
    expect(value('gpu_throttle_active', { reason: 'sw_power_cap' })).toBe(1);
    expect(value('gpu_throttle_active', { reason: 'hw_thermal_slowdown' })).toBe(1);
    expect(value('gpu_throttle_active', { reason: 'hw_slowdown' })).toBe(0);
    expect(value('gpu_throttle_active', { reason: 'gpu_idle' })).toBe(0);
  });

  it('has six NVLinks with state, speed and errors', async () => {
    const links = healthyV100(0).links?.map((link, at) =>
      at === 2 ? { ...link, active: 0, errors: [1, 2, 3, 4, 5] } : link,
    );
    const { value } = bound(await start({ links: links ?? [] }));
    expect(value('gpu_nvlink_up', { link: '0' })).toBe(1);
    expect(value('gpu_nvlink_up', { link: '2' })).toBe(0);
    expect(value('gpu_nvlink_up', { link: '6' })).toBeUndefined();
    expect(value('gpu_nvlink_speed_bytes_per_second', { link: '5' })).toBe(25_781_000_000);
    const kinds = ['replay', 'recovery', 'crc_flit', 'crc_data', 'ecc'];
    expect(kinds.map((kind) => value('gpu_nvlink_errors_total', { link: '2', kind }))).toEqual([1, 2, 3, 4, 5]);
  });

  it('has ECC errors by place, and retired pages', async () => {
    const nine = (l1: number, dram: number): readonly (number | undefined)[] => [
      l1,
      0,
      dram,
      0,
      0,
      undefined,
      0,
      undefined,
      0,
    ];
    const { value } = bound(
      await start({
        eccVolatileCorrected: nine(1, 2),
        eccAggregateUncorrected: nine(3, 4),
        retiredSingleBit: 5,
        retiredDoubleBit: 6,
        retiredPending: 1,
      }),
    );
    const ecc = (kind: string, memory: string, scope: string) => value('gpu_ecc_errors_total', { kind, memory, scope });
    expect(ecc('corrected', 'l1_cache', 'volatile')).toBe(1);
    expect(ecc('corrected', 'device_memory', 'volatile')).toBe(2);
    expect(ecc('uncorrected', 'l1_cache', 'aggregate')).toBe(3);
    expect(ecc('uncorrected', 'device_memory', 'aggregate')).toBe(4);
    expect(ecc('uncorrected', 'cbu', 'volatile')).toBe(0);
    expect(ecc('corrected', 'all', 'volatile')).toBeUndefined();
    expect(ecc('corrected', 'sram', 'volatile')).toBeUndefined();
    expect(value('gpu_retired_pages', { cause: 'single_bit' })).toBe(5);
    expect(value('gpu_retired_pages', { cause: 'double_bit' })).toBe(6);
    expect(value('gpu_retired_pages_pending')).toBe(1);
  });
});

describe.skipIf(missing !== undefined)('an H100', () => {
  async function start(overrides: Parameters<typeof healthyH100>[1] = {}): Promise<PlayedReader> {
    played = await PlayedReader.start([healthyH100(0, overrides)]);
    played.tick();
    return played;
  }

  it('has what newer drivers add', async () => {
    const reader = await start({ margin: -3, recoveryAction: 2 });
    const { value } = bound(reader);
    expect(value('gpu_memory_used_bytes')).toBe(70_000 * MIB);
    expect(value('gpu_memory_reserved_bytes')).toBe(551 * MIB);
    expect(value('gpu_jpeg_utilization_ratio')).toBe(0);
    expect(value('gpu_temperature_margin_celsius')).toBe(-3);
    expect(value('gpu_recovery_action')).toBe(2);
    expect(value('gpu_fabric_state')).toBe(3);
    expect(value('gpu_fabric_health')).toBe(0);
    expect(value('gpu_mig_mode')).toBe(0);
    expect(value('gpu_row_remapper_banks', { availability: 'max' })).toBe(2560);
    expect(value('gpu_remapped_rows', { kind: 'corrected' })).toBe(0);
    expect(value('gpu_pcie_errors_total', { kind: 'bad_tlp' })).toBe(0);
    expect(reader.sheets[0]?.facts.arch).toBe('Hopper');
  });

  it('has the driver counters of PCIe and of each NVLink in bytes', async () => {
    const { value } = bound(await start());
    expect(value('gpu_pcie_tx_bytes_total')).toBe(1_000_220_000_000);
    expect(value('gpu_pcie_rx_bytes_total')).toBe(5_001_900_000_000);
    expect(value('gpu_pcie_tx_bytes_per_second')).toBeUndefined();
    expect(value('gpu_nvlink_tx_bytes_total', { link: '17' })).toBe((5_000_017 + 3_000_000) * 1024);
    expect(value('gpu_nvlink_rx_bytes_total', { link: '0' })).toBe((4_000_000 + 2_900_000) * 1024);
  });

  it('has throttled time by reason', async () => {
    const slowdowns = [counts(21, 0), counts(22, 0), counts(23, 0)];
    const { value } = bound(await start({ slowdowns }));
    const reasons = ['sw_thermal_slowdown', 'hw_thermal_slowdown', 'hw_power_brake_slowdown'];
    expect(reasons.map((reason) => value('gpu_throttle_seconds_total', { reason }))).toEqual([21, 22, 23]);
    expect(value('gpu_throttle_seconds_total', { reason: 'thermal' })).toBeUndefined();
  });

  it('has GPM between two samples that are at least 100 ms apart', async () => {
    const reader = await start();
    expect(reader.value('gpu_sm_active_ratio')).toBe(0.91);
    expect(reader.value('gpu_graphics_engine_active_ratio')).toBe(0.97);
    expect(reader.value('gpu_sm_occupancy_ratio')).toBe(0.62);
    expect(reader.value('gpu_tensor_active_ratio')).toBe(0.55);
    expect(reader.value('gpu_dram_active_ratio')).toBe(0.44);
    expect(reader.value('gpu_fp64_active_ratio')).toBe(0);
    expect(reader.value('gpu_fp32_active_ratio')).toBe(0.08);
    expect(reader.value('gpu_fp16_active_ratio')).toBe(0.21);
    expect(reader.value('gpu_int_active_ratio')).toBe(0.12);
    const samples = reader.double.calls('nvmlGpmSampleGet');
    reader.tick(50);
    expect(reader.double.calls('nvmlGpmSampleGet')).toBe(samples);
    reader.tick(50);
    expect(reader.double.calls('nvmlGpmSampleGet')).toBe(samples + 1);
  });

  it('adds SRAM errors of parity and of SEC-DED', async () => {
    const sram = (count: number): readonly (number | undefined)[] =>
      Array.from({ length: 9 }, (_, place) => (place === 7 ? count : [2, 8].includes(place) ? 0 : undefined));
    const { value } = bound(await start({ eccVolatileUncorrected: sram(7), sramParity: [3, 0] }));
    const ecc = (memory: string) => value('gpu_ecc_errors_total', { kind: 'uncorrected', memory, scope: 'volatile' });
    expect(ecc('sram')).toBe(7);
    expect(ecc('dram')).toBe(0);
    expect(ecc('device_memory')).toBeUndefined();
  });

  it('has NVLink 5 bytes where the older counters are not supported', async () => {
    const { value } = bound(await start({ linkFields: 2 }));
    expect(value('gpu_nvlink_tx_bytes_total', { link: '0' })).toBe((5_000_000 + 3_000_000) * 1024);
  });
});

describe.skipIf(missing !== undefined)('an A100 in MIG mode', () => {
  it('has its instances, each with its memory, and no utilisation of the whole', async () => {
    played = await PlayedReader.start([migA100(0)]);
    played.tick();
    expect(played.sheets[0]?.instances).toEqual([
      { mig_gi: '2', mig_ci: '0', profile: '3g.40gb' },
      { mig_gi: '3', mig_ci: '0', profile: '2g.20gb' },
      { mig_gi: '9', mig_ci: '0', profile: '1g.10gb' },
      { mig_gi: '10', mig_ci: '0', profile: '1g.10gb' },
    ]);
    const { value } = bound(played);
    expect(value('gpu_utilization_ratio')).toBe('unsupported');
    expect(value('gpu_power_watts')).toBe(298);
    expect(value('gpu_mig_mode')).toBe(1);
    expect(value('gpu_memory_total_bytes')).toBe(81_920 * MIB);
    // 31/32 of 40 GiB.
    expect(value('gpu_memory_total_bytes', { mig_gi: '2', mig_ci: '0' })).toBe(38.75 * 1024 * MIB);
    expect(value('gpu_memory_used_bytes', { mig_gi: '10', mig_ci: '0' })).toBe(2000 * MIB);
    expect(value('gpu_memory_free_bytes', { mig_gi: '10', mig_ci: '0' })).toBe(7920 * MIB);
  });

  it('on Hopper has GPM of each instance, at most 1', async () => {
    const percents = [0, 50, 129.4, 40, 10, 20, 0, 0, 0, 0, 30, 0, 0, 0].map((percent) => counts(0, percent));
    const [instance] = migA100(0).instances ?? [];
    played = await PlayedReader.start([healthyH100(0, { migMode: 1, instances: [{ ...instance, gpm: percents }] })]);
    played.tick();
    const labels = { mig_gi: '2', mig_ci: '0' };
    expect(played.value('gpu_graphics_engine_active_ratio', labels)).toBe(0.5);
    expect(played.value('gpu_sm_active_ratio', labels)).toBe(1);
    expect(played.value('gpu_dram_active_ratio', labels)).toBe(0.3);
  });

  it('notices within 30 s that an instance was made', async () => {
    const instances = migA100(0).instances ?? [];
    played = await PlayedReader.start([migA100(0, { instances: instances.slice(0, 2) })]);
    played.tick();
    expect(played.sheets[0]?.instances).toHaveLength(2);
    played.double.state.change(0, { instances });
    for (let second = 0; second < 32; second++) played.tick();
    expect(played.sheets[0]?.instances).toHaveLength(4);
    expect(played.value('gpu_memory_used_bytes', { mig_gi: '10', mig_ci: '0' })).toBe(2000 * MIB);
  });
});

describe.skipIf(missing !== undefined)('an HGX-2', () => {
  it('has its 16 GPUs, each by itself', async () => {
    const gpus = machineOf((index) => healthyV100(index, { temperature: 40 + index }), 16);
    played = await PlayedReader.start(gpus);
    const sheets = played.tick();
    expect(sheets.map(({ identity }) => identity.gpu)).toEqual(Array.from({ length: 16 }, (_, index) => String(index)));
    expect(new Set(sheets.map(({ identity }) => identity.uuid)).size).toBe(16);
    const temperatures = sheets.map((_, index) => played?.value('gpu_temperature_celsius', {}, index));
    expect(temperatures).toEqual(Array.from({ length: 16 }, (_, index) => 40 + index));
  });
});

function bound(reader: PlayedReader): Pick<PlayedReader, 'value'> {
  return { value: reader.value.bind(reader) };
}

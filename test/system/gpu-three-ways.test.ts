// One situation of eight V100, read by NVML, by nvidia-smi and from a dcgm-exporter: what two of them know is the same in both,
// and what one of them does not know stands in a table. A difference that is new fails here.
import { beforeAll, describe, expect, test } from 'vitest';
import { prepareNvml, whyNoNvmlDouble } from '../doubles/nvml/double.ts';
import { leftOut } from '../left-out.ts';
import { renderWholeDcgmPage } from './gpu-dcgm-page.ts';
import { gpuSituation, LOST_GPU } from './gpu-situation.ts';
import { readByDcgmExporter, readByNvidiaSmi, readByNvml, type Way } from './gpu-ways.ts';

const waysOf = ['nvml', 'nvidia-smi', 'dcgm'] as const;
type WayName = (typeof waysOf)[number];

/** Who knows what of a V100 with a driver of 470. A star stands for any number of a link, memory or domain. */
const knownBy: Readonly<Record<string, string>> = {
  gpu_up: 'nvml nvidia-smi dcgm',
  gpu_utilization_ratio: 'nvml nvidia-smi dcgm',
  gpu_memory_activity_ratio: 'nvml nvidia-smi dcgm',
  // nvidia-smi can be asked for them every second from 520 on; a sample a minute old is none.
  gpu_encoder_utilization_ratio: 'nvml dcgm',
  gpu_decoder_utilization_ratio: 'nvml dcgm',
  gpu_memory_total_bytes: 'nvml nvidia-smi dcgm',
  gpu_memory_used_bytes: 'nvml nvidia-smi dcgm',
  gpu_memory_free_bytes: 'nvml nvidia-smi dcgm',
  // nvidia-smi tells it from 510 on.
  gpu_memory_reserved_bytes: 'nvml dcgm',
  gpu_bar1_memory_used_bytes: 'nvml nvidia-smi dcgm',
  gpu_power_watts: 'nvml nvidia-smi dcgm',
  gpu_power_limit_watts: 'nvml nvidia-smi dcgm',
  gpu_power_limit_default_watts: 'nvml nvidia-smi dcgm',
  gpu_power_limit_min_watts: 'nvml nvidia-smi dcgm',
  gpu_power_limit_max_watts: 'nvml nvidia-smi dcgm',
  gpu_power_limit_enforced_watts: 'nvml nvidia-smi dcgm',
  // nvidia-smi does not tell it.
  gpu_energy_joules_total: 'nvml dcgm',
  gpu_temperature_celsius: 'nvml nvidia-smi dcgm',
  gpu_memory_temperature_celsius: 'nvml nvidia-smi dcgm',
  'gpu_temperature_threshold_celsius{kind=slowdown}': 'nvml nvidia-smi dcgm',
  'gpu_temperature_threshold_celsius{kind=shutdown}': 'nvml nvidia-smi dcgm',
  'gpu_temperature_threshold_celsius{kind=max_operating}': 'nvml nvidia-smi dcgm',
  'gpu_temperature_threshold_celsius{kind=memory_max}': 'nvml nvidia-smi dcgm',
  'gpu_clock_hertz{domain=sm}': 'nvml nvidia-smi dcgm',
  'gpu_clock_hertz{domain=memory}': 'nvml nvidia-smi dcgm',
  'gpu_clock_hertz{domain=video}': 'nvml nvidia-smi dcgm',
  // DCGM has no field of it.
  'gpu_clock_hertz{domain=graphics}': 'nvml nvidia-smi',
  'gpu_clock_max_hertz{domain=sm}': 'nvml nvidia-smi dcgm',
  'gpu_clock_max_hertz{domain=memory}': 'nvml nvidia-smi dcgm',
  'gpu_clock_max_hertz{domain=video}': 'nvml nvidia-smi dcgm',
  'gpu_clock_max_hertz{domain=graphics}': 'nvml nvidia-smi',
  gpu_pstate: 'nvml nvidia-smi dcgm',
  gpu_persistence_mode: 'nvml nvidia-smi dcgm',
  gpu_compute_mode: 'nvml nvidia-smi dcgm',
  'gpu_throttle_active{reason=gpu_idle}': 'nvml nvidia-smi dcgm',
  'gpu_throttle_active{reason=applications_clocks_setting}': 'nvml nvidia-smi dcgm',
  'gpu_throttle_active{reason=sw_power_cap}': 'nvml nvidia-smi dcgm',
  'gpu_throttle_active{reason=hw_slowdown}': 'nvml nvidia-smi dcgm',
  'gpu_throttle_active{reason=sync_boost}': 'nvml nvidia-smi dcgm',
  'gpu_throttle_active{reason=sw_thermal_slowdown}': 'nvml nvidia-smi dcgm',
  'gpu_throttle_active{reason=hw_thermal_slowdown}': 'nvml nvidia-smi dcgm',
  'gpu_throttle_active{reason=hw_power_brake_slowdown}': 'nvml nvidia-smi dcgm',
  'gpu_throttle_active{reason=display_clocks_setting}': 'nvml nvidia-smi dcgm',
  // nvidia-smi tells times from 580 on, of other reasons than the violations.
  'gpu_throttle_seconds_total{reason=sw_power_cap}': 'nvml dcgm',
  'gpu_throttle_seconds_total{reason=thermal}': 'nvml dcgm',
  'gpu_throttle_seconds_total{reason=sync_boost}': 'nvml dcgm',
  'gpu_throttle_seconds_total{reason=board_limit}': 'nvml dcgm',
  'gpu_throttle_seconds_total{reason=low_utilization}': 'nvml dcgm',
  'gpu_throttle_seconds_total{reason=reliability}': 'nvml dcgm',
  'gpu_ecc_errors_total{kind=corrected,*}': 'nvml nvidia-smi dcgm',
  'gpu_ecc_errors_total{kind=uncorrected,*}': 'nvml nvidia-smi dcgm',
  'gpu_retired_pages{cause=single_bit}': 'nvml nvidia-smi dcgm',
  'gpu_retired_pages{cause=double_bit}': 'nvml nvidia-smi dcgm',
  gpu_retired_pages_pending: 'nvml nvidia-smi dcgm',
  gpu_pcie_link_generation: 'nvml nvidia-smi dcgm',
  gpu_pcie_link_generation_max: 'nvml nvidia-smi dcgm',
  gpu_pcie_link_width: 'nvml nvidia-smi dcgm',
  gpu_pcie_link_width_max: 'nvml nvidia-smi dcgm',
  gpu_pcie_replay_total: 'nvml nvidia-smi dcgm',
  gpu_pcie_tx_bytes_per_second: 'nvml nvidia-smi dcgm',
  gpu_pcie_rx_bytes_per_second: 'nvml nvidia-smi dcgm',
  // DCGM has no state or speed of links for this exporter, and rates of all links together.
  'gpu_nvlink_up{link=*}': 'nvml nvidia-smi',
  'gpu_nvlink_speed_bytes_per_second{link=*}': 'nvml nvidia-smi',
  'gpu_nvlink_tx_bytes_total{link=*}': 'nvml nvidia-smi',
  'gpu_nvlink_rx_bytes_total{link=*}': 'nvml nvidia-smi',
  'gpu_nvlink_tx_bytes_per_second{link=all}': 'dcgm',
  'gpu_nvlink_rx_bytes_per_second{link=all}': 'dcgm',
  'gpu_nvlink_errors_total{link=*,kind=crc_flit}': 'nvml nvidia-smi dcgm',
  'gpu_nvlink_errors_total{link=*,kind=replay}': 'nvml nvidia-smi dcgm',
  'gpu_nvlink_errors_total{link=*,kind=recovery}': 'nvml nvidia-smi dcgm',
  // nvidia-smi counts one kind of CRC error.
  'gpu_nvlink_errors_total{link=*,kind=crc_data}': 'nvml dcgm',
  'gpu_processes{kind=compute}': 'nvml nvidia-smi',
  'gpu_processes{kind=graphics}': 'nvml',
  'gpu_processes{kind=mps}': 'nvml',
  // V100 have no GPM: DCGM's module alone counts.
  gpu_graphics_engine_active_ratio: 'dcgm',
  gpu_sm_active_ratio: 'dcgm',
  gpu_sm_occupancy_ratio: 'dcgm',
  gpu_tensor_active_ratio: 'dcgm',
  gpu_dram_active_ratio: 'dcgm',
  gpu_fp64_active_ratio: 'dcgm',
  gpu_fp32_active_ratio: 'dcgm',
  gpu_fp16_active_ratio: 'dcgm',
};

/** How far two ways may be apart; what is not named here is the same to the last digit. */
const tolerances: Readonly<Record<string, number>> = {
  // nvidia-smi prints W with two decimals, NVML tells mW.
  gpu_power_watts: 0.005_001,
  // NVML tells whole KB/s, nvidia-smi rounds to them, DCGM tells bytes.
  gpu_pcie_tx_bytes_per_second: 1000,
  gpu_pcie_rx_bytes_per_second: 1000,
};

/** Judged from what was read, not read. */
const judged = new Set(['gpu_dcp_suspect']);

/** The row of the table that a series belongs to. */
function rowOf(series: string): string {
  return series.replace(/link=\d+/, 'link=*').replace(/(?<=gpu_ecc_errors_total\{kind=\w+,).*(?=\})/, '*');
}

const suite = 'GPUs read in three ways';
const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut(suite, missing);

describe.skipIf(missing !== undefined)(suite, () => {
  const state = gpuSituation();
  const answering = state.gpus.flatMap(({ lost }, index) => (lost ? [] : [String(index)]));
  let ways: Readonly<Record<WayName, Way>>;

  beforeAll(async () => {
    prepareNvml();
    const [nvml, nvidiaSmi, dcgm] = await Promise.all([
      readByNvml(state),
      readByNvidiaSmi(state),
      readByDcgmExporter(renderWholeDcgmPage(state)),
    ]);
    ways = { nvml, 'nvidia-smi': nvidiaSmi, dcgm };
  });

  /** Values that are there. */
  const valuesOf = (way: WayName, gpu: string): ReadonlyMap<string, number> =>
    new Map(
      [...(ways[way].gpus.get(gpu) ?? [])].flatMap(([series, value]) =>
        typeof value === 'number' && !judged.has(series) ? [[series, value] as const] : [],
      ),
    );

  test('each knows what the table says, and nothing else', () => {
    const found = new Map<string, Set<WayName>>();
    for (const way of waysOf) {
      for (const gpu of answering) {
        for (const series of valuesOf(way, gpu).keys()) {
          const row = rowOf(series);
          found.set(row, (found.get(row) ?? new Set()).add(way));
        }
      }
    }
    expect(Object.fromEntries([...found].map(([row, by]) => [row, [...by].join(' ')]))).toEqual(knownBy);
  });

  test.each(answering)('GPU %s: who knows a row knows the same series of it, with the same values', (gpu) => {
    const differences: string[] = [];
    for (const series of new Set(waysOf.flatMap((way) => [...valuesOf(way, gpu).keys()]))) {
      const who = (knownBy[rowOf(series)] ?? '').split(' ');
      const values = waysOf.filter((way) => who.includes(way)).map((way) => valuesOf(way, gpu).get(series));
      const known = values.filter((value) => value !== undefined);
      const apart = Math.max(...known) - Math.min(...known);
      if (known.length < values.length || apart > (tolerances[rowOf(series)] ?? 0))
        differences.push(`${series}: ${values.join(' ')}`);
    }
    expect(differences).toEqual([]);
  });

  test('what a V100 has not is unsupported in every way; only a link that is down has its own reason with nvidia-smi', () => {
    const others = waysOf.flatMap((way) =>
      answering.flatMap((gpu) =>
        [...(ways[way].gpus.get(gpu) ?? [])].flatMap(([series, value]) =>
          typeof value === 'string' && value !== 'unsupported' ? [`${way} ${rowOf(series)} ${value}`] : [],
        ),
      ),
    );
    expect(new Set(others)).toEqual(new Set(['nvidia-smi gpu_nvlink_speed_bytes_per_second{link=*} not_present']));
  });

  test('the situation is not one of zeros: busy, idle, throttled, worn, in trouble', () => {
    const nvml = (gpu: number, series: string) => valuesOf('nvml', String(gpu)).get(series);
    expect(nvml(0, 'gpu_utilization_ratio')).toBe(0.97);
    expect(nvml(0, 'gpu_power_watts')).toBe(287.346);
    expect(nvml(0, 'gpu_nvlink_up{link=0}')).toBe(1);
    expect(nvml(1, 'gpu_throttle_active{reason=gpu_idle}')).toBe(1);
    expect(nvml(2, 'gpu_throttle_active{reason=sw_power_cap}')).toBe(1);
    expect(nvml(2, 'gpu_pcie_replay_total')).toBe(7);
    expect(nvml(2, 'gpu_nvlink_errors_total{link=4,kind=crc_flit}')).toBe(9);
    expect(nvml(3, 'gpu_throttle_active{reason=sw_thermal_slowdown}')).toBe(1);
    expect(nvml(4, 'gpu_retired_pages{cause=single_bit}')).toBe(2);
    expect(nvml(4, 'gpu_retired_pages_pending')).toBe(1);
    // From second -1000 on one error each 10 s, and one at its start: 102 up to second 10; of every 40 in the cache one more.
    expect(nvml(4, 'gpu_ecc_errors_total{kind=corrected,memory=device_memory,scope=volatile}')).toBe(102);
    expect(nvml(4, 'gpu_ecc_errors_total{kind=corrected,memory=l2_cache,scope=volatile}')).toBe(2);
  });

  test('the lost GPU has no values. NVML gives no handle of it and so no name; dcgm-exporter has no lines of it', () => {
    const gpu = String(LOST_GPU);
    expect([...valuesOf('nvml', gpu)]).toEqual([['gpu_up', 0]]);
    expect([...valuesOf('nvidia-smi', gpu)]).toEqual([['gpu_up', 0]]);
    expect(ways.dcgm.gpus.has(gpu)).toBe(false);
    const told = waysOf.map((way) => [
      ways[way].infos.some(
        ({ id, labels }) => id === 'unavailable' && labels[1] === gpu && labels[3] === 'not_present',
      ),
      ways[way].infos.find(({ id, labels }) => id === 'gpu_info' && labels[0] === gpu)?.labels[1],
    ]);
    expect(told).toEqual([
      [true, ''],
      [true, state.hardware.gpus[LOST_GPU]?.uuid],
      [false, undefined],
    ]);
  });

  test('each GPU has the same place and name; what one does not tell is empty', () => {
    const infoOf = (way: WayName, gpu: string) => {
      const info = ways[way].infos.find(({ id, labels }) => id === 'gpu_info' && labels[0] === gpu);
      return Object.fromEntries(info?.row.labels.map((label, at) => [label, info.labels[at] ?? '']) ?? []);
    };
    for (const gpu of answering) {
      const nvml = infoOf('nvml', gpu);
      expect(nvml).toMatchObject({ name: 'Tesla V100-SXM2-32GB', driver: '470.82.01', cuda: '11.4', arch: 'Volta' });
      expect(nvml['uuid']).toBe(state.hardware.gpus[Number(gpu)]?.uuid);
      expect(infoOf('nvidia-smi', gpu)).toEqual({ ...nvml, arch: '' });
      expect(infoOf('dcgm', gpu)).toEqual({ ...nvml, vbios: '', serial: '', cuda: '', arch: '' });
    }
  });
});

// Facts of ../shared/corpus/gpu/SOURCES.md about `nvidia-smi -q -x` of data-centre GPUs, and others read in the files by hand.
import { expect } from 'vitest';
import { told, type Check } from './gpu-corpus.ts';
import { clock, expectFacts, MHZ, MIB, powerCap, thresholds, throttled, whole } from './gpu-xml-told.ts';

export const dataCentreFacts: Readonly<Record<string, Check>> = {
  'nvidia-smi-xml/datakit-v100s-8gpu.xml': (text) => {
    const xml = whole(text, 'v100s');
    expect([xml.driver, xml.cuda, xml.attachedGpus, xml.sheets.length]).toEqual(['460.73.01', '11.2', 8, 8]);
    expect(xml.sheets.map(({ identity }) => identity.gpu).join('')).toBe('01234567');
    expect(xml.sheets[0]?.identity.pci_bus_id).toBe('00000000:00:0d.0');
    expect(xml.sheets[0]?.facts.name).toBe('Tesla V100S-PCIE-32GB');
    expectFacts(
      xml,
      [
        0,
        {
          gpu_utilization_ratio: 0.97,
          gpu_memory_activity_ratio: 0.52,
          gpu_memory_used_bytes: 31689 * MIB,
          gpu_memory_total_bytes: 32510 * MIB,
          gpu_power_watts: 232.8,
          gpu_power_limit_watts: 250,
          gpu_power_limit_enforced_watts: 250,
          gpu_temperature_celsius: 66,
          gpu_memory_temperature_celsius: 63,
          gpu_pcie_link_generation: 3,
          gpu_pcie_link_width: 16,
          gpu_pcie_tx_bytes_per_second: 22e6,
          gpu_pcie_rx_bytes_per_second: 19e6,
          gpu_persistence_mode: 0,
          gpu_mig_mode: 'unsupported',
          gpu_memory_reserved_bytes: 'silent',
          gpu_jpeg_utilization_ratio: 'silent',
          gpu_fabric_state: 'silent',
          gpu_retired_pages_pending: 0,
          gpu_remapped_rows_failed: 'unsupported',
        },
      ],
      [1, { gpu_utilization_ratio: 0.75, gpu_power_watts: 152.03 }],
      // Busy without work.
      [7, { gpu_utilization_ratio: 0.99, gpu_memory_activity_ratio: 0.04, gpu_power_watts: 61.47 }],
    );
    expect(clock(xml, 'sm')).toBe(1410 * MHZ);
    expect(told(xml.sheets[0], 'gpu_clock_max_hertz', { domain: 'sm' })).toBe(1597 * MHZ);
    expect(thresholds(xml)).toEqual([90, 87, 83, 85]);
    expect(throttled(xml)).toEqual([]);
    const { processes } = xml.sheets[0] ?? {};
    expect(processes?.[0]).toEqual({ pid: 37305, name: 'python', kind: 'compute', memoryBytes: 31683 * MIB });
    expect(processes).toHaveLength(1);
    const ecc = xml.sheets[0]?.values.filter(({ column }) => column.id === 'gpu_ecc_errors_total') ?? [];
    // Four parts count corrected errors, five uncorrected ones: only these have a CBU.
    expect(ecc.map(({ value }) => value)).toEqual(Array(18).fill(0));
    expect(new Set(ecc.map(({ column }) => column.labels['memory']))).toEqual(
      new Set(['device_memory', 'register_file', 'l1_cache', 'l2_cache', 'cbu']),
    );
  },
  'nvidia-smi-xml/k8s-test-infra-hw-qx-a100.xml': (text) => {
    const xml = whole(text, 'a100');
    expectFacts(xml, [
      0,
      {
        gpu_power_watts: 49.68,
        gpu_power_limit_watts: 400,
        gpu_temperature_celsius: 33,
        gpu_memory_temperature_celsius: 34,
        gpu_temperature_margin_celsius: 'unsupported',
        gpu_memory_reserved_bytes: 518 * MIB,
        gpu_persistence_mode: 1,
        gpu_mig_mode: 0,
        gpu_recovery_action: 0,
      },
    ]);
    expect([powerCap(xml, 0), throttled(xml), thresholds(xml)]).toEqual(['silent', ['gpu_idle'], [92, 89, 85, 95]]);
  },
  'nvidia-smi-xml/k8s-test-infra-hw-qx-h100.xml': (text) => {
    const xml = whole(text, 'h100');
    expect(xml.sheets).toHaveLength(8);
    expectFacts(
      xml,
      [
        0,
        {
          gpu_power_watts: 68.57,
          gpu_pcie_replay_total: 150,
          gpu_temperature_margin_celsius: 58,
          gpu_pcie_link_generation_max: 5,
          gpu_fabric_state: 3,
          gpu_retired_pages_pending: 'unsupported',
          gpu_remapped_rows_pending: 0,
        },
      ],
      [1, { gpu_pcie_replay_total: 144 }],
      [7, { gpu_pcie_replay_total: 106 }],
    );
    expect(powerCap(xml, 0)).toBe(7015662857000);
    // Margins are no temperatures.
    expect(thresholds(xml)).toEqual(Array(4).fill('silent'));
    expect(told(xml.sheets[0], 'gpu_row_remapper_banks', { availability: 'max' })).toBe(2560);
    expect(told(xml.sheets[0], 'gpu_retired_pages', { cause: 'double_bit' })).toBe('unsupported');
    expect(xml.sheets[0]?.facts.arch).toBe('Hopper');
  },
  'nvidia-smi-xml/k8s-test-infra-hw-qx-l40s.xml': (text) => {
    const xml = whole(text, 'l40s');
    expect(xml.sheets[0]?.facts.arch).toBe('Ada');
    expectFacts(xml, [
      0,
      {
        gpu_utilization_ratio: 0,
        gpu_pcie_link_generation: 4,
        gpu_pcie_link_width: 8,
        gpu_pcie_link_width_max: 16,
        gpu_memory_temperature_celsius: 'unsupported',
        gpu_mig_mode: 'unsupported',
        gpu_power_watts: 65.64,
      },
    ]);
  },
  'nvidia-smi-xml/k8s-test-infra-hw-qx-gb200.xml': (text) => {
    const xml = whole(text, 'gb200');
    expect(xml.sheets).toHaveLength(4);
    expectFacts(xml, [
      0,
      {
        gpu_memory_total_bytes: 189471 * MIB,
        gpu_power_limit_watts: 1200,
        gpu_power_watts: 165.93,
        gpu_fabric_state: 3,
        // Full bandwidth, no recovery, healthy, no time-out; the configuration is not told.
        gpu_fabric_health: 0b10_10_10_10,
        gpu_recovery_action: 0,
      },
    ]);
    const counters = [0, 1, 2, 3].map((gpu) =>
      ['sw_power_cap', 'sw_thermal_slowdown'].map((reason) =>
        told(xml.sheets[gpu], 'gpu_throttle_seconds_total', { reason }),
      ),
    );
    expect(counters[1]).toEqual([3360324000, 3360324000]);
    expect(counters[3]).toEqual([14572115000, 7322346000]);
    // Serials are those of the board and repeat.
    expect(new Set(xml.sheets.map(({ facts }) => facts.serial)).size).toBeLessThan(4);
    expect(new Set(xml.sheets.map(({ identity }) => identity.uuid)).size).toBe(4);
  },
  'nvidia-smi-xml/k8s-test-infra-qx-gb200-lost.xml': (text) => {
    const xml = whole(text, 'lost');
    expect(xml.sheets.map(({ loss }) => loss)).toEqual([undefined, 'not_present']);
    expect(xml.sheets.map(({ identity }) => identity.pci_bus_id)).toEqual(['00000000:0a:00.0', '00000000:0b:00.0']);
    expectFacts(xml, [
      0,
      {
        gpu_utilization_ratio: 0.5,
        gpu_memory_activity_ratio: 0.25,
        gpu_power_watts: 618.35,
        gpu_remapped_rows_failed: 1,
      },
    ]);
    expect(xml.sheets[1]?.values).toEqual([]);
    expect(xml.sheets[1]?.identity.uuid).toMatch(/^GPU-/);
  },
  'nvidia-smi-xml/k8s-test-infra-qx-gb200-throttle-counters.xml': (text) => {
    const xml = whole(text, 'counters');
    expect([powerCap(xml, 0), powerCap(xml, 1)]).toEqual([39595000, 0]);
    expectFacts(xml, [0, { gpu_utilization_ratio: 0.36, gpu_power_watts: 145 }]);
  },
  'nvidia-smi-xml/telegraf-a100-sxm4-v12.xml': (text) => {
    const xml = whole(text, 'a100 mig');
    expect([xml.attachedGpus, xml.sheets.length, xml.sheets[0]?.identity.gpu]).toEqual([4, 1, '']);
    expectFacts(xml, [
      0,
      {
        gpu_utilization_ratio: 'unsupported',
        gpu_mig_mode: 1,
        gpu_power_watts: 67.03,
        gpu_pcie_tx_bytes_per_second: 4e6,
        gpu_memory_used_bytes: 50 * MIB,
        gpu_remapped_rows_failed: 'unsupported',
        gpu_recovery_action: 0,
      },
    ]);
    expect(xml.sheets[0]?.instances).toEqual(
      ['3', '4', '5', '6'].map((mig_gi) => ({ mig_gi, mig_ci: '0', profile: '' })),
    );
    for (const mig_gi of ['3', '4', '5', '6']) {
      const labels = { mig_gi, mig_ci: '0' };
      expect(told(xml.sheets[0], 'gpu_memory_total_bytes', labels)).toBe(19968 * MIB);
      expect(told(xml.sheets[0], 'gpu_memory_used_bytes', labels)).toBe(12 * MIB);
    }
  },
  'generated/smi550-a100x8-gpu1-lost.q-x.xml': (text) => {
    const xml = whole(text, 'generated lost');
    expect(xml.sheets.map(({ loss }) => loss ?? '').join('|')).toBe('|not_present||||||');
    for (const sheet of xml.sheets.filter(({ loss }) => loss === undefined)) {
      expect([told(sheet, 'gpu_utilization_ratio'), told(sheet, 'gpu_power_watts')]).toEqual([0, 72]);
    }
    expect(xml.sheets[1]?.values).toEqual([]);
  },
  'generated/smi535-h100x8-healthy.q-x.xml': (text) => {
    const xml = whole(text, 'generated healthy');
    expect(xml.sheets).toHaveLength(8);
    for (const sheet of xml.sheets) {
      expect([told(sheet, 'gpu_utilization_ratio'), told(sheet, 'gpu_power_watts'), sheet.loss]).toEqual([
        0,
        95,
        undefined,
      ]);
    }
  },
};

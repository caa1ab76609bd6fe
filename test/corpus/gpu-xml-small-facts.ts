// Facts of ../shared/corpus/gpu/SOURCES.md about `nvidia-smi -q -x` of smaller and older GPUs, and others read in the files by hand.
import { expect } from 'vitest';
import { told, type Check } from './gpu-corpus.ts';
import { clock, expectFacts, MIB, throttled, whole } from './gpu-xml-told.ts';

export const smallGpuFacts: Readonly<Record<string, Check>> = {
  'nvidia-smi-xml/telegraf-a10g.xml': (text) => {
    const xml = whole(text, 'a10g');
    expectFacts(xml, [
      0,
      { gpu_power_watts: 25.58, gpu_pcie_link_generation: 1, gpu_pcie_link_generation_max: 4, gpu_pcie_link_width: 8 },
    ]);
    expect(xml.sheets[0]?.processes).toEqual([
      { pid: 725, name: '/usr/lib/xorg/Xorg', kind: 'graphics', memoryBytes: 22 * MIB },
    ]);
  },
  'nvidia-smi-xml/telegraf-gtx-1660-ti.xml': (text) => {
    const xml = whole(text, '1660');
    expect(xml.sheets[0]?.facts.name).toBe('Graphics Device');
    expect(xml.sheets[0]?.instances).toBeUndefined();
    expectFacts(xml, [0, { gpu_power_watts: 8.93, gpu_mig_mode: 'silent' }]);
  },
  'nvidia-smi-xml/telegraf-gtx-1070-ti.xml': (text) => {
    const xml = whole(text, '1070');
    expect([xml.attachedGpus, xml.driver]).toEqual([undefined, '']);
    expectFacts(xml, [
      0,
      {
        gpu_power_watts: 'unsupported',
        gpu_memory_used_bytes: 42 * MIB,
        gpu_fan_speed_ratio: 1,
        gpu_pstate: 8,
        gpu_persistence_mode: 'silent',
        gpu_power_limit_watts: 'silent',
      },
    ]);
  },
  'nvidia-smi-xml/telegraf-quadro-p2000-v12.xml': (text) => {
    const xml = whole(text, 'p2000');
    expectFacts(xml, [0, { gpu_power_watts: 4.61, gpu_utilization_ratio: 0 }]);
    expect(throttled(xml)).toEqual(['gpu_idle']);
    expect(told(xml.sheets[0], 'gpu_ecc_errors_total', { kind: 'corrected', memory: 'all', scope: 'volatile' })).toBe(
      'unsupported',
    );
  },
  'nvidia-smi-xml/telegraf-rtx-3090-v12.xml': (text) => {
    const xml = whole(text, '3090');
    // A real zero.
    expect(clock(xml, 'sm')).toBe(0);
    expect(throttled(xml)).toEqual(['gpu_idle']);
    expectFacts(xml, [
      0,
      {
        gpu_power_watts: 27.23,
        gpu_power_limit_watts: 200,
        gpu_pcie_link_generation: 1,
        gpu_pcie_link_generation_max: 4,
      },
    ]);
  },
  'nvidia-smi-xml/telegraf-tesla-t4.xml': (text) => {
    const xml = whole(text, 't4');
    expectFacts(xml, [
      0,
      {
        gpu_power_watts: 26.78,
        gpu_temperature_celsius: 40,
        gpu_memory_used_bytes: 1032 * MIB,
        gpu_memory_total_bytes: 15360 * MIB,
        gpu_pcie_link_width: 8,
        gpu_utilization_ratio: 0,
      },
    ]);
    expect(throttled(xml)).toEqual([]);
    expect(xml.sheets[0]?.processes?.map(({ pid, kind, memoryBytes }) => [pid, kind, memoryBytes])).toEqual([
      [675, 'graphics', 22 * MIB],
      [5762, 'compute', 1005 * MIB],
    ]);
  },
  'nvidia-smi-xml/telegraf-rtx-3060-v12.xml': (text) => {
    const xml = whole(text, '3060');
    expectFacts(xml, [0, { gpu_power_watts: 11.6, gpu_pcie_link_generation: 1, gpu_pcie_link_generation_max: 4 }]);
  },
  'nvidia-smi-xml/telegraf-rtx-3080-v13.xml': (text) => {
    const xml = whole(text, '3080');
    expectFacts(xml, [
      0,
      {
        gpu_utilization_ratio: 0.65,
        gpu_memory_used_bytes: 9184 * MIB,
        gpu_memory_total_bytes: 10240 * MIB,
        gpu_power_watts: 139.62,
        gpu_pcie_rx_bytes_per_second: 14_742_333_000,
        gpu_pstate: 2,
      },
    ]);
    expect(throttled(xml)).toEqual([]);
  },
};

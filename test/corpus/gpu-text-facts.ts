// Facts of ../shared/corpus/gpu/SOURCES.md about nvidia-smi's other texts, generated ones, lspci, logs and tables of facts.
import { expect } from 'vitest';
import {
  parseNvlinkData,
  parseNvlinkErrors,
  parseNvlinkRaw,
  parseNvlinkStatus,
} from '../../agent/parse/gpu/smi-nvlink.ts';
import { parseTopology } from '../../agent/parse/gpu/smi-topology.ts';
import { throttleReasons } from '../../agent/parse/gpu/throttle.ts';
import type { Check } from './gpu-corpus.ts';
import { believableRates, dmonColumn, parseFabricManagerLog, parseQueryText, parseTable } from './smi-text.ts';

export const textFacts: Readonly<Record<string, Check>> = {
  'nvidia-smi-text/dgx1-v100-topo-m.txt': checkDgx1,
  'nvidia-smi-text/h800-dmon-d5.txt': (text) => {
    expect(dmonColumn(text, 'gpu')).toHaveLength(24);
    expect(dmonColumn(text, 'sm').slice(0, 8)).toEqual([5, 14, 25, 24, 15, 12, 22, 25]);
  },
  'nvidia-smi-text/h800-dmon-i3-put.txt': (text) => {
    // Sixteen lanes of generation 5: 63 GB/s.
    const rx = believableRates(dmonColumn(text, 'rxpci'), 63_000);
    const tx = believableRates(dmonColumn(text, 'txpci'), 63_000);
    expect(rx.slice(0, 5)).toEqual([1968, 838, 4587, undefined, 775]);
    expect(tx.slice(0, 5)).toEqual([1621, 2025, 521, undefined, 726]);
    // 2016001, 321785, 1861316, 1910283 MB/s one way, 1765799, 214053, 199124, 81122 the other.
    expect(rx.filter((rate) => rate === undefined)).toHaveLength(4);
    expect(tx.filter((rate) => rate === undefined)).toHaveLength(4);
  },
  'nvidia-smi-text/h800-nvlink-s.txt': (text) => {
    const gpus = parseNvlinkStatus(text);
    expect(gpus.map(({ gpu }) => gpu)).toEqual(['0', '1', '7']);
    for (const { values } of gpus) {
      expect(values).toHaveLength(16);
      const speeds = values.filter(({ column }) => column.id === 'gpu_nvlink_speed_bytes_per_second');
      expect(speeds.map(({ value }) => value)).toEqual(Array(8).fill(26_562_000_000));
    }
  },
  'nvidia-smi-text/h800-nvlink-gt-r.txt': (text) => {
    const traffic = parseNvlinkRaw(text);
    expect(traffic.slice(0, 2)).toEqual([
      { gpu: '0', link: '0', direction: 'tx', kibibytes: 25305739 },
      { gpu: '0', link: '0', direction: 'rx', kibibytes: 25554089 },
    ]);
    expect([...new Set(traffic.map(({ gpu }) => gpu))]).toEqual(['0', '1', '2', '6', '7']);
    expect(traffic).toHaveLength(5 * 8 * 2);
    expect(parseNvlinkData(text).flatMap(({ values }) => values)).toEqual([]);
  },
  'nvidia-smi-text/h800-nvlink-gt-d-idle-gpu0.txt': (text) => {
    const [gpu, ...others] = parseNvlinkData(text);
    expect([others, gpu?.values.length]).toEqual([[], 16]);
    expect(gpu?.values.slice(0, 2).map(({ column, value }) => [column.id, column.labels, value])).toEqual([
      ['gpu_nvlink_tx_bytes_total', { link: '0' }, 5863784 * 1024],
      ['gpu_nvlink_rx_bytes_total', { link: '0' }, 5863677 * 1024],
    ]);
  },
  'nvidia-smi-text/h800-q-i0.txt': (text) => {
    const values = parseQueryText(text);
    const gpu = 'GPU 00000000:18:00.0';
    const paths = [
      'Product Name',
      'PCI/Tx Throughput',
      'Temperature/GPU Slowdown Temp',
      'Power Readings/Power Draw',
      'Remapped Rows/Bank Remap Availability Histogram/Max',
      'Clocks Throttle Reasons/HW Slowdown/HW Thermal Slowdown',
      'Processes',
    ];
    expect(paths.map((path) => values.get(`${gpu}/${path}`))).toEqual([
      'NVIDIA H800',
      '123000 KB/s',
      '89 C',
      '74.71 W',
      '2560 bank(s)',
      'Not Active',
      'None',
    ]);
    expect(values.get('Attached GPUs')).toBe('8');
  },
  'nvidia-smi-text/a10-nvlink-s.txt': (text) => {
    expect(text).toBe('');
    expect(parseNvlinkStatus(text)).toEqual([]);
  },
  'generated/smi535-h100x8-healthy.nvlink-e.txt': (text) => {
    expectNoErrors(text, 18);
  },
  'generated/smi550-a100x8-gpu1-lost.nvlink-e.txt': (text) => {
    expectNoErrors(text, 12);
  },
  'generated/smi535-h100x8-healthy.topo-m.txt': (text) => {
    expectMesh(text, 'NV18');
  },
  'generated/smi550-a100x8-gpu1-lost.topo-m.txt': (text) => {
    expectMesh(text, 'NV12');
  },
  'generated/smi535-h100x8-healthy.table.txt': (text) => {
    const { gpus } = parseTable(text);
    expect(gpus.map(({ gpu }) => gpu).join('')).toBe('01234567');
    expect(new Set(gpus.map(({ power, utilization }) => `${power} ${utilization}`))).toEqual(new Set(['95W 0%']));
  },
  'generated/smi550-a100x8-gpu1-lost.table.txt': (text) => {
    const { gpus } = parseTable(text);
    expect(gpus.map(({ ecc }) => ecc)).toEqual(['0', 'ERR!', '0', '0', '0', '0', '0', '0']);
    expect(gpus[1]).toMatchObject({ temperature: 'ERR!', power: 'ERR!', memory: 'GPU is lost', utilization: 'ERR!' });
    expect(gpus[7]).toMatchObject({ temperature: '33C', power: '72W', utilization: '0%' });
  },
  'fabric-manager/fabricmanager.log': (text) => {
    const lines = parseFabricManagerLog(text);
    expect(lines[0]).toMatchObject({ time: 'Feb 25 2025 13:59:45', level: 'INFO', thread: 1803 });
    expect(lines[0]?.message).toMatch(/^Received an inband message: .*\nMessage payload details:Team release request/);
    expect(lines[1]?.message).toBe('multicast group 0 is freed.');
    const heads = text.split('\n').filter((line) => line.startsWith('[') && line.includes('] [tid '));
    expect(lines).toHaveLength(heads.length);
  },
  'facts/clocks-event-reasons.json': (text) => {
    const bits: unknown = JSON.parse(text);
    expect(bits).toEqual(Object.fromEntries(throttleReasons.map(({ reason, bit }) => [reason, Number(bit)])));
  },
};

function expectNoErrors(text: string, links: number): void {
  const gpus = parseNvlinkErrors(text);
  expect(gpus.map(({ gpu }) => gpu).length).toBeGreaterThan(1);
  const whole = gpus.filter(({ values }) => values.length > 0);
  expect(whole.length).toBeGreaterThanOrEqual(7);
  for (const { values } of whole) {
    expect(values).toHaveLength(3 * links);
    expect(new Set(values.map(({ value }) => value))).toEqual(new Set([0]));
    expect(new Set(values.map(({ column }) => column.labels['kind']))).toEqual(
      new Set(['replay', 'recovery', 'crc_flit']),
    );
  }
}

function expectMesh(text: string, link: string): void {
  const { devices } = parseTopology(text, 'topo');
  expect(devices.map(({ name }) => name)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((index) => `GPU${index}`));
  for (const { name, paths } of devices) {
    for (const [other, path] of paths) expect(path).toBe(other === name ? 'X' : link);
  }
  expect(devices.map(({ cpuAffinity }) => cpuAffinity)).toEqual([
    ...Array<string>(4).fill('0-63'),
    ...Array<string>(4).fill('64-127'),
  ]);
  expect(devices.map(({ numaAffinity }) => numaAffinity).join('')).toBe('00001111');
}

function checkDgx1(text: string): void {
  const { devices } = parseTopology(text, 'dgx1');
  const adapters = ['mlx5_0', 'mlx5_1', 'mlx5_2', 'mlx5_3'];
  const gpus = devices.slice(0, 8);
  expect(devices.slice(8).map(({ name }) => name)).toEqual(adapters);
  const others = [...(gpus[0]?.paths.values() ?? [])].slice(1, 8);
  expect(others).toEqual(['NV1', 'NV1', 'NV2', 'NV2', 'SYS', 'SYS', 'SYS']);
  const nearest = gpus.map(({ paths }) => adapters.filter((name) => paths.get(name) === 'PIX').join());
  expect(nearest).toEqual(['mlx5_0', 'mlx5_0', 'mlx5_1', 'mlx5_1', 'mlx5_2', 'mlx5_2', 'mlx5_3', 'mlx5_3']);
  expect(gpus.map(({ cpuAffinity }) => cpuAffinity)).toEqual([
    ...Array<string>(4).fill('0-19,40-59'),
    ...Array<string>(4).fill('20-39,60-79'),
  ]);
  expect(new Set(devices.map(({ numaAffinity }) => numaAffinity))).toEqual(new Set(['']));
  // What lies between two devices is the same from both ends.
  for (const device of devices) {
    for (const [other, path] of device.paths)
      expect(devices.find(({ name }) => name === other)?.paths.get(device.name)).toBe(path);
  }
}

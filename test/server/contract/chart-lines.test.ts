// Lines of the node page's charts: which series they are made of, and what they say where a part is missing.
import { describe, expect, test } from 'vitest';
import { linesOf, nodeCharts, valueOf, type SchemaEntry } from '#server/contract';

const own = ['0', 'GPU-0', '0000:3b:00.0'];
const chart = (id: string) => {
  const spec = nodeCharts.find((one) => one.id === id);
  if (!spec) throw new Error(`no chart ${id}`);
  return spec;
};
const view = (rates: readonly number[], levels: readonly number[] = []) => ({
  rate: (at: number) => rates[at] ?? NaN,
  level: (at: number) => levels[at] ?? NaN,
});
const lines = (id: string, schema: readonly SchemaEntry[]) => linesOf(chart(id), schema);

describe('NVLink', () => {
  const links: readonly SchemaEntry[] = ['0', '1', '2'].map((link) => ['gpu_nvlink_rx_bytes_total', [...own, link]]);

  test('is one line per GPU, the sum over its links; an inactive link counts nothing', () => {
    const [line, ...more] = lines('gpu_nvlink_received', links);
    if (!line) throw new Error('one line');
    expect(more).toEqual([]);
    expect(line.name).toBe('GPU 0');
    expect(valueOf(line, view([10, NaN, 32]))).toBe(42);
    expect(valueOf(line, view([NaN, NaN, NaN]))).toBeNaN();
  });

  test('falls back to levels where there is no counter', () => {
    const level: SchemaEntry = ['gpu_nvlink_rx_bytes_per_second', [...own, 'all']];
    const [line] = lines('gpu_nvlink_received', [level]);
    expect(line && valueOf(line, view([], [7e9]))).toBe(7e9);
    const [both, ...more] = lines('gpu_nvlink_received', [...links, level]);
    expect(more).toEqual([]);
    expect(both && valueOf(both, view([1, 2, 3], [NaN, NaN, NaN, 7e9]))).toBe(6);
    expect(both && valueOf(both, view([NaN, NaN, NaN], [NaN, NaN, NaN, 7e9]))).toBe(7e9);
  });
});

test('throttling is the greatest share of its reasons, without idleness and without what somebody set', () => {
  const reasons = ['gpu_idle', 'sw_power_cap', 'hw_thermal_slowdown', 'applications_clocks_setting'];
  const [line] = lines(
    'gpu_throttled',
    reasons.map((reason) => ['gpu_throttle_seconds_total', [...own, reason]]),
  );
  expect(line && valueOf(line, view([1, 0.4, 0.7, 1]))).toBe(0.7);
});

test('memory is that of whole GPUs, activity also that of MIG instances', () => {
  const schema: readonly SchemaEntry[] = [
    ['gpu_memory_used_bytes', [...own, '', '']],
    ['gpu_memory_used_bytes', [...own, '1', '0']],
    ['gpu_sm_active_ratio', [...own, '1', '0']],
  ];
  expect(lines('gpu_memory', schema).map(({ name, above }) => [name, above])).toEqual([['GPU 0', [0]]]);
  expect(lines('gpu_sm_active', schema).map(({ name }) => name)).toEqual(['GPU 0 MIG 1/0']);
});

test('disks and CPUs are as before', () => {
  const schema: readonly SchemaEntry[] = [
    ['disk_read_time_seconds_total', ['nvme0n1']],
    ['disk_reads_completed_total', ['nvme0n1']],
    ['cpu_seconds_total', ['0', 'user']],
    ['cpu_seconds_total', ['0', 'idle']],
  ];
  const [latency] = lines('disk_latency', schema);
  const [cpu] = lines('cpu_busy', schema);
  expect(latency && valueOf(latency, view([0.5, 100]))).toBe(0.005);
  expect(latency && valueOf(latency, view([0.5, 0]))).toBeNaN();
  expect(cpu && [cpu.name, valueOf(cpu, view([0, 0, 1, 3]))]).toEqual(['NUMA 0', 0.25]);
});

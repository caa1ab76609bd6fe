// What the API says of nodes and GPUs: null where nothing is known, each file system once, areas that are missing.
import { describe, expect, test } from 'vitest';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { detailNode, summarizeFleet, summarizeGpu, summarizeNode } from '../../../server/fleet/summary.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { gpuSeries, SetClock, StandInNode, type StandInSeries, fleetState } from '../stand-in.ts';

const moment = (clock: SetClock) => ({ nowMs: clock.ms, wallMs: clock.ms });

test('rates follow from gains and time; a count that fell has none', () => {
  const one = new StandInNode('n');
  const disk = (bytes: number): StandInSeries[] => [
    ['disk_size_bytes', ['nvme0n1'], 7e12],
    ['disk_read_bytes_total', ['nvme0n1'], bytes],
    ['cpu_seconds_total', ['0', 'user'], bytes / 10],
    ['cpu_seconds_total', ['0', 'idle'], (bytes * 3) / 10],
  ];
  one.sample(disk(1000));
  expect(summarizeNode(one.fleet, one.node, one.clock.ms)).toMatchObject({
    disks: 1,
    disk_read_bytes_per_second: null,
    cpu_busy_ratio: null,
  });
  one.clock.ms += 2000;
  one.sample(disk(5000));
  expect(summarizeNode(one.fleet, one.node, one.clock.ms)).toMatchObject({
    disk_read_bytes_per_second: 2000,
    disk_written_bytes_per_second: null,
    cpu_busy_ratio: 0.25,
  });
  one.clock.ms += 1000;
  one.sample(disk(10));
  expect(summarizeNode(one.fleet, one.node, one.clock.ms).disk_read_bytes_per_second).toBeNull();
});

describe('a node that is down', () => {
  test('has no values, and says so', () => {
    const one = new StandInNode('n');
    one.samples(3, gpuSeries({ busy: 50, processes: 1 }));
    one.silence(6);
    const detail = detailNode(one.fleet, one.node, one.clock.ms);
    expect(detail).toMatchObject({ up: false, samples: [], gpu_list: [{ utilization_ratio: null, processes: null }] });
    const { coverage } = summarizeFleet(one.fleet, { ...fleetState, cluster: 'c' }, moment(one.clock));
    expect(coverage).toEqual({ nodes: 1, nodes_up: 0, gpus: 1, gpus_reporting: 1 });
    one.silence(30);
    expect(summarizeFleet(one.fleet, { ...fleetState, cluster: 'c' }, moment(one.clock))).toMatchObject({
      coverage: { gpus_reporting: 0 },
      classes: { unobserved: 1 },
      funnel: { capacity: 1, reporting: 0, productive: 0 },
    });
  });
});

test('the funnel narrows from capacity to productive', () => {
  const one = new StandInNode('n');
  one.samples(10, [
    ...gpuSeries({ gpu: '0', busy: 90, processes: 1 }),
    ...gpuSeries({ gpu: '1', busy: 10, processes: 1 }),
    ...gpuSeries({ gpu: '2', busy: 0, processes: 1 }),
    ...gpuSeries({ gpu: '3' }),
    ...gpuSeries({ gpu: '4', busy: 'unsupported' }),
  ]);
  expect(summarizeFleet(one.fleet, { ...fleetState, cluster: 'c' }, moment(one.clock))).toMatchObject({
    funnel: { capacity: 5, reporting: 4, healthy: 4, allocated: 3, active: 2, productive: 1 },
    classes: { 'productive.compute': 1, 'starved.unknown': 1, 'held.idle': 1, 'free.no_demand': 1, unobserved: 1 },
  });
});

test('absent is null, zero is zero', () => {
  const one = new StandInNode('n');
  one.sample(gpuSeries({ busy: 0, processes: 'forbidden', memoryUsed: 'malformed' }));
  const [gpu] = one.fleet.gpus;
  expect(gpu && summarizeGpu(gpu, one.clock.ms)).toMatchObject({
    utilization_ratio: 0,
    processes: null,
    memory_used_bytes: null,
    memory_total_bytes: 32e9,
    power_watts: null,
    name: 'Tesla V100',
  });
  expect(detailNode(one.fleet, one.node, one.clock.ms).unavailable).toEqual([
    { area: 'gpu', device: '0', name: 'gpu_memory_used_bytes', reason: 'malformed' },
    { area: 'gpu', device: '0', name: 'gpu_processes', reason: 'forbidden' },
  ]);
});

test('areas that are wholly missing are told apart from single quantities', () => {
  const one = new StandInNode('n');
  one.sample([
    ['unavailable', ['gpu', '', '', 'not_present'], 1],
    ['unavailable', ['nvme', 'nvme0', '', 'forbidden'], 1],
    ['unavailable', ['mounts', '', '', 'no such reason'], 1],
    ['pressure_io_waiting_seconds_total', [], 'unsupported'],
  ]);
  const detail = detailNode(one.fleet, one.node, one.clock.ms);
  expect(detail.missing).toEqual([{ area: 'gpu', device: '', name: '', reason: 'not_present' }]);
  expect(detail.unavailable).toHaveLength(3);
});

test('a shared file system counts once over all nodes, a local one once per node however often it is mounted', () => {
  const clock = new SetClock();
  const fleet = new Fleet(new Ledger());
  for (const name of ['a', 'b']) {
    new StandInNode(name, { clock, fleet }).sample([
      ['filesystem_size_bytes', ['/dev/sda1', 'ext4', '/'], 10],
      ['filesystem_size_bytes', ['/dev/sda1', 'ext4', '/bind'], 10],
      ['filesystem_size_bytes', ['nas:/data', 'nfs4', '/data'], 1000],
      ['filesystem_avail_bytes', ['nas:/data', 'nfs4', '/data'], 400],
    ]);
  }
  expect(summarizeFleet(fleet, { ...fleetState, cluster: 'c' }, moment(clock)).storage).toMatchObject({
    filesystems: 3,
    filesystem_size_bytes: 1020,
    filesystem_avail_bytes: 400,
    capacity_bytes: null,
  });
});

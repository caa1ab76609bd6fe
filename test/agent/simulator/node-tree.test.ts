// A simulated node read back through the real tree and the real collectors: every number is the model's own.
import { noGpuSources } from '../../../agent/collectors/collector.ts';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { block } from '../../../agent/collectors/block.ts';
import { cpu } from '../../../agent/collectors/cpu.ts';
import { host } from '../../../agent/collectors/host.ts';
import { infiniband } from '../../../agent/collectors/infiniband.ts';
import { memory } from '../../../agent/collectors/memory.ts';
import { mounts } from '../../../agent/collectors/mounts.ts';
import { network } from '../../../agent/collectors/network.ts';
import { nvme } from '../../../agent/collectors/nvme.ts';
import { pressure } from '../../../agent/collectors/pressure.ts';
import { startGpu } from '../../../agent/collectors/gpu.ts';
import { createCommandRunner } from '../../../agent/command.ts';
import { silentLog } from '../../../agent/log.ts';
import { Snapshot } from '../../../agent/snapshot.ts';
import { Tree } from '../../../agent/sources/tree.ts';
import { noFaults } from '../../../agent/simulator/faults.ts';
import { sherlock } from '../../../agent/simulator/hardware.ts';
import { NodeTree } from '../../../agent/simulator/node-tree.ts';
import { SimulatedWorkload, type NodeState } from '../../../agent/simulator/workload.ts';
import { readAll, readingOf, startReading, type Reading } from '../../doubles/reading.ts';

const directory = mkdtempSync(join(tmpdir(), 'whyidle-node-'));
const workload = new SimulatedWorkload(1, sherlock({ seed: 1, nowS: 1_800_000_000 }), noFaults);
const names = ['node07', 'node09'] as const;
const trees = new Map<string, NodeTree>();
const pool = new Map<string, string>();
let clockMs = 0;

beforeAll(() => {
  for (const name of names) trees.set(name, new NodeTree(join(directory, name), stateOf(name), pool));
});
afterAll(() => {
  for (const tree of trees.values()) tree.close();
  rmSync(directory, { recursive: true });
});

function stateOf(name: string): NodeState {
  const state = workload.states.find((one) => one.hardware.name === name);
  if (!state) throw new Error(`no ${name}`);
  return state;
}

function treeOf(name: string): NodeTree {
  const tree = trees.get(name);
  if (!tree) throw new Error(`no ${name}`);
  return tree;
}

function advance(seconds: number): void {
  workload.advance(seconds);
  clockMs += seconds * 1000;
  for (const [name, tree] of trees) tree.update(stateOf(name), { wall: new Date(), monotonicMs: clockMs });
}

describe.each(names)('%s through the collectors', (name) => {
  test('InfiniBand: every port up, its counts the model’s, over many seconds', async () => {
    const reading = startReading(infiniband, treeOf(name).root);
    await readAll(reading);
    const { hardware } = stateOf(name);
    for (let second = 0; second < 5; second++) {
      advance(1);
      await readAll(reading);
      const { counters } = stateOf(name);
      for (const [index, hca] of hardware.hcas.entries()) {
        const port = { device: hca.name, port: '1' };
        const counts = counters.ports[index];
        expect(BigInt(reading.value('infiniband_port_data_received_bytes_total', port) ?? -1)).toBe(
          (counts?.rxWords.count ?? 0n) * 4n,
        );
        expect(BigInt(reading.value('infiniband_port_data_transmitted_bytes_total', port) ?? -1)).toBe(
          (counts?.txWords.count ?? 0n) * 4n,
        );
        expect(reading.value('infiniband_port_transmit_wait_ticks_total', port)).toBe(counts?.waitTicks.whole);
        expect(reading.amount('infiniband_data_rate_bytes_per_second', port)).toBe(12.5e9);
        expect(reading.value('infiniband_state_id', port)).toBe(4);
        expect(reading.value('infiniband_resets_total', port)).toBe(0);
      }
    }
    for (const hca of hardware.hcas) {
      expect(reading.labels('infiniband_info', { device: hca.name })).toMatchObject({
        hca_type: hardware.platform.hca.type,
        numa_node: String(hca.numaNode),
        pci_bus_id: `00000000:${hca.bus.toString(16).padStart(2, '0')}:00.0`,
      });
      expect(reading.labels('infiniband_port_info', { device: hca.name })).toMatchObject({
        netdev: hca.netdev,
        link_layer: 'InfiniBand',
        guid: expect.stringMatching(/^506b:4b03:00/) as string,
      });
      expect(reading.value('infiniband_pcie_link_generation', { device: hca.name })).toBe(3);
      expect(reading.value('infiniband_pcie_link_width', { device: hca.name })).toBe(16);
    }
    await reading.reader.stop();
  });

  test('memory', async () => {
    const reading = startReading(memory, treeOf(name).root);
    advance(1);
    await readAll(reading);
    const { hardware, load, counters } = stateOf(name);
    expect(reading.value('memory_total_bytes')).toBe(hardware.platform.memoryKiB * 1024);
    expect(reading.value('memory_cached_bytes')).toBe(Math.round(load.cachedBytes / 1024) * 1024);
    expect(reading.value('memory_dirty_bytes')).toBe(Math.round(load.dirtyBytes / 1024) * 1024);
    expect(reading.value('memory_swap_used_bytes')).toBe(0);
    expect(reading.value('vmstat_pgmajfault_total')).toBe(counters.majorFaults.whole);
    expect(reading.value('vmstat_oom_kill_total')).toBe(0);
    await reading.reader.stop();
  });

  test('CPU time by socket, processes, load', async () => {
    const reading = startReading(cpu, treeOf(name).root);
    advance(1);
    await readAll(reading);
    const { hardware, load, counters } = stateOf(name);
    for (const [socket, cpus] of hardware.numaCpus.entries()) {
      const own = { numa_node: String(socket) };
      const sum = (mode: 'user' | 'system' | 'idle' | 'iowait'): number =>
        cpus.reduce((total, one) => total + (counters.cpus[one]?.[mode].whole ?? 0), 0);
      for (const mode of ['user', 'system', 'idle', 'iowait'] as const) {
        expect(reading.value('cpu_seconds_total', { ...own, mode })).toBe(sum(mode));
      }
      expect(reading.value('cpus', own)).toBe(cpus.length);
    }
    expect(reading.value('procs_running')).toBe(load.running);
    expect(reading.value('procs_blocked')).toBe(load.blocked);
    expect(reading.amount('load1')).toBeCloseTo(counters.loadAverages[0] ?? -1, 1);
    await reading.reader.stop();
  });

  test('pressure', async () => {
    const reading = startReading(pressure, treeOf(name).root);
    advance(1);
    await readAll(reading);
    const { counters } = stateOf(name);
    expect(reading.value('pressure_cpu_waiting_seconds_total')).toBe(counters.pressure.cpu.whole);
    expect(reading.value('pressure_io_waiting_seconds_total')).toBe(counters.pressure.ioSome.whole);
    expect(reading.value('pressure_io_stalled_seconds_total')).toBe(counters.pressure.ioFull.whole);
    expect(reading.value('pressure_memory_waiting_seconds_total')).toBe(0);
    await reading.reader.stop();
  });

  test('network', async () => {
    const reading = startReading(network, treeOf(name).root);
    advance(1);
    await readAll(reading);
    const { counters } = stateOf(name);
    const storage = { device: 'ens5f0' };
    expect(reading.value('network_receive_bytes_total', storage)).toBe(counters.storageNetwork.rxBytes.whole);
    expect(reading.value('network_transmit_bytes_total', storage)).toBe(counters.storageNetwork.txBytes.whole);
    expect(reading.value('network_receive_packets_total', storage)).toBe(counters.storageNetwork.rxPackets.whole);
    expect(reading.amount('network_speed_bytes_per_second', storage)).toBe(12.5e9);
    expect(reading.value('network_up', storage)).toBe(1);
    expect(reading.value('network_receive_bytes_total', { device: 'eno1' })).toBe(
      counters.managementNetwork.rxBytes.whole,
    );
    await reading.reader.stop();
  });

  test('disks: nine leaves, the stripe as a view of eight', async () => {
    const reading = startReading(block, treeOf(name).root);
    advance(1);
    await readAll(reading);
    const { hardware, counters } = stateOf(name);
    const disks = reading.snapshot.series.filter((series) => series.id === 'disk_size_bytes');
    expect(disks).toHaveLength(9);
    for (const [index, disk] of counters.drives.entries()) {
      const own = { device: `nvme${index}n1` };
      expect(reading.value('disk_reads_completed_total', own)).toBe(disk.reads.whole);
      expect(reading.value('disk_read_bytes_total', own)).toBe(disk.readSectors.whole * 512);
      expect(reading.value('disk_read_time_seconds_total', own)).toBe(disk.readMs.whole);
      expect(reading.value('disk_writes_completed_total', own)).toBe(disk.writes.whole);
      expect(reading.value('disk_written_bytes_total', own)).toBe(disk.writeSectors.whole * 512);
      expect(reading.value('disk_io_now', own)).toBe(disk.inFlight);
      expect(reading.value('disk_io_time_seconds_total', own)).toBe(disk.busyMs.whole);
      expect(reading.value('disk_io_time_weighted_seconds_total', own)).toBe(disk.queueMs.whole);
      expect(reading.value('disk_size_bytes', own)).toBe(hardware.platform.drive.bytes);
      expect(reading.labels('disk_info', own)).toMatchObject({
        model: hardware.platform.drive.model,
        serial: hardware.drives[index]?.serial,
        controller: `nvme${index}`,
        numa_node: String(hardware.drives[index]?.numaNode),
      });
      expect(reading.labels('disk_member_info', { device: 'md0', member: own.device })).toBeDefined();
    }
    await reading.reader.stop();
  });

  test('NVMe controllers: live, at the speed of their slots, at their temperature', async () => {
    const reading = startReading(nvme, treeOf(name).root);
    await readAll(reading);
    const { hardware } = stateOf(name);
    for (const { index } of hardware.drives) {
      const own = { controller: `nvme${index}` };
      expect(reading.value('nvme_controller_up', own)).toBe(1);
      expect(reading.value('nvme_pcie_link_generation', own)).toBe(3);
      expect(reading.value('nvme_pcie_link_generation_max', own)).toBe(3);
      expect(reading.value('nvme_pcie_link_width', own)).toBe(4);
      expect(reading.value('nvme_pcie_link_width_max', own)).toBe(4);
      expect(reading.amount('nvme_temperature_celsius', own)).toBeGreaterThan(30);
      expect(reading.labels('nvme_info', own)).toMatchObject({
        transport: 'pcie',
        model: hardware.platform.drive.model,
      });
    }
    await reading.reader.stop();
  });

  test('mounts: the stripe leads to its drives, NFS and Lustre are there, sizes are not to be had', async () => {
    const reading = startReading(mounts, treeOf(name).root);
    await readAll(reading);
    for (const mountpoint of ['/', '/raid', '/home', '/scratch']) {
      expect(reading.value('filesystem_readonly', { mountpoint })).toBe(0);
      expect(reading.value('filesystem_size_bytes', { mountpoint })).toBe('unsupported');
    }
    expect(reading.labels('filesystem_up', { mountpoint: '/home' })).toMatchObject({ fstype: 'nfs4' });
    expect(reading.labels('filesystem_up', { mountpoint: '/scratch' })).toMatchObject({ fstype: 'lustre' });
    const members = reading.snapshot.series
      .filter((series) => series.id === 'filesystem_disk_info' && series.labels[0] === '/raid')
      .map((series) => series.labels[1]);
    expect(members).toEqual(Array.from({ length: 8 }, (_, index) => `nvme${index}n1`));
    await reading.reader.stop();
  });

  test('what the node is', async () => {
    const reading = startReading(host, treeOf(name).root);
    await readAll(reading);
    const { hardware } = stateOf(name);
    expect(reading.labels('node_info')).toMatchObject({
      os: 'Ubuntu 20.04.6 LTS',
      kernel: '5.15.0-91-generic',
      product: hardware.platform.product,
      vendor: 'NVIDIA',
      boot_id: hardware.bootId,
    });
    expect(reading.value('node_boot_timestamp_seconds')).toBe(hardware.bootTimeS);
    await reading.reader.stop();
  });

  test('GPUs through the loop of nvidia-smi', async () => {
    const commands = createCommandRunner();
    const reading = await readGpus(name, commands);
    const { hardware, gpus } = stateOf(name);
    for (const [index, gpu] of gpus.entries()) {
      const own = { gpu: String(index), uuid: hardware.gpus[index]?.uuid ?? '' };
      expect(reading.amount('gpu_utilization_ratio', own)).toBeCloseTo(Math.round(gpu.busy * 100) / 100, 6);
      expect(reading.amount('gpu_memory_activity_ratio', own)).toBeCloseTo(Math.round(gpu.memoryActive * 100) / 100, 6);
      expect(reading.amount('gpu_power_watts', own)).toBeCloseTo(gpu.powerW, 2);
      expect(reading.value('gpu_memory_used_bytes', own)).toBe(gpu.memoryUsedMiB * 1024 * 1024);
      expect(reading.value('gpu_temperature_celsius', own)).toBe(Math.round(gpu.temperatureC));
      expect(reading.amount('gpu_clock_hertz', { ...own, domain: 'sm' })).toBe(gpu.clockMHz * 1e6);
      expect(reading.value('gpu_throttle_active', { ...own, reason: 'gpu_idle' })).toBe(gpu.throttleMask & 1);
      expect(reading.value('gpu_processes', { ...own, kind: 'compute' })).toBe(gpu.process ? 1 : 0);
      expect(reading.labels('gpu_info', own)).toMatchObject({
        name: hardware.platform.gpu.name,
        numa_node: String(hardware.gpus[index]?.numaNode),
        driver: '470.82.01',
      });
    }
    expect(reading.value('gpus')).toBe(gpus.length);
    expect(reading.value('gpu_reader_up')).toBe(1);
    await reading.reader.stop();
    commands.stopAll();
  });
});

describe('the tree', () => {
  test('every counter file grows or stays, and only the values of a file change', () => {
    const { root } = treeOf('node09');
    const files = readdirSync(join(root, 'sys/class/infiniband/mlx5_0/ports/1/counters')).map((file) =>
      join(root, 'sys/class/infiniband/mlx5_0/ports/1/counters', file),
    );
    const stat = join(root, 'sys/block/nvme0n1/stat');
    const numbersOf = (path: string): bigint[] => readFileSync(path, 'utf8').trim().split(/\s+/).map(BigInt);
    let before = files.map(numbersOf);
    let disk = numbersOf(stat);
    const length = readFileSync(stat).length;
    for (let second = 0; second < 300; second++) {
      advance(1);
      const now = files.map(numbersOf);
      for (const [index, [count]] of now.entries()) expect(count).toBeGreaterThanOrEqual(before[index]?.[0] ?? 0n);
      const next = numbersOf(stat);
      // The ninth field is a level: I/Os in flight.
      for (const [field, count] of next.entries())
        if (field !== 8) expect(count).toBeGreaterThanOrEqual(disk[field] ?? 0n);
      [before, disk] = [now, next];
      expect(readFileSync(stat)).toHaveLength(length);
    }
  });

  test('CPU time of every CPU adds up to the time that passed', () => {
    const stat = join(treeOf('node07').root, 'proc/stat');
    const times = (): Map<string, number> =>
      new Map(
        readFileSync(stat, 'utf8')
          .split('\n')
          .filter((line) => /^cpu\d/.test(line))
          .map((line) => {
            const [cpu = '', ...ticks] = line.trim().split(/\s+/);
            return [cpu, ticks.reduce((sum, tick) => sum + Number(tick), 0)];
          }),
      );
    const before = times();
    for (let second = 0; second < 50; second++) advance(1);
    const after = times();
    expect(after.size).toBe(80);
    for (const [cpu, ticks] of after) expect(Math.abs(ticks - (before.get(cpu) ?? 0) - 5000)).toBeLessThan(5);
  });

  test('the line of all CPUs is the sum of the others', () => {
    const lines = readFileSync(join(treeOf('node09').root, 'proc/stat'), 'utf8').split('\n');
    const numbers = (line: string | undefined): number[] => (line ?? '').trim().split(/\s+/).slice(1).map(Number);
    const single = lines.filter((line) => /^cpu\d/.test(line)).map(numbers);
    expect(single).toHaveLength(96);
    expect(numbers(lines[0])).toEqual(
      numbers(lines[0]).map((_, mode) => single.reduce((sum, cpu) => sum + (cpu[mode] ?? 0), 0)),
    );
  });

  test('the stripe counts what its members do', () => {
    const { root } = treeOf('node07');
    const fields = (disk: string): number[] =>
      readFileSync(join(root, 'sys/block', disk, 'stat'), 'utf8')
        .trim()
        .split(/\s+/)
        .map(Number);
    const members = readdirSync(join(root, 'sys/block/md0/slaves'));
    expect(members).toHaveLength(8);
    const sectors = members.reduce((sum, member) => sum + (fields(member)[2] ?? 0), 0);
    expect(fields('md0')[2]).toBe(sectors);
    expect(fields('md0')).toHaveLength(17);
  });

  test('no link leads out of the tree or nowhere', () => {
    const { root } = treeOf('node09');
    const tree = new Tree(root);
    let links = 0;
    const walk = (path: string): void => {
      for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
        const child = `${path}/${entry.name}`;
        if (entry.isDirectory()) walk(child);
        if (!entry.isSymbolicLink()) continue;
        links++;
        const target = tree.resolve(child);
        expect(typeof target === 'string' ? readdirSync(join(root, target)).length : target).toBeGreaterThanOrEqual(0);
      }
    };
    walk('sys');
    expect(links).toBeGreaterThan(100);
    expect(tree.resolve('sys/block/nvme3n1/device/device')).toBe('/sys/devices/pci0000:00/0000:00:06.5/0000:2d:00.0');
  });

  test('two nodes share their fixed files, never the changing ones', () => {
    const counts = (node: string): string =>
      readFileSync(join(treeOf(node).root, 'sys/class/infiniband/mlx5_0/ports/1/counters/port_rcv_data'), 'utf8');
    expect(counts('node07')).not.toBe(counts('node09'));
    expect(readFileSync(join(treeOf('node07').root, 'etc/hostname'), 'utf8')).toBe('node07\n');
  });
});

/** Ticks until the reader has a tick of the newest state. */
async function readGpus(name: string, commands: ReturnType<typeof createCommandRunner>): Promise<Reading> {
  const snapshot = new Snapshot();
  const { root, nvidiaSmi } = treeOf(name);
  const log = silentLog;
  const context = {
    tree: new Tree(root),
    snapshot,
    commands,
    gpuSources: { ...noGpuSources, nvidiaSmi },
    monotonicMs: () => performance.now(),
    after: () => () => undefined,
    gpuProcesses: () => [],
    intervalMs: 1000,
    log,
  };
  const reading = readingOf(startGpu(context, 10), snapshot);
  await reading.reader.discover();
  const deadline = performance.now() + 10_000;
  let settled = false;
  while (!settled && performance.now() < deadline) {
    advance(1);
    await readAll(reading);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await readAll(reading);
    const { gpus, hardware } = stateOf(name);
    settled = gpus.every((gpu, index) => {
      const own = { uuid: hardware.gpus[index]?.uuid ?? '' };
      const power = reading.amount('gpu_power_watts', own);
      const counted = reading.value('gpu_processes', own);
      return typeof power === 'number' && Math.abs(power - gpu.powerW) < 0.006 && typeof counted === 'number';
    });
  }
  expect(settled).toBe(true);
  return reading;
}

// Host readers over the corpus, against the facts of ../shared/corpus/host/SOURCES.md.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { block } from '../../agent/collectors/block.ts';
import type { Collector } from '../../agent/collectors/collector.ts';
import { cpu } from '../../agent/collectors/cpu.ts';
import { memory } from '../../agent/collectors/memory.ts';
import { nvme } from '../../agent/collectors/nvme.ts';
import { pressure } from '../../agent/collectors/pressure.ts';
import { PressureParser } from '../../agent/parse/pressure.ts';
import { ProcStatParser, cpuModes } from '../../agent/parse/stat.ts';
import { readAll, startReading, type Reading } from '../doubles/reading.ts';
import { corpusDirectory, hasCorpus, layOut, layOutInto, type LaidOut } from './loader.ts';
import { writeTree } from './write-tree.ts';

const present = hasCorpus('corpus/host');
let tree: LaidOut | undefined;

afterEach(() => {
  tree?.remove();
  tree = undefined;
});

async function read(collector: Collector, laidOut: LaidOut): Promise<Reading> {
  tree = laidOut;
  const reading = startReading(collector, laidOut.root);
  await readAll(reading);
  return reading;
}

const text = (path: string): string => readFileSync(join(corpusDirectory, 'host', path), 'utf8');

describe.skipIf(!present)('node_exporter/proc', () => {
  const root = 'host/node_exporter';

  it('diskstats: whole disks, rows of 11, 15 and 17 fields', async () => {
    const reading = await read(block, layOut(root));
    const sectors = (device: string) =>
      (['disk_read_bytes_total', 'disk_written_bytes_total'] as const).map(
        (id) => Number(reading.value(id, { device })) / 512,
      );
    expect(sectors('nvme0n1')).toEqual([4643973, 39451633]);
    const devices = reading.snapshot.series.flatMap(({ id, labels }) => (id === 'disk_info' ? [labels[0]] : []));
    expect(devices).toEqual(['sda', 'mmcblk0', 'vda', 'nvme0n1', 'sdb', 'sdc']);
    const later = (device: string) =>
      (['disk_discards_completed_total', 'disk_flush_requests_total'] as const).map((id) =>
        reading.value(id, { device }),
      );
    expect([later('sda'), later('sdb'), later('sdc')]).toEqual([
      ['unsupported', 'unsupported'],
      [68851, 'unsupported'],
      [18851, 1555],
    ]);
  });

  it('pressure: totals in microseconds, irq with one line', async () => {
    const reading = await read(pressure, layOut(root));
    expect(
      (
        [
          'pressure_cpu_waiting_seconds_total',
          'pressure_io_waiting_seconds_total',
          'pressure_io_stalled_seconds_total',
          'pressure_memory_waiting_seconds_total',
          'pressure_irq_stalled_seconds_total',
        ] as const
      ).map((id) => reading.value(id)),
    ).toEqual([14036781, 159886802, 159229614, 0, 8494]);
  });

  it('stat: eight CPUs, guest time not counted twice', async () => {
    const reading = await read(cpu, layOut(root));
    const ticks = (mode: string) => reading.value('cpu_seconds_total', { mode });
    // Sums of the eight lines, by hand. guest (36 on the first line) is inside user.
    expect(['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'].map(ticks)).toEqual([
      301851, 610, 111920, 8979001, 3548, 1, 3940, 0,
    ]);
    expect(reading.value('cpus', { numa_node: '0' })).toBe(8);
    expect([reading.value('procs_running'), reading.value('procs_blocked')]).toEqual([2, 0]);
    expect([reading.amount('load1'), reading.amount('load5'), reading.amount('load15')]).toEqual([0.21, 0.37, 0.39]);
  });

  it('meminfo and vmstat of an old kernel: no MemAvailable, one allocstall', async () => {
    const reading = await read(memory, layOut(root));
    expect(reading.value('memory_total_bytes')).toBe(3742148 * 1024);
    expect(reading.value('memory_available_bytes')).toBe('unsupported');
    expect(reading.value('memory_cached_bytes')).toBe(930888 * 1024);
    expect(reading.value('vmstat_pgmajfault_total')).toBe(507162);
    expect(reading.value('vmstat_allocstall_total')).toBe(83165);
    expect(reading.value('vmstat_oom_kill_total')).toBe(0);
  });
});

describe.skipIf(!present)('node_exporter-sys', () => {
  it('a drive of 16 GT/s that runs at 8, and its temperature', async () => {
    const reading = await read(nvme, layOut('host/node_exporter-sys'));
    const link = (['generation', 'generation_max', 'width', 'width_max'] as const).map((part) =>
      reading.value(`nvme_pcie_link_${part}`, { controller: 'nvme0' }),
    );
    expect(link).toEqual([3, 4, 4, 4]);
    expect(reading.amount('nvme_temperature_celsius', { controller: 'nvme0' })).toBe(43.85);
  });

  it('CPUs by NUMA node, one node without any', async () => {
    const laidOut = layOut('host/node_exporter-sys');
    writeTree(laidOut.root, { 'proc/stat': text('node_exporter/proc/stat').replace(/^cpu[4-7].*\n/gm, '') });
    const reading = await read(cpu, laidOut);
    const nodes = reading.snapshot.series.flatMap(({ id, labels, steps }) =>
      id === 'cpus' ? [[labels[0], steps]] : [],
    );
    expect(nodes).toEqual([
      ['0', 2],
      ['1', 2],
    ]);
  });
});

describe.skipIf(!present)('gcm-pci', () => {
  it('ten drives by their PCI address alone, four lanes of 16 GT/s', async () => {
    const reading = await read(nvme, layOut('host/gcm-pci/compute_samsung980pro.json'));
    const addresses = reading.snapshot.series.flatMap(({ id, labels }) => (id === 'nvme_info' ? [labels.at(-1)] : []));
    expect(addresses.map((address) => address?.slice(9, 11))).toEqual([
      '08',
      '09',
      '22',
      '23',
      '52',
      '53',
      '89',
      '8a',
      'ca',
      'cb',
    ]);
    const links = Array.from({ length: 10 }, (_, index) => ({ controller: `nvme${index}` })).map((controller) => [
      reading.value('nvme_pcie_link_generation', controller),
      reading.value('nvme_pcie_link_width', controller),
    ]);
    expect(links).toEqual(Array.from({ length: 10 }, () => [4, 4]));
  });
});

describe.skipIf(!present)('qemu-6.1', () => {
  it('pressure under load', async () => {
    const parts = new Map(
      text('qemu-6.1/pressure-under-load.txt')
        .split('== ')
        .slice(1)
        .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
    );
    const files = ['cpu', 'io', 'memory'].map((name) => [`proc/pressure/${name}`, parts.get(name) ?? ''] as const);
    const reading = await read(
      pressure,
      layOutInto((root) => {
        writeTree(root, Object.fromEntries(files));
      }),
    );
    expect(reading.value('pressure_cpu_waiting_seconds_total')).toBe(54293700);
    expect(reading.value('pressure_io_waiting_seconds_total')).toBe(1983350);
    expect(reading.value('pressure_io_stalled_seconds_total')).toBe(106417);
    expect(reading.value('pressure_irq_stalled_seconds_total')).toBe('unsupported');
  });

  it('stat under load: two CPUs, six runnable', () => {
    const stat = new ProcStatParser().parse(Buffer.from(text('qemu-6.1/proc-stat-under-load.txt')), 'stat');
    expect(stat.cpus).toEqual([0, 1]);
    expect([stat.running, stat.blocked, stat.bootSeconds]).toEqual([6, 0, 1795463151]);
    expect([...stat.times.slice(0, cpuModes.length)]).toEqual([5033, 0, 5934, 3546, 6, 0, 217, 0]);
  });
});

describe.skipIf(!present)('telegraf-cgroup-v2', () => {
  it('pressure of a cgroup', () => {
    const parse = (name: string) => ({
      ...new PressureParser().parse(Buffer.from(text(`telegraf-cgroup-v2/${name}.pressure`)), name),
    });
    expect(parse('io')).toEqual({ some: 185162400, full: 184607952 });
    expect(parse('cpu')).toEqual({ some: 293391454, full: 277111656 });
  });
});

// Disks and NVMe controllers over the corpus, against the facts of ../shared/corpus/nvme/SOURCES.md.
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentMetricId } from '#agent/contract';
import { block } from '../../agent/collectors/block.ts';
import type { Collector } from '../../agent/collectors/collector.ts';
import { nvme } from '../../agent/collectors/nvme.ts';
import { BlockStatParser } from '../../agent/parse/block-stat.ts';
import { readAll, startReading, type Reading } from '../doubles/reading.ts';
import { hasCorpus, layOut, layOutInto, type LaidOut } from './loader.ts';
import { layOutQemu, readRecording, statsAt } from './qemu.ts';
import { writeLinks, writeTree } from './write-tree.ts';

const present = hasCorpus('corpus/nvme');
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

const values = (reading: Reading, device: string, ids: readonly AgentMetricId[]) =>
  ids.map((id) => reading.value(id, { device }));
const readAndWritten = ['disk_read_bytes_total', 'disk_written_bytes_total'] as const;
const devicesOf = (reading: Reading): readonly string[] =>
  reading.snapshot.series.flatMap(({ id, labels }) => (id === 'disk_info' ? [labels[0] ?? ''] : [])).toSorted();

describe.skipIf(!present)('procfs-sysfs', () => {
  it('disk: 17 fields of stat', async () => {
    const reading = await read(block, layOut('nvme/procfs-sysfs/fixtures'));
    expect(devicesOf(reading)).toEqual(['nvme0n1']);
    expect(
      values(reading, 'nvme0n1', [
        'disk_reads_completed_total',
        'disk_read_bytes_total',
        'disk_writes_completed_total',
        'disk_io_now',
        'disk_io_time_seconds_total',
      ]),
    ).toEqual([61050, 2_151_470_592, 83902, 0, 20551]);
    expect(reading.labels('disk_info', { device: 'nvme0n1' })).toMatchObject({
      model: 'CT2000P3SSD8',
      serial: '2328E6EDD8A7',
      kind: 'nvme',
      controller: 'nvme0',
      numa_node: '',
      pci_bus_id: '00000000:01:00.0',
    });
  });

  it('controller: full link, temperature of the composite sensor alone', async () => {
    const reading = await read(nvme, layOut('nvme/procfs-sysfs/fixtures'));
    const controller = { controller: 'nvme0' };
    expect(
      (['generation', 'generation_max', 'width', 'width_max'] as const).map((part) =>
        reading.value(`nvme_pcie_link_${part}`, controller),
      ),
    ).toEqual([3, 3, 4, 4]);
    expect(reading.amount('nvme_temperature_celsius', { ...controller, sensor: 'composite' })).toBe(43.85);
    expect(reading.snapshot.series.filter(({ id }) => id === 'nvme_temperature_celsius')).toHaveLength(1);
  });

  it('subsystems: one of three paths dead, one of two connecting', async () => {
    const reading = await read(nvme, layOut('nvme/procfs-sysfs/fixtures'));
    const paths = (device: string) => values(reading, device, ['nvme_paths', 'nvme_paths_up']);
    expect([paths('nvme-subsys0'), paths('nvme-subsys1')]).toEqual([
      [3, 2],
      [2, 1],
    ]);
    const up = (controller: string) => reading.value('nvme_controller_up', { controller });
    expect(['nvme0', 'nvme1', 'nvme2', 'nvme3', 'nvme4'].map(up)).toEqual([1, 1, 0, 1, 0]);
  });
});

describe.skipIf(!present)('libnvme tree, head and paths both count', () => {
  it('counts the dual-ported drive once', async () => {
    const reading = await read(block, layOut('nvme/libnvme/tree-pcie.tar.xz'));
    expect(devicesOf(reading)).toEqual(['nvme0n1', 'nvme1n1']);
    expect(values(reading, 'nvme1n1', ['disk_reads_completed_total', 'disk_read_bytes_total'])).toEqual([
      49,
      5728 * 512,
    ]);
    // The head's own times are 0; its path has 4 ms.
    expect(values(reading, 'nvme1n1', ['disk_read_time_seconds_total', 'disk_io_time_weighted_seconds_total'])).toEqual(
      [4, 4],
    );
    expect(values(reading, 'nvme0n1', ['disk_reads_completed_total', 'disk_read_bytes_total'])).toEqual([
      50,
      5856 * 512,
    ]);
    expect(reading.labels('disk_info', { device: 'nvme1n1' })).toMatchObject({ controller: 'nvme1,nvme2' });
  });

  it('has two live paths to it, none to the single-ported one', async () => {
    const reading = await read(nvme, layOut('nvme/libnvme/tree-pcie.tar.xz'));
    expect(values(reading, 'nvme1n1', ['nvme_paths', 'nvme_paths_up'])).toEqual([2, 2]);
    expect(reading.value('nvme_paths', { device: 'nvme0n1' })).toBeUndefined();
    expect(reading.labels('nvme_info', { controller: 'nvme0' })).toMatchObject({
      transport: 'pcie',
      address: '0214:90:00.0',
      pci_bus_id: '00000214:90:00.0',
    });
  });
});

describe.skipIf(!present)('qemu-6.1', () => {
  it('multipath: the head counts nothing, its hidden path everything', async () => {
    const after = statsAt('multipath-count.txt', 'after_16MiB_write_8MiB_read_nvme1n1');
    const reading = await read(block, layOutQemu(after));
    expect(devicesOf(reading)).toEqual(['nvme1n1', 'nvme2n1', 'nvme3n1']);
    // 8 MiB read on top of the 24 sectors of the time before, 16 MiB written.
    expect(values(reading, 'nvme1n1', readAndWritten)).toEqual([24 * 512 + 8 * 2 ** 20, 16 * 2 ** 20]);
    expect(values(reading, 'nvme3n1', readAndWritten)).toEqual([24 * 512, 0]);
  });

  it('disks are told apart by their wwid: controller numbers are not those of the disks', async () => {
    const reading = await read(block, layOutQemu({}));
    const facts = (device: string) => reading.labels('disk_info', { device });
    expect(facts('nvme1n1')).toMatchObject({
      wwid: 'nvme.1b36-4c4142534841524544-51454d55204e564d65204374726c-00000001',
      controller: 'nvme0,nvme1',
    });
    expect(facts('nvme2n1')?.['wwid']).toBe('nvme.1b36-4c414230534e30303031-51454d55204e564d65204374726c-00000001');
    expect(new Set(devicesOf(reading).map((device) => facts(device)?.['wwid'])).size).toBe(3);
  });

  it('controllers: values without their padding, no link inside the root complex', async () => {
    const reading = await read(nvme, layOutQemu({}));
    expect(reading.labels('nvme_info', { controller: 'nvme0' })).toMatchObject({
      model: 'QEMU NVMe Ctrl',
      firmware_version: '7.2.22',
      numa_node: '',
    });
    expect(reading.value('nvme_pcie_link_generation', { controller: 'nvme0' })).toBeUndefined();
    expect(reading.value('nvme_pcie_link_width_max', { controller: 'nvme0' })).toBeUndefined();
    expect(reading.value('nvme_pcie_link_generation', { controller: 'nvme2' })).toBe(1);
    expect(reading.amount('nvme_temperature_celsius', { controller: 'nvme2' })).toBe(49.85);
    expect(values(reading, 'nvme1n1', ['nvme_paths', 'nvme_paths_up'])).toEqual([2, 2]);
  });

  it('partition: its 16384 sectors are inside the disk and counted once', async () => {
    const before = await read(block, layOutStack('partition-count.txt', 'parts'));
    const [start] = values(before, 'nvme2n1', ['disk_read_bytes_total']);
    tree?.remove();
    const after = await read(block, layOutStack('partition-count.txt', 'after_8MiB_read_p1'));
    expect(Number(after.value('disk_read_bytes_total', { device: 'nvme2n1' })) - Number(start)).toBe(8 * 2 ** 20);
    expect(devicesOf(after)).toEqual(['nvme1n1', 'nvme2n1', 'nvme3n1']);
  });

  it('md and dm: 16 MiB through both are 16 MiB of the leaves', async () => {
    const total = (reading: Reading) =>
      devicesOf(reading).reduce((sum, device) => sum + Number(reading.value('disk_read_bytes_total', { device })), 0);
    const before = total(await read(block, layOutStack('stack-count.txt', 'before')));
    tree?.remove();
    const after = await read(block, layOutStack('stack-count.txt', 'after_16MiB_read_dm0'));
    expect(total(after) - before).toBe(32768 * 512);
    const members = after.snapshot.series.flatMap(({ id, labels }) => (id === 'disk_member_info' ? [labels] : []));
    expect(members).toEqual([
      ['dm-0', 'nvme2n1'],
      ['dm-0', 'nvme3n1'],
      ['md0', 'nvme2n1'],
      ['md0', 'nvme3n1'],
    ]);
  });

  it('NVMe over TCP: counted by its path, known as fabrics', async () => {
    const laidOut = layOutTcp();
    const reading = await read(block, laidOut);
    expect(values(reading, 'nvme4n1', readAndWritten)).toEqual([8216 * 512, 0]);
    expect(reading.labels('disk_info', { device: 'nvme4n1' })).toMatchObject({ kind: 'nvme_fabrics', pci_bus_id: '' });
    const controllers = await read(nvme, laidOut);
    expect(controllers.labels('nvme_info', { controller: 'nvme4' })).toMatchObject({
      transport: 'tcp',
      address: 'traddr=127.0.0.1,trsvcid=4420,src_addr=127.0.0.1',
      numa_node: '',
      pci_bus_id: '',
    });
    expect(controllers.value('nvme_pcie_link_generation')).toBeUndefined();
  });

  it('series of sync writes: the gain of one second, and idle', () => {
    const parser = new BlockStatParser();
    const lines = readRecording('nvme2-stat-series.txt')
      .split('\n')
      .filter((line) => line.startsWith(' '));
    const samples = lines.map((line) => [...parser.parse(Buffer.from(`${line}\n`), 'stat')]);
    const gain = (from: number, to: number): readonly number[] =>
      (samples[to] ?? []).map((value, field) => Number(value) - Number(samples[from]?.[field]));
    const [writes, sectors, writeMs, busyMs, flushes] = [4, 6, 7, 9, 15].map((field) => gain(0, 1)[field]);
    expect([writes, sectors, writeMs, busyMs, flushes]).toEqual([2791, 11160, 557, 532, 1395]);
    expect(new Set(gain(3, 4))).toEqual(new Set([0]));
  });

  it('a fixed service time: busy time says little, IOPS and queue everything', () => {
    const parser = new BlockStatParser();
    const rows = readRecording('util-vs-queue-depth.txt').split('\n').filter(Boolean);
    const seen = rows.map((row) => {
      const [, dtMs = '', a = '', b = ''] = /dt_ms=(\d+).* A: (.*) B: (.*)$/.exec(row) ?? [];
      const [first, last] = [a, b].map((text) => [...parser.parse(Buffer.from(text), 'stat')].map(Number));
      const gain = (field: number): number => (last?.[field] ?? 0) - (first?.[field] ?? 0);
      return {
        busy: Math.round((100 * gain(9)) / Number(dtMs)),
        iops: Math.floor((1000 * gain(0)) / Number(dtMs)),
        queue: Number((gain(10) / Number(dtMs)).toFixed(1)),
        awaitMs: Number((gain(3) / gain(0)).toFixed(1)),
      };
    });
    expect(seen).toEqual([
      { busy: 93, iops: 91, queue: 0.9, awaitMs: 10.3 },
      { busy: 96, iops: 723, queue: 7.5, awaitMs: 10.3 },
      { busy: 99, iops: 5810, queue: 59.8, awaitMs: 10.3 },
    ]);
  });

  it('proc/diskstats with 64 rows of 17 fields, longer than one page', async () => {
    const reading = await read(
      block,
      layOutInto((root) => {
        writeTree(root, { 'proc/diskstats': readRecording('proc-diskstats-60dev.txt') });
      }),
    );
    const names = readRecording('proc-diskstats-60dev.txt')
      .split('\n')
      .flatMap((line) => line.trim().split(/\s+/)[2] ?? []);
    const whole = names.filter((name) => /^(?:vd[a-z]+|nullb\d+|nvme\d+n\d+)$/.test(name));
    expect(whole.length).toBeGreaterThan(0);
    expect(devicesOf(reading)).toEqual(whole.toSorted());
  });
});

/** nvme2n1 with two partitions; md0 over nvme3n1 and the second of them; dm-0 over md0. */
function layOutStack(file: string, moment: string): LaidOut {
  const stats = statsAt(file, moment);
  const laidOut = layOutQemu(stats);
  const disk = '/sys/devices/pci0000:00/0000:00:06.0/0000:01:00.0/nvme/nvme2/nvme2n1';
  const other = '/sys/devices/pci0000:00/0000:00:07.0/0000:02:00.0/nvme/nvme3/nvme3n1';
  const [md, dm] = ['/sys/devices/virtual/block/md0', '/sys/devices/virtual/block/dm-0'];
  const none = `${'0 '.repeat(17)}\n`;
  writeTree(laidOut.root, {
    [`${disk}/nvme2n1p1/partition`]: '1\n',
    [`${disk}/nvme2n1p1/stat`]: stats['nvme2n1p1'] ?? none,
    [`${disk}/nvme2n1p2/partition`]: '2\n',
    [`${disk}/nvme2n1p2/stat`]: stats['nvme2n1p2'] ?? none,
  });
  if (stats['md0'] === undefined) return laidOut;
  writeTree(laidOut.root, { [`${md}/stat`]: stats['md0'], [`${dm}/stat`]: stats['dm-0'] ?? none });
  writeLinks(laidOut.root, {
    '/sys/block/md0': md,
    '/sys/block/dm-0': dm,
    [`${md}/slaves/nvme2n1p2`]: `${disk}/nvme2n1p2`,
    [`${md}/slaves/nvme3n1`]: other,
    [`${dm}/slaves/md0`]: md,
  });
  return laidOut;
}

function layOutTcp(): LaidOut {
  const controller = '/sys/devices/virtual/nvme-fabrics/ctl/nvme4';
  const subsystem = '/sys/devices/virtual/nvme-subsystem/nvme-subsys4';
  const rows = new Map(
    readRecording('nvme-tcp-diskstats.txt')
      .split('\n')
      .map((line) => [line.trim().split(/\s+/)[2] ?? '', line.trim().split(/\s+/).slice(3).join(' ')]),
  );
  return layOutInto((root) => {
    const files = readRecording('nvme-tcp-sysfs.tsv')
      .split('\n')
      .flatMap((line) => {
        const [path = '', text] = line.split('\t');
        return text === undefined
          ? []
          : [[`${controller}/${path.split('/').at(-1) ?? ''}`, text.replaceAll('~', '\n')]];
      });
    writeTree(root, Object.fromEntries(files) as Record<string, string>); // pairs made two lines above
    writeTree(root, {
      [`${controller}/nvme4c4n1/stat`]: `${rows.get('nvme4c4n1') ?? ''}\n`,
      [`${controller}/nvme4c4n1/hidden`]: '1\n',
      [`${subsystem}/nvme4n1/stat`]: `${rows.get('nvme4n1') ?? ''}\n`,
      [`${subsystem}/nvme4n1/hidden`]: '0\n',
    });
    writeLinks(root, {
      '/sys/class/nvme/nvme4': controller,
      '/sys/class/nvme-subsystem/nvme-subsys4': subsystem,
      [`${subsystem}/nvme4`]: controller,
      '/sys/block/nvme4n1': `${subsystem}/nvme4n1`,
      '/sys/block/nvme4c4n1': `${controller}/nvme4c4n1`,
    });
  });
}

// What every collector keeps on every recorded machine: no throw, its deadline, its own rows, no duplicates, the root.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { absenceReasons, agentCatalogue, areas } from '#agent/contract';
import type { Collector, Reader } from '../../../agent/collectors/collector.ts';
import { collectors } from '../../../agent/collectors/index.ts';
import { Tree } from '../../../agent/sources/tree.ts';
import { corpusDirectory, layOut, type LaidOut } from '../../corpus/loader.ts';
import { startReading, type Reading } from '../../doubles/reading.ts';
import { layStep } from '../../doubles/steps.ts';

const DEADLINE_MS = 1000;
const fixtures = join(import.meta.dirname, '../../fixtures');

/** A recorded machine: the steps that are laid over one root one after another. */
interface Machine {
  readonly name: string;
  readonly steps: readonly string[];
}

const corpusTrees = [
  'infiniband/sysfs/procfs-a',
  'infiniband/sysfs/nodeexporter-b',
  'infiniband/sysfs/gcm-node/learn_good.json',
  'nvme/procfs-sysfs/fixtures',
  'nvme/libnvme/tree-pcie.tar.xz',
  'host/node_exporter',
  'host/node_exporter-sys',
  'host/lustre-client-hpe',
  'host/gcm-pci/compute_samsung980pro.json',
];
const laidOut: LaidOut[] = existsSync(corpusDirectory) ? corpusTrees.map(layOut) : [];
const machines: readonly Machine[] = [
  ...fixtureMachines(),
  ...laidOut.map(({ root }, index) => ({ name: `corpus ${corpusTrees[index] ?? ''}`, steps: [root] })),
];
afterAll(() => {
  for (const one of laidOut) one.remove();
});

let base: string;
let root: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'whyidle-contract-'));
  root = join(base, 'root');
  mkdirSync(root);
});
afterEach(() => {
  rmSync(base, { recursive: true, force: true });
});

/** test/fixtures/AREA/MACHINE/{0,1,…} or, where there are no steps, the machine's files at once. */
function fixtureMachines(): readonly Machine[] {
  return areas
    .filter((area) => existsSync(join(fixtures, area)))
    .flatMap((area) =>
      directoriesIn(join(fixtures, area)).map((machine) => {
        const steps = directoriesIn(machine).filter((step) => /\/\d+$/.test(step));
        return { name: relative(fixtures, machine), steps: steps.length > 0 ? steps : [machine] };
      }),
    );
}

function directoriesIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .toSorted((a, b) => Number(a) - Number(b) || a.localeCompare(b))
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isDirectory());
}

async function withinDeadline(what: string, work: () => unknown): Promise<void> {
  const startMs = performance.now();
  await work();
  expect(performance.now() - startMs, `${what} is in time`).toBeLessThan(DEADLINE_MS);
}

async function readTwice(reader: Reader): Promise<void> {
  await withinDeadline('discover', () => reader.discover());
  for (const round of [1, 2]) {
    for (const lane of ['fast', 'medium', 'slow'] as const) {
      await withinDeadline(`${lane} reading ${round}`, () => reader.read(lane));
    }
  }
}

function checkSeries({ area }: Collector, { snapshot }: Reading): void {
  const keys = snapshot.series.map(({ id, labels }) => JSON.stringify([id, ...labels]));
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  for (const { id, row, labels, state, steps } of snapshot.series) {
    expect(row).toBe(agentCatalogue[id]);
    expect([area, 'agent']).toContain(row.area);
    expect(labels).toHaveLength(row.labels.length);
    // Present with whole steps, or absent with a reason of the closed set.
    if (state === 0)
      expect(typeof steps === 'bigint' || Number.isSafeInteger(steps), `${id} ${String(steps)}`).toBe(true);
    else expect(absenceReasons[state - 1]).toBeDefined();
    if (row.kind === 'counter' && state === 0) expect(steps >= 0, `${id} ${String(steps)}`).toBe(true);
  }
  // An area that shows nothing says why.
  if (snapshot.series.every(({ row }) => row.area !== area)) {
    expect(snapshot.series.map(({ id, labels }) => [id, labels[0], labels[1]])).toContainEqual([
      'unavailable',
      area,
      '',
    ]);
  }
}

describe.each(collectors.map((collector) => [collector.area, collector] as const))('%s', (_, collector) => {
  it.each(machines.map((machine) => [machine.name, machine] as const))('%s', async (__, { steps }) => {
    const reading = startReading(collector, root);
    for (const step of steps) {
      layStep(step, root);
      await readTwice(reading.reader);
      checkSeries(collector, reading);
    }
    await reading.reader.stop();
    expect(reading.lines()).toEqual([]);
  });

  it('an empty root', async () => {
    const reading = startReading(collector, root);
    await readTwice(reading.reader);
    checkSeries(collector, reading);
    await reading.reader.stop();
  });

  it('a root whose every link leads out of it', async () => {
    const reading = startReading(collector, root);
    for (const path of ['proc', 'sys', 'etc', 'dev']) symlinkSync(`/${path}`, join(root, path));
    await readTwice(reading.reader);
    // `/proc` inside the root is a link to itself: nothing of the host is there.
    const seen = reading.snapshot.series.filter(({ row, state }) => row.area === collector.area && state === 0);
    expect(seen.filter(({ id }) => id !== 'node_info')).toEqual([]);
    await reading.reader.stop();
  });

  it('a root with links up and out to files that would be believed', async () => {
    layTrap();
    const reading = startReading(collector, root);
    await readTwice(reading.reader);
    checkSeries(collector, reading);
    const told = JSON.stringify(reading.lines());
    expect(told).not.toContain('424242');
    expect(told).not.toContain('canary');
    await reading.reader.stop();
  });

  it('files full of garbage', async () => {
    layGarbage();
    const reading = startReading(collector, root);
    await readTwice(reading.reader);
    checkSeries(collector, reading);
    await reading.reader.stop();
  });
});

/** Beside the root, files with telling content; inside it, links that try to reach them. */
function layTrap(): void {
  const files: Readonly<Record<string, string>> = {
    'proc/stat': 'cpu0 424242 0 0 0 0 0 0 0\nbtime 424242\n',
    'proc/meminfo': 'MemTotal: 424242 kB\n',
    'proc/vmstat': 'pgmajfault 424242\n',
    'proc/net/dev': `h\nh\ncanary: ${'424242 '.repeat(16)}\n`,
    'proc/pressure/cpu': 'some avg10=0 total=424242\n',
    'proc/self/mountinfo': '1 0 8:1 / /canary rw - ext4 /dev/canary rw\n',
    'proc/sys/kernel/osrelease': 'canary\n',
    'etc/os-release': 'PRETTY_NAME=canary\n',
    'sys/block/sda/stat': '424242 '.repeat(17),
    'proc/self/mountstats':
      'device canary:/x mounted on /canary with fstype nfs4 statvers=1.1\n\tbytes:\t0 0 0 0 424242 0 0 0\n',
    'proc/driver/nvidia-fs/stats': 'NVFS statistics(ver: 4.0)\nOps : Read=424242 Write=0\n',
    'sys/kernel/debug/lustre/llite/lfs-1/stats': 'open 424242 samples [reqs]\n',
    'sys/class/nvme/nvme0/model': 'canary\n',
    'sys/bus/pci/devices/0000:01:00.0/class': '0x010802\n',
    'sys/bus/pci/devices/0000:01:00.0/aer_dev_correctable': 'canary 424242\n',
    'sys/devices/system/edac/mc/mc0/ce_count': '424242\n',
    'sys/class/hwmon/hwmon0/name': 'coretemp\n',
    'sys/class/hwmon/hwmon0/temp1_input': '42424\n',
    'sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count': '424242\n',
    'sys/devices/system/node/node0/numastat': 'numa_miss 424242\n',
    'sys/fs/cgroup/system.slice/slurmstepd.scope/job_1/cpu.stat': 'usage_usec 424242\n',
    'sys/class/infiniband/mlx5_0/ports/1/counters/port_rcv_data': '424242\n',
  };
  for (const [path, text] of Object.entries(files)) {
    writeAt(join(base, path), text);
    const link = join(root, path);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(`${'../'.repeat(path.split('/').length)}${path}`, link);
  }
}

function layGarbage(): void {
  const paths = [
    'proc/stat',
    'proc/loadavg',
    'proc/meminfo',
    'proc/vmstat',
    'proc/net/dev',
    'proc/diskstats',
    'proc/pressure/cpu',
    'proc/pressure/io',
    'proc/self/mountinfo',
    'proc/self/mountstats',
    'proc/driver/nvidia-fs/stats',
    'sys/kernel/debug/lustre/llite/lfs-1/stats',
    'etc/os-release',
    'sys/devices/system/node/node0/cpulist',
    'sys/devices/system/node/node0/numastat',
    'sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count',
    'sys/devices/pci0000:00/0000:01:00.0/aer_dev_correctable',
    'sys/devices/pci0000:00/0000:01:00.0/aer_dev_fatal',
    'sys/devices/system/edac/mc/mc0/ce_count',
    'sys/devices/system/edac/mc/mc0/ue_count',
    'sys/class/hwmon/hwmon0/temp1_input',
    'sys/class/hwmon/hwmon0/temp1_label',
    'sys/class/hwmon/hwmon0/fan1_input',
    'sys/fs/cgroup/system.slice/slurmstepd.scope/job_1/cpu.stat',
    'sys/fs/cgroup/system.slice/slurmstepd.scope/job_1/io.stat',
    'sys/fs/cgroup/system.slice/slurmstepd.scope/job_1/cpu.pressure',
    'sys/fs/cgroup/memory/slurm/uid_1/job_2/memory.usage_in_bytes',
    'sys/block/sda/stat',
    'sys/block/sda/size',
    'sys/class/nvme/nvme0/state',
    'sys/class/nvme/nvme0/hwmon0/temp1_input',
    'sys/class/net/eth0/speed',
    'sys/class/infiniband/mlx5_0/ports/1/state',
    'sys/class/infiniband/mlx5_0/ports/1/rate',
    'sys/class/infiniband/mlx5_0/ports/1/counters/port_rcv_data',
  ];
  for (const [index, path] of paths.entries()) {
    const garbage = [`\0\xff\x80${'9'.repeat(400)}\n`, 'x'.repeat(70_000), '-1 -1 -1\n', '\n\n\n', ''];
    writeAt(join(root, path), garbage[index % garbage.length] ?? '');
  }
  // Without these the files beside them would not be looked at.
  writeAt(join(root, 'sys/devices/pci0000:00/0000:01:00.0/class'), '0x010802\n');
  writeAt(join(root, 'sys/class/hwmon/hwmon0/name'), 'coretemp\n');
}

function writeAt(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, 'latin1');
}

it('a collector for every area that is read, each once', () => {
  const read = collectors.map(({ area }) => area);
  expect(new Set(read).size).toBe(read.length);
  expect(read.toSorted()).toEqual(
    areas.filter((area) => !['agent', 'verdict', 'fabric', 'server'].includes(area)).toSorted(),
  );
});

it('this machine itself', async () => {
  for (const collector of collectors) {
    const reading = startReading(collector, '/', { tree: new Tree() });
    await readTwice(reading.reader);
    checkSeries(collector, reading);
    await reading.reader.stop();
  }
});

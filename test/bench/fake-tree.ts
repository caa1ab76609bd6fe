// A large node's files for the bench: 8 adapters × 35 counters, 8 NVMe drives, 96 CPUs, 2,500 interrupts, values that move.
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hcaSpecs, portCounters, portPath, writeHcas } from '../doubles/infiniband/tree.ts';

const HCAS = 8;
const DRIVES = 8;
const CPUS = 96;
const INTERRUPTS = 2500;
/** Counters that move on a busy port; those of errors stand still. */
const MOVING_COUNTERS = 9;

/** A file that is written over in place, as the kernel's are read in place. Its text never gets shorter. */
interface LiveFile {
  readonly descriptor: number;
  readonly text: (second: number) => string;
}

export class FakeTree {
  readonly root: string;
  readonly #live: LiveFile[] = [];
  #second = 0;

  constructor(root: string) {
    this.root = root;
    writeHcas(root, hcaSpecs(HCAS));
    this.#addPorts();
    this.#addDrives();
    this.#addCpus();
    this.#addHost();
    this.advance();
  }

  /** One second later. */
  advance(): void {
    this.#second++;
    for (const { descriptor, text } of this.#live) writeSync(descriptor, text(this.#second), 0);
  }

  close(): void {
    for (const { descriptor } of this.#live) closeSync(descriptor);
  }

  #addPorts(): void {
    for (let hca = 0; hca < HCAS; hca++) {
      for (const [index, file] of portCounters.slice(0, MOVING_COUNTERS).entries()) {
        const path = join(portPath(this.root, `mlx5_${hca}`), 'counters', file);
        this.#live.push({
          descriptor: openSync(path, 'w'),
          text: (second) => `${10 ** 12 + second * (7919 * (index + 1) + 104_729 * hca)}\n`,
        });
      }
    }
  }

  #addDrives(): void {
    const stat = (drive: number, second: number): string =>
      [31, 2, 8191, 17, 11, 1, 4095, 9].map((rate) => 10 ** 9 + rate * second * (drive + 1)).join(' ') +
      ` ${second % 10} ${10 ** 9 + 640 * second} ${10 ** 9 + 900 * second} 0 0 0 0 0 0`;
    for (let drive = 0; drive < DRIVES; drive++) {
      const controller = `sys/devices/pci0000:80/0000:${(0x80 + drive).toString(16)}:00.0/nvme/nvme${drive}`;
      const disk = `${controller}/nvme${drive}n1`;
      this.#file(`${controller}/state`, 'live');
      this.#file(`${controller}/model`, 'Bench drive');
      this.#file(`${controller}/serial`, `B${drive}`);
      this.#file(`${controller}/transport`, 'pcie');
      this.#file(`${controller}/subsysnqn`, `nqn.2014.08.org.nvmexpress:bench${drive}`);
      this.#file(`${disk}/size`, '7501476528');
      this.#file(`${disk}/queue/rotational`, '0');
      this.#file(`${disk}/wwid`, `eui.${drive}`);
      this.#link(`${disk}/device`, '..');
      this.#link(`sys/class/nvme/nvme${drive}`, `../../../${controller}`);
      this.#link(`sys/block/nvme${drive}n1`, `../../${disk}`);
      this.#addLive(`${disk}/stat`, (second) => `${stat(drive, second)}\n`);
    }
    this.#addLive('proc/diskstats', (second) =>
      Array.from({ length: DRIVES }, (_, drive) => ` 259 ${drive} nvme${drive}n1 ${stat(drive, second)}\n`).join(''),
    );
  }

  #addCpus(): void {
    const half = CPUS / 2;
    this.#file('sys/devices/system/node/node0/cpulist', `0-${half - 1}`);
    this.#file('sys/devices/system/node/node1/cpulist', `${half}-${CPUS - 1}`);
    for (let cpu = 0; cpu < CPUS; cpu++) this.#file(`sys/devices/system/cpu/cpu${cpu}/topology/core_id`, String(cpu));
    const times = (second: number, of: number): string =>
      [61, 0, 9, 27, 2, 0, 1, 0, 0, 0].map((rate, at) => of * (10 ** 6 + second * rate + at)).join(' ');
    const interrupts = (second: number): string =>
      Array.from({ length: INTERRUPTS }, (_, irq) => (irq % 10 === 0 ? 10 ** 7 + second * irq : 0)).join(' ');
    this.#addLive('proc/stat', (second) =>
      [
        `cpu  ${times(second, CPUS)}`,
        ...Array.from({ length: CPUS }, (_, cpu) => `cpu${cpu} ${times(second, 1)}`),
        `intr ${10 ** 9 + second * 50_000} ${interrupts(second)}`,
        `ctxt ${10 ** 10 + second * 90_000}`,
        'btime 1790000000',
        `processes ${10 ** 6 + second}`,
        `procs_running ${2 + (second % 7)}`,
        'procs_blocked 0',
        'softirq 0 0 0 0 0 0 0 0 0 0 0',
        '',
      ].join('\n'),
    );
  }

  #addHost(): void {
    this.#file('proc/sys/kernel/hostname', 'bench');
    this.#file('proc/sys/kernel/osrelease', '6.8.0');
    this.#addLive('proc/loadavg', (second) => `${(40 + (second % 9)).toFixed(2)} 41.00 42.00 3/2048 99999\n`);
    const kilobytes = (second: number, at: number): string => String(10 ** 8 + second * at).padStart(12);
    this.#addLive('proc/meminfo', (second) =>
      memoryFields.map((field, at) => `${field}:${kilobytes(second, at)} kB\n`).join(''),
    );
    this.#addLive('proc/vmstat', (second) =>
      vmstatFields.map((field, at) => `${field} ${10 ** 8 + second * at}\n`).join(''),
    );
    for (const resource of ['cpu', 'io', 'memory']) {
      const line = (second: number): string => `avg10=1.00 avg60=1.00 avg300=1.00 total=${10 ** 9 + second * 4321}\n`;
      this.#addLive(`proc/pressure/${resource}`, (second) => `some ${line(second)}full ${line(second)}`);
    }
    this.#addLive('proc/net/dev', (second) =>
      [
        'Inter-|   Receive                                                |  Transmit',
        ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
        ...['lo', 'eth0', 'eth1', 'ib0'].map((name, at) => {
          const traffic = `${10 ** 11 + second * (at + 1) * 1_234_567} ${10 ** 9 + second * 999} 0 0 0 0 0 0`;
          return `${name}: ${traffic} ${traffic}`;
        }),
        '',
      ].join('\n'),
    );
    this.#file('proc/net/sockstat', 'sockets: used 290');
    this.#file(
      'proc/self/mountinfo',
      '22 1 259:0 / / rw,relatime - xfs /dev/nvme0n1 rw\n23 22 0:5 / /proc rw - proc proc rw',
    );
    for (const name of ['eth0', 'eth1', 'ib0']) {
      this.#file(`sys/devices/virtual/net/${name}/operstate`, 'up');
      this.#file(`sys/devices/virtual/net/${name}/speed`, '100000');
      this.#link(`sys/class/net/${name}`, `../../devices/virtual/net/${name}`);
    }
  }

  #addLive(path: string, text: (second: number) => string): void {
    this.#file(path, '');
    this.#live.push({ descriptor: openSync(join(this.root, path), 'w'), text });
  }

  #file(path: string, text: string): void {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, `${text}\n`);
  }

  #link(path: string, target: string): void {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    symlinkSync(target, full);
  }
}

const memoryFields = [
  ...['MemTotal', 'MemFree', 'MemAvailable', 'Buffers', 'Cached', 'SwapCached', 'Active', 'Inactive'],
  ...['Active(anon)', 'Inactive(anon)', 'Active(file)', 'Inactive(file)', 'Unevictable', 'Mlocked', 'SwapTotal'],
  ...['SwapFree', 'Zswap', 'Zswapped', 'Dirty', 'Writeback', 'AnonPages', 'Mapped', 'Shmem', 'KReclaimable', 'Slab'],
  ...['SReclaimable', 'SUnreclaim', 'KernelStack', 'PageTables', 'CommitLimit', 'Committed_AS', 'VmallocTotal'],
  ...['VmallocUsed', 'VmallocChunk', 'Percpu', 'HardwareCorrupted', 'AnonHugePages', 'ShmemHugePages'],
  ...['FileHugePages', 'FilePmdMapped', 'Hugepagesize', 'Hugetlb', 'DirectMap4k', 'DirectMap2M', 'DirectMap1G'],
];

/** As many as a kernel has; those that are read stand where they do there, past the middle. */
const vmstatFields = [
  ...Array.from({ length: 90 }, (_, index) => `nr_${index}`),
  ...['pgpgin', 'pgpgout', 'pswpin', 'pswpout', 'allocstall_dma', 'allocstall_normal', 'allocstall_movable'],
  ...['pgfault', 'pgmajfault', 'oom_kill'],
  ...Array.from({ length: 80 }, (_, index) => `thp_${index}`),
];

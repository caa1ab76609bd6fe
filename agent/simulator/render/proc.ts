// The kernel's own texts below proc: CPU, memory, pressure, load. proc(5), Documentation/accounting/psi.rst.
import type { NodeHardware } from '../hardware.ts';
import type { CpuTicks } from '../host-counters.ts';
import type { NodeState } from '../workload.ts';
import type { SlotText } from './slot-text.ts';
import type { TreeWriter } from './tree-writer.ts';

export function writeProc(tree: TreeWriter<NodeState>, hardware: NodeHardware): void {
  tree.live('proc/stat', (text) => {
    layOutStat(text, hardware);
  });
  tree.live('proc/meminfo', (text) => {
    layOutMeminfo(text, hardware);
  });
  tree.live('proc/vmstat', layOutVmstat);
  tree.live('proc/loadavg', layOutLoad);
  tree.live('proc/uptime', (text) => {
    text.slot({ width: 14, read: ({ timeS }) => (timeS + hardware.upAtStartS).toFixed(2) }).text(' 0.00\n');
  });
  tree.live('proc/pressure/cpu', (text) => {
    layOutPressure(text, 'some', 'cpu');
    text.text('full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n');
  });
  tree.live('proc/pressure/io', (text) => {
    layOutPressure(text, 'some', 'ioSome');
    layOutPressure(text, 'full', 'ioFull');
  });
  tree.file('proc/pressure/memory', NO_PRESSURE.replace('$', 'some') + NO_PRESSURE.replace('$', 'full'));
  writeCpuinfo(tree, hardware);
}

const NO_PRESSURE = '$ avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';
const GIB_IN_KIB = 1024 ** 2;

function layOutStat(text: SlotText<NodeState>, { cpus, bootTimeS }: NodeHardware): void {
  const ticks = (width: number, read: (state: NodeState) => number): void => {
    text.slot({ width, read }).text(' ');
  };
  const all = (pick: (cpu: CpuTicks) => number) => (state: NodeState) =>
    state.counters.cpus.reduce((sum, cpu) => sum + pick(cpu), 0);
  const line = (
    name: string,
    width: number,
    from: (pick: (cpu: CpuTicks) => number) => (state: NodeState) => number,
  ): void => {
    text.text(`${name} `);
    ticks(
      width,
      from((cpu) => cpu.user.whole),
    );
    text.text('0 ');
    ticks(
      width,
      from((cpu) => cpu.system.whole),
    );
    ticks(
      width,
      from((cpu) => cpu.idle.whole),
    );
    ticks(
      width,
      from((cpu) => cpu.iowait.whole),
    );
    text.text('0 0 0 0 0\n');
  };
  line('cpu ', 13, all);
  for (let cpu = 0; cpu < cpus; cpu++) {
    line(`cpu${cpu}`, 11, (pick) => (state) => {
      const one = state.counters.cpus[cpu];
      return one ? pick(one) : 0;
    });
  }
  text
    .text('intr ')
    .slot({ width: 16, read: ({ counters }) => counters.interrupts })
    .text(' 0 0 0 0\n');
  text
    .text('ctxt ')
    .slot({ width: 16, read: ({ counters }) => counters.contextSwitches })
    .text('\n');
  text
    .text(`btime ${bootTimeS}\nprocesses `)
    .slot({ width: 12, read: ({ counters }) => counters.forks })
    .text('\n');
  text
    .text('procs_running ')
    .slot({ width: 6, read: ({ load }) => load.running })
    .text('\n');
  text
    .text('procs_blocked ')
    .slot({ width: 6, read: ({ load }) => load.blocked })
    .text('\n');
  text.text('softirq 0 0 0 0 0 0 0 0 0 0 0\n');
}

function layOutMeminfo(text: SlotText<NodeState>, { platform }: NodeHardware): void {
  const total = platform.memoryKiB;
  const amount = (name: string, read: (state: NodeState) => number): void => {
    text
      .text(`${name}:`.padEnd(15))
      .slot({ width: 10, align: 'right', read: (state) => Math.round(read(state)) })
      .text(' kB\n');
  };
  const kib = (bytes: number): number => bytes / 1024;
  const free = ({ load }: NodeState): number =>
    Math.max(total - kib(load.memoryUsedBytes) - kib(load.cachedBytes), total * 0.01);
  amount('MemTotal', () => total);
  amount('MemFree', free);
  amount('MemAvailable', (state) => free(state) + kib(state.load.cachedBytes) * 0.97);
  amount('Buffers', () => 0.9 * GIB_IN_KIB);
  amount('Cached', ({ load }) => kib(load.cachedBytes));
  amount('SwapCached', () => 0);
  amount('Active', ({ load }) => kib(load.memoryUsedBytes * 0.8 + load.cachedBytes * 0.4));
  amount('Inactive', ({ load }) => kib(load.memoryUsedBytes * 0.1 + load.cachedBytes * 0.55));
  amount('SwapTotal', () => 0);
  amount('SwapFree', () => 0);
  amount('Dirty', ({ load }) => kib(load.dirtyBytes));
  amount('Writeback', ({ load }) => kib(load.dirtyBytes) * 0.05);
  amount('AnonPages', ({ load }) => kib(load.memoryUsedBytes) * 0.85);
  amount('Mapped', () => 1.6 * GIB_IN_KIB);
  amount('Shmem', () => 0.2 * GIB_IN_KIB);
  amount('Slab', () => 3.1 * GIB_IN_KIB);
  amount('PageTables', () => 0.3 * GIB_IN_KIB);
  amount('CommitLimit', () => total / 2);
  amount('Committed_AS', ({ load }) => kib(load.memoryUsedBytes) * 1.4);
}

function layOutVmstat(text: SlotText<NodeState>): void {
  text
    .text('pgmajfault ')
    .slot({ width: 14, read: ({ counters }) => counters.majorFaults })
    .text('\n');
  for (const name of QUIET_EVENTS) text.text(`${name} 0\n`);
}

const QUIET_EVENTS = [
  'pswpin',
  'pswpout',
  'allocstall_dma',
  'allocstall_dma32',
  'allocstall_normal',
  'allocstall_movable',
  'oom_kill',
];

/** Parted by single blanks; short enough to be one number of many parts. */
function layOutLoad(text: SlotText<NodeState>): void {
  const read = ({ counters, load }: NodeState): string =>
    `${counters.loadAverages.map((average) => average.toFixed(2)).join(' ')} ${load.running}/1893 41532`;
  text.slot({ width: 48, read }).text('\n');
}

function layOutPressure(text: SlotText<NodeState>, line: 'some' | 'full', kind: 'cpu' | 'ioSome' | 'ioFull'): void {
  text.text(`${line} `);
  for (const [index, span] of ['avg10', 'avg60', 'avg300'].entries()) {
    const read = ({ counters }: NodeState): string => ((counters.pressureAverages[kind][index] ?? 0) * 100).toFixed(2);
    text.slot({ width: 6, prefix: `${span}=`, read }).text(' ');
  }
  text.slot({ width: 16, prefix: 'total=', read: ({ counters }) => counters.pressure[kind] }).text('\n');
}

function writeCpuinfo(tree: TreeWriter<NodeState>, { cpus, numaCpus, platform }: NodeHardware): void {
  const one = (cpu: number): string =>
    [
      `processor\t: ${cpu}`,
      'vendor_id\t: GenuineIntel',
      `model name\t: ${platform.cpuModel}`,
      `physical id\t: ${Math.max(
        0,
        numaCpus.findIndex((list) => list.includes(cpu)),
      )}`,
      `siblings\t: ${platform.coresPerSocket * 2}`,
      `cpu cores\t: ${platform.coresPerSocket}`,
      '\n',
    ].join('\n');
  tree.file('proc/cpuinfo', Array.from({ length: cpus }, (_, cpu) => one(cpu)).join(''));
}

// Every tree of the corpus that a node's sysfs or procfs is in, laid out as a root.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { corpusDirectory, layOut, layOutInto, type LaidOut } from '../corpus/loader.ts';
import { layOutQemu } from '../corpus/qemu.ts';
import { parseRecording, writeTree } from '../corpus/write-tree.ts';

export interface RecordedTree {
  /** Below the corpus; what begins with one of these paths is in the tree. */
  readonly sources: readonly string[];
  readonly layOut: () => LaidOut;
  /** Series that node_exporter finds at least; 0 where it has nothing to find, and nothing may be made up. */
  readonly atLeast: number;
}

export const recordedTrees: readonly RecordedTree[] = [
  plain('infiniband/sysfs/procfs-a', 80),
  plain('infiniband/sysfs/nodeexporter-b', 50),
  plain('infiniband/sysfs/gcm-node/learn_good.json', 0),
  plain('infiniband/sysfs/gcm-node/learn_ib_intf_bad_rate.json', 0),
  plain('nvme/procfs-sysfs', 1, 'fixtures'),
  plain('nvme/libnvme/tree-pcie.tar.xz', 3),
  plain('host/node_exporter', 190),
  plain('host/node_exporter-sys', 0),
  plain('host/gcm-pci/compute_samsung980pro.json', 0),
  {
    sources: [
      'sys-class-nvme.tsv',
      'pcie.tsv',
      'hwmon.tsv',
      'sys-nvme-subsystem.tsv',
      'sys-block.tsv',
      'proc-diskstats-60dev.txt',
    ].map(ofQemu),
    layOut: () => withFiles(layOutQemu({}), { 'proc/diskstats': text(ofQemu('proc-diskstats-60dev.txt')) }),
    atLeast: 800,
  },
  {
    sources: ['nvme-tcp-sysfs.tsv', 'nvme-tcp-diskstats.txt'].map(ofQemu),
    layOut: () =>
      withFiles(recording(ofQemu('nvme-tcp-sysfs.tsv')), { 'proc/diskstats': text(ofQemu('nvme-tcp-diskstats.txt')) }),
    atLeast: 50,
  },
  {
    sources: ['host/qemu-6.1/pressure-under-load.txt'],
    layOut: () =>
      withFiles(
        layOutInto(() => undefined),
        pressureOf(text('host/qemu-6.1/pressure-under-load.txt')),
      ),
    atLeast: 5,
  },
  {
    sources: ['host/telegraf-cgroup-v2'],
    layOut: () =>
      withFiles(
        layOutInto(() => undefined),
        Object.fromEntries(
          ['cpu', 'io', 'memory'].map((name) => [
            `proc/pressure/${name}`,
            text(`host/telegraf-cgroup-v2/${name}.pressure`),
          ]),
        ),
      ),
    atLeast: 5,
  },
];

/** Recorded trees of which node_exporter shows less than we do; the reasons are in docs/node-exporter-differences.md. */
export const softwareRdma = 'host/qemu-6.1/rxe-sysfs.tsv';

/** Outputs of programs and files that no collector of node_exporter's four reads. */
const noTrees: readonly RegExp[] = [
  /\/SOURCES\.md$/,
  /^nvme\/(?:gcm-smartctl|scrutiny|smartctl_exporter)\//,
  /^nvme\/libnvme\/.*\.out\.txt$/,
  /^nvme\/qemu-6\.1\/.*\.json$/,
  /^nvme\/qemu-6\.1\/(?:smart-log|error-log|id-ctrl).*\.txt$/,
  /^nvme\/qemu-6\.1\/(?:multipath-count|partition-count|stack-count|util-vs-queue-depth|nvme2-stat-series)\.txt$/,
  /^host\/(?:gpfs|lustre-client-hpe|lustre-whamcloud|nvidia-fs)\//,
  /^host\/gcm-pci\/DGX_A100\.json$/,
  /^host\/qemu-6\.1\/proc-stat-under-load\.txt$/,
];

/** Files of the corpus' parts about nodes that no tree takes and that no line above explains. */
export function forgottenFiles(): readonly string[] {
  const sources = [...recordedTrees.flatMap((tree) => tree.sources), softwareRdma];
  return ['infiniband/sysfs', 'nvme', 'host']
    .flatMap(filesBelow)
    .filter((path) => !sources.some((source) => path === source || path.startsWith(`${source}/`)))
    .filter((path) => !noTrees.some((pattern) => pattern.test(path)));
}

export function recording(path: string): LaidOut {
  return layOutInto((root) => {
    writeTree(root, parseRecording(text(path)));
  });
}

function plain(path: string, atLeast: number, below = '.'): RecordedTree {
  return { sources: [path], layOut: () => layOut(join(path, below)), atLeast };
}

function ofQemu(file: string): string {
  return `nvme/qemu-6.1/${file}`;
}

function withFiles(laidOut: LaidOut, files: Readonly<Record<string, string>>): LaidOut {
  writeTree(laidOut.root, files);
  return laidOut;
}

/** `== cpu` before the lines of each file. */
function pressureOf(recorded: string): Readonly<Record<string, string>> {
  const parts = recorded.split(/^== /m).slice(1);
  return Object.fromEntries(
    parts.map((part) => {
      const [name = '', ...lines] = part.split('\n');
      return [`proc/pressure/${name}`, lines.join('\n')];
    }),
  );
}

function text(path: string): string {
  return readFileSync(join(corpusDirectory, path), 'utf8');
}

function filesBelow(path: string): readonly string[] {
  return readdirSync(join(corpusDirectory, path)).flatMap((name) => {
    const inner = `${path}/${name}`;
    return statSync(join(corpusDirectory, inner), { throwIfNoEntry: false })?.isDirectory()
      ? filesBelow(inner)
      : [inner];
  });
}

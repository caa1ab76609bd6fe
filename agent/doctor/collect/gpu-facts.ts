// What tree and files say of NVIDIA's driver, its library and its tools, and what one reading says of the GPUs.
// Nothing here opens a device of the driver: one that hangs would take us with it.
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { GpuSources } from '../../collectors/collector.ts';
import { readPciGpus } from '../../collectors/gpu/pci-tree.ts';
import { findNvmlLibrary } from '../../find-nvml.ts';
import type { Tree } from '../../sources/tree.ts';
import type { DriverFacts, GpuNodeFacts, LibraryFacts, ReaderFacts, ToolFacts } from '../facts.ts';
import type { SeriesFacts } from './series-facts.ts';
import { textOf } from './system-facts.ts';

export interface GpuSurroundings {
  readonly tree: Tree;
  readonly series: SeriesFacts;
  readonly sources: GpuSources;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What was logged while GPUs were read. */
  readonly said: readonly Said[];
}

export interface Said {
  readonly what: string;
  readonly message: string;
}

export function readGpuFacts(from: GpuSurroundings): GpuNodeFacts {
  const { tree, series } = from;
  const { gpus, switches } = readPciGpus(tree);
  return {
    onBus: gpus.filter(({ isPassedThrough }) => !isPassedThrough).length,
    switches: switches.length,
    driver: readDriver(tree),
    library: readLibrary(from),
    tools: readTools(from),
    reader: {
      ...readReader(series),
      problem: from.said.findLast(({ what }) => what === 'no GPU readings')?.message ?? '',
    },
    names: series.distinct('gpu_info', 'name'),
    architectures: series.distinct('gpu_info', 'arch'),
    answering: series.labelsWhere('gpu_up', 'gpu', 1).length,
    lost: series.labelsWhere('gpu_up', 'gpu', 0),
    withoutPersistence: series.labelsWhere('gpu_persistence_mode', 'gpu', 0),
    suspect: series.labelsWhere('gpu_dcp_suspect', 'gpu', 1),
    mig: series.labelsWhere('gpu_mig_mode', 'gpu', 1),
  };
}

function readDriver(tree: Tree): DriverFacts {
  const release = tree.word('proc/sys/kernel/osrelease') ?? '';
  return {
    version: driverVersion(textOf(tree, 'proc/driver/nvidia/version')),
    isInstalled: textOf(tree, `lib/modules/${release}/modules.dep`).includes('/nvidia.ko'),
    nouveau: tree.exists('sys/module/nouveau'),
    ...readDevice(tree),
  };
}

/** `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release Build` */
export function driverVersion(text: string): string | undefined {
  return /Kernel Module(?: for \S+)?\s+(\d+\.[\d.]+)/.exec(text)?.[1];
}

const DEVICE = 'dev/nvidiactl';

/** Only asked for, never opened. Below a root there are files, if anything. */
function readDevice(tree: Tree): Pick<DriverFacts, 'device' | 'deviceGroup'> {
  if (!tree.exists(DEVICE)) return { device: 'not_present', deviceGroup: '' };
  if (!tree.isHost) return { device: 'usable', deviceGroup: '' };
  try {
    accessSync(`/${DEVICE}`, constants.R_OK | constants.W_OK);
    return { device: 'usable', deviceGroup: '' };
  } catch {
    return { device: 'forbidden', deviceGroup: groupOf(tree, statSync(`/${DEVICE}`).gid) };
  }
}

function groupOf(tree: Tree, gid: number): string {
  return new RegExp(`^([^:]+):[^:]*:${gid}:`, 'm').exec(textOf(tree, 'etc/group'))?.[1] ?? '';
}

function readLibrary({ tree, sources, env, said }: GpuSurroundings): LibraryFacts {
  const path = sources.nvml ?? (tree.isHost ? findNvmlLibrary(env) : undefined);
  return {
    path,
    isAsked: sources.nvml !== undefined,
    version: path === undefined ? '' : libraryVersion(path),
    problem: said.findLast(({ what }) => what.startsWith('NVML'))?.message ?? '',
  };
}

/** The library is a link to `libnvidia-ml.so.535.183.01`. */
function libraryVersion(path: string): string {
  try {
    return /\.so\.(\d+\.[\d.]+)$/.exec(basename(realpathSync(path)))?.[1] ?? '';
  } catch {
    return ''; // named without its folder: the loader finds it
  }
}

const units = ['usr/lib/systemd/system', 'lib/systemd/system', 'etc/systemd/system'] as const;

function readTools({ tree, sources }: GpuSurroundings): ToolFacts {
  const hasUnit = (name: string): boolean => units.some((folder) => tree.exists(`${folder}/${name}`));
  return {
    nvidiaSmi: sources.nvidiaSmi !== undefined,
    dcgmi: sources.dcgmi !== undefined,
    dcgmExporter: sources.dcgmExporter,
    hostEngineRuns: runs(tree, 'nv-hostengine'),
    persistencedInstalled: hasUnit('nvidia-persistenced.service'),
    fabricManagerInstalled: hasUnit('nvidia-fabricmanager.service'),
  };
}

function runs(tree: Tree, name: string): boolean {
  return tree.names('proc').some((entry) => /^\d+$/.test(entry) && tree.word(`proc/${entry}/comm`) === name);
}

function readReader(series: SeriesFacts): Omit<ReaderFacts, 'problem'> {
  const up = series.value('gpu_reader_up');
  const fabricManager = series.value('fabric_manager_up');
  return {
    backend: series.distinct('gpu_reader_info', 'backend')[0] ?? '',
    profiling: series.distinct('gpu_reader_info', 'profiling')[0] ?? '',
    up: up === undefined ? undefined : up === 1,
    isStuck: series.value('gpu_reader_stuck') === 1,
    seen: series.value('gpus'),
    expected: series.value('gpus_expected'),
    missing: series.missing('gpu'),
    fabricManager: fabricManager === undefined ? undefined : fabricManager === 1,
  };
}

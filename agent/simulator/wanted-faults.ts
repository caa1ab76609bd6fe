// Faults that a rehearsal asks for: `storage@node07`, `thermal@node03/gpu5`. The words are those of causes.
import type { JobKind } from './jobs.ts';

/** By number of node and GPU. */
export interface GpuPlace {
  readonly node: number;
  readonly gpu: number;
}

export interface WantedFaults {
  readonly slowDrives: ReadonlySet<string>;
  readonly hotGpus: ReadonlySet<string>;
  /** GPUs whose clocks were left locked low. */
  readonly lockedGpus: ReadonlySet<string>;
  readonly lostGpus: readonly GpuPlace[];
  /** Jobs that hold the nodes from the beginning. */
  readonly residents: readonly { readonly kind: JobKind; readonly nodes: readonly number[] }[];
}

export const noWantedFaults: WantedFaults = {
  ...{ slowDrives: new Set(), hotGpus: new Set(), lockedGpus: new Set(), lostGpus: [], residents: [] },
};

export class FaultWordError extends Error {
  override name = 'FaultWordError';
}

type Make = (target: Target, faults: Mutable) => void;
interface Mutable {
  slowDrives: Set<string>;
  hotGpus: Set<string>;
  lockedGpus: Set<string>;
  lostGpus: GpuPlace[];
  residents: { kind: JobKind; nodes: readonly number[] }[];
}

interface Target {
  readonly node: number;
  readonly name: string;
  readonly gpu: number | undefined;
  readonly drive: number | undefined;
}

/** The drive that is worn unless another is named. */
const USUAL_DRIVE = 2;
/** Seconds after the start at which a GPU falls off its bus. */
export const LOST_AFTER_S = 60;

const resident =
  (kind: JobKind, nodes = 1): Make =>
  ({ node }, faults) => {
    // Nodes 1–8 have eight GPUs, 9–16 sixteen: a job takes equal ones.
    const other = node % 8 === 7 ? node - 1 : node + 1;
    faults.residents.push({ kind, nodes: nodes === 1 ? [node] : [node, other] });
  };

const eachGpu =
  (set: 'hotGpus' | 'lockedGpus'): Make =>
  (target, faults) => {
    for (const gpu of target.gpu === undefined ? gpusOf(target.node) : [target.gpu])
      faults[set].add(`${target.name}/${gpu}`);
    faults.residents.push({ kind: 'training', nodes: [target.node] });
  };

const kinds: Readonly<Record<string, Make>> = {
  'storage.nvme': ({ name, drive }, faults) => faults.slowDrives.add(`${name}/${drive ?? USUAL_DRIVE}`),
  'storage.network': resident('storage_bound'),
  'cpu.exhausted': resident('cpu_bound'),
  'cpu.too_few_workers': resident('too_few_workers'),
  'ib.bandwidth': resident('communication_bound', 2),
  thermal: eachGpu('hotGpus'),
  clocks_locked: eachGpu('lockedGpus'),
  fault: ({ node, gpu = 0 }, faults) => faults.lostGpus.push({ node, gpu }),
  'held.idle': resident('notebook'),
  'held.no_process': resident('empty'),
};

const families: Readonly<Record<string, string>> = {
  storage: 'storage.nvme',
  cpu: 'cpu.exhausted',
  ib: 'ib.bandwidth',
  held: 'held.idle',
};

export const faultWords: readonly string[] = [...Object.keys(families), ...Object.keys(kinds)];

/** Throws FaultWordError, which says what there is. */
export function parseWantedFaults(words: readonly string[], nodes: number): WantedFaults {
  const faults: Mutable = {
    slowDrives: new Set(),
    hotGpus: new Set(),
    lockedGpus: new Set(),
    lostGpus: [],
    residents: [],
  };
  for (const word of words) {
    const [kind = '', where, ...more] = word.split('@');
    const make = kinds[families[kind] ?? kind];
    if (!make) throw new FaultWordError(`there is no fault ${kind}; there are: ${faultWords.join(', ')}`);
    if (where === undefined || more.length > 0)
      throw new FaultWordError(`${word} is not KIND@TARGET, such as storage@node07`);
    make(parseTarget(where, nodes), faults);
  }
  const taken = faults.residents.flatMap((one) => one.nodes);
  const [twice] = taken.filter((node, at) => taken.indexOf(node) !== at);
  if (twice !== undefined) throw new FaultWordError(`${nameOf(twice)} can have one fault of a job at a time`);
  return faults;
}

function parseTarget(text: string, nodes: number): Target {
  const [, number = '', gpu, drive] = /^node(\d+)(?:\/(?:gpu(\d+)|nvme(\d+)))?$/.exec(text) ?? [];
  const node = Number(number) - 1;
  if (number === '' || !(node >= 0 && node < nodes)) {
    throw new FaultWordError(`${text} is no target: node01 to ${nameOf(nodes - 1)}, node03/gpu5, node07/nvme2`);
  }
  const target = { node, name: nameOf(node), gpu: numberOr(gpu), drive: numberOr(drive) };
  if (target.gpu !== undefined && target.gpu >= gpusOf(node).length) {
    throw new FaultWordError(`${target.name} has GPUs 0 to ${gpusOf(node).length - 1}`);
  }
  return target;
}

function numberOr(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function gpusOf(node: number): readonly number[] {
  return Array.from({ length: node < 8 ? 8 : 16 }, (_, gpu) => gpu);
}

export function nameOf(node: number): string {
  return `node${String(node + 1).padStart(2, '0')}`;
}

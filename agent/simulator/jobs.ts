// What people submit: kinds of jobs, how often, how large, how long, and what each needs per GPU to run at full speed.
import { hashOf, Random } from './random.ts';

export type JobKind =
  | 'training'
  | 'distributed'
  | 'communication_bound'
  | 'storage_bound'
  | 'cpu_bound'
  | 'too_few_workers'
  | 'light'
  | 'notebook'
  | 'empty';

/** What one GPU of the job needs or does at full speed. */
export interface Needs {
  readonly dataset: 'none' | 'local' | 'shared';
  readonly readBytesPerS: number;
  /** CPU cores its data loader needs, and how many it may use at most. */
  readonly loaderCores: number;
  readonly workers: number;
  /** Most the file server gives to this job, bytes/s per GPU. */
  readonly serverBytesPerS: number;
  /** Share of a step in collectives that nothing overlaps. */
  readonly exposedComm: number;
  /** Mean load of its share of the InfiniBand ports. */
  readonly fabricLoad: number;
  /** Share of time in which a port has data and no credit. */
  readonly fabricWait: number;
  /** Power while computing, as a share of the limit. */
  readonly intensity: number;
  readonly memoryActivity: number;
  readonly memoryShare: number;
  readonly hostMemoryBytes: number;
}

export interface Job {
  readonly id: number;
  readonly user: string;
  readonly kind: JobKind;
  readonly arrivalS: number;
  readonly durationS: number;
  readonly nodes: number;
  readonly gpusPerNode: number;
  readonly needs: Needs;
  readonly rhythm: Rhythm;
  /** For noise of its own. */
  readonly stream: number;
}

/** How the job spends its time. */
export interface Rhythm {
  readonly startupS: number;
  /** One checkpoint of `checkpointS` after each `checkpointEveryS`; 0 for never. */
  readonly checkpointEveryS: number;
  readonly checkpointS: number;
  readonly checkpointBytesPerS: number;
  readonly stepS: number;
  /** Notebooks: a cell runs for `burstS` once every `burstEveryS`; 0 for never. */
  readonly burstEveryS: number;
  readonly burstS: number;
}

type Size = readonly [nodes: number, gpusPerNode: number];

interface KindRow {
  readonly weight: number;
  readonly medianS: number;
  readonly sizes: readonly (readonly [Size, number])[];
  readonly needs: (random: Random) => Partial<Needs>;
}

const HOUR = 3600;
const MB = 1e6;
const GIB = 1024 ** 3;

const oneNode: KindRow['sizes'] = [
  [[1, 1], 38],
  [[1, 2], 14],
  [[1, 4], 22],
  [[1, 8], 22],
  [[1, 16], 4],
];
const fewGpus: KindRow['sizes'] = [
  [[1, 1], 40],
  [[1, 2], 25],
  [[1, 4], 25],
  [[1, 8], 10],
];
const manyNodes: KindRow['sizes'] = [
  [[2, 8], 45],
  [[4, 8], 25],
  [[2, 16], 22],
  [[3, 8], 8],
];

const kinds: Readonly<Record<JobKind, KindRow>> = {
  training: { weight: 44, medianS: 1.1 * HOUR, sizes: oneNode, needs: trainingNeeds },
  distributed: {
    weight: 6.5,
    medianS: 0.75 * HOUR,
    sizes: manyNodes,
    needs: (random) => ({
      ...trainingNeeds(random),
      exposedComm: random.between(0.03, 0.12),
      fabricLoad: random.between(0.12, 0.35),
      fabricWait: random.between(0.0005, 0.003),
    }),
  },
  communication_bound: {
    weight: 2,
    medianS: 0.9 * HOUR,
    sizes: manyNodes.slice(0, 2),
    needs: (random) => ({
      dataset: 'local',
      readBytesPerS: 2 * MB,
      loaderCores: 0.5,
      exposedComm: random.between(0.35, 0.6),
      fabricLoad: random.between(0.5, 0.75),
      fabricWait: random.between(0.01, 0.025),
    }),
  },
  storage_bound: {
    weight: 10,
    medianS: 1 * HOUR,
    sizes: fewGpus,
    needs: (random) => {
      const readBytesPerS = random.between(80, 220) * MB;
      const loaderCores = random.between(1.2, 2.4);
      return {
        dataset: 'shared',
        readBytesPerS,
        loaderCores,
        workers: 4,
        serverBytesPerS: readBytesPerS / random.between(1.7, 4.5),
      };
    },
  },
  cpu_bound: {
    weight: 5,
    medianS: 1.1 * HOUR,
    sizes: fewGpus,
    needs: (random) => ({
      ...visionNeeds(random),
      loaderCores: random.between(13, 26),
      workers: 32,
    }),
  },
  too_few_workers: {
    weight: 7,
    medianS: 1 * HOUR,
    sizes: fewGpus,
    needs: (random) => {
      const workers = random.integer(1, 2);
      return { ...visionNeeds(random), workers, loaderCores: workers * random.between(1.6, 3.4) };
    },
  },
  light: {
    weight: 9,
    medianS: 0.8 * HOUR,
    sizes: fewGpus.slice(0, 2),
    needs: (random) => ({
      loaderCores: 0.3,
      intensity: random.between(0.3, 0.45),
      memoryActivity: random.between(0.1, 0.25),
      memoryShare: random.between(0.1, 0.4),
    }),
  },
  notebook: {
    weight: 14,
    medianS: 2.2 * HOUR,
    sizes: fewGpus.slice(0, 2),
    needs: (random) => ({ intensity: random.between(0.4, 0.7), memoryShare: random.between(0.08, 0.7) }),
  },
  empty: { weight: 4, medianS: 1.2 * HOUR, sizes: fewGpus.slice(0, 3), needs: () => ({}) },
};

const users = [
  'abel', 'bruna', 'chen', 'dana', 'elif', 'farid', 'greta', 'hugo', 'ines', 'jonas', 'kemal', 'lena',
  'marta', 'nils', 'olga', 'pavel', 'quentin', 'rosa', 'samir', 'tessa', 'uma', 'viktor', 'wanda', 'yusuf',
] as const; // prettier-ignore

const JOBS_PER_DAY = 600;
const FULL_CLUSTER_GPUS = 192;
const DISK_READER_AGE_S = 14 * 60;
const FIRST_ID = 9000;

/** Seconds between two submissions to a cluster of so many GPUs, on average. */
export function meanGapS(gpus: number): number {
  return (86_400 / JOBS_PER_DAY) * (FULL_CLUSTER_GPUS / gpus);
}

/** Reads pictures from the node's own disks: the job that meets the slow drive. */
export function draftDiskReader(seed: number, gpus: number): Job {
  const random = new Random(seed, 'disk reader');
  return {
    id: 8812,
    user: random.pick(users),
    kind: 'training',
    arrivalS: -DISK_READER_AGE_S,
    durationS: 5 * HOUR,
    nodes: 1,
    gpusPerNode: gpus,
    needs: { ...ordinaryNeeds(random), ...visionNeeds(random), dataset: 'local', readBytesPerS: 150 * MB },
    rhythm: { ...rhythmOf('training', random), stepS: 0.6 },
    stream: hashOf(seed, 'noise', 'disk reader'),
  };
}

/** A job that a rehearsal asks for, on whole nodes. */
export function draftResident(
  seed: number,
  number: number,
  { kind, nodes, gpusPerNode }: Pick<Job, 'kind' | 'nodes' | 'gpusPerNode'>,
): Job {
  const random = new Random(seed, 'resident', number);
  return {
    id: FIRST_ID - 100 + number,
    user: random.pick(users),
    kind,
    arrivalS: -DISK_READER_AGE_S,
    durationS: 24 * HOUR,
    nodes,
    gpusPerNode,
    needs: { ...ordinaryNeeds(random), ...kinds[kind].needs(random) },
    rhythm: { ...rhythmOf(kind, random), burstEveryS: 0 },
    stream: hashOf(seed, 'noise', 'resident', number),
  };
}

/** The number-th job since the beginning. */
export function draftJob(seed: number, number: number, arrivalS: number): Job {
  const random = new Random(seed, 'job', number);
  const kind = random.weighted(
    Object.entries(kinds).map(([name, row]) => [name as JobKind, row.weight] as const), // the keys of a Record<JobKind, …>
    'training',
  );
  const row = kinds[kind];
  const [nodes, gpusPerNode] = random.weighted<Size>(row.sizes, [1, 1]);
  return {
    id: FIRST_ID + number,
    user: random.pick(users),
    kind,
    arrivalS,
    durationS: Math.min(Math.max(random.logNormal(row.medianS, 0.85), 180), 30 * HOUR),
    nodes,
    gpusPerNode,
    needs: { ...ordinaryNeeds(random), ...row.needs(random) },
    rhythm: rhythmOf(kind, random),
    stream: hashOf(seed, 'noise', number),
  };
}

function ordinaryNeeds(random: Random): Needs {
  return {
    dataset: 'none',
    readBytesPerS: 0,
    loaderCores: 0,
    workers: 8,
    serverBytesPerS: Infinity,
    exposedComm: 0,
    fabricLoad: 0,
    fabricWait: 0,
    intensity: random.between(0.7, 1),
    memoryActivity: random.between(0.3, 0.6),
    memoryShare: random.between(0.35, 0.95),
    hostMemoryBytes: random.between(4, 14) * GIB,
  };
}

function trainingNeeds(random: Random): Partial<Needs> {
  return random.chance(0.5) ? visionNeeds(random) : languageNeeds(random);
}

function visionNeeds(random: Random): Partial<Needs> {
  return {
    dataset: random.chance(0.75) ? 'local' : 'shared',
    readBytesPerS: random.between(50, 140) * MB,
    loaderCores: random.between(2, 4.2),
    workers: 6,
  };
}

function languageNeeds(random: Random): Partial<Needs> {
  return {
    dataset: random.chance(0.5) ? 'local' : 'shared',
    readBytesPerS: random.between(0.5, 6) * MB,
    loaderCores: random.between(0.2, 0.8),
    intensity: random.between(0.85, 1.05),
    memoryShare: random.between(0.7, 0.97),
  };
}

function rhythmOf(kind: JobKind, random: Random): Rhythm {
  const notebook = kind === 'notebook';
  const trains = !notebook && kind !== 'empty' && kind !== 'light';
  return {
    startupS: notebook || kind === 'empty' ? random.between(5, 20) : random.between(20, 150),
    checkpointEveryS: trains ? random.between(500, 2400) : 0,
    checkpointS: random.between(6, 35),
    checkpointBytesPerS: random.between(0.4, 1.6) * 1e9,
    stepS: random.chance(0.7) ? random.between(0.1, 1.2) : random.between(3, 25),
    burstEveryS: notebook && random.chance(0.5) ? random.between(400, 2400) : 0,
    burstS: random.between(4, 30),
  };
}

// The simulated cluster in one process: one model, one tree per node, one real agent per node reading it.
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '#agent/contract';
import { noFaults, planFaults, withLost } from './faults.ts';
import { sherlock } from './hardware.ts';
import { NodeTree } from './node-tree.ts';
import { FabricTools } from './render/fabric-tools.ts';
import type { FabricMoment } from './render/infiniband-diags.ts';
import type { FilePool } from './render/tree-writer.ts';
import { ScontrolFiles } from './slurm/scontrol.ts';
import { parseWantedFaults } from './wanted-faults.ts';
import { SimulatedWorkload } from './workload.ts';

export interface ClusterOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly intervalMs: number;
  /** An empty or new directory; undefined makes one in memory where there is room. */
  readonly directory: string | undefined;
  /** Default true. */
  readonly faults?: boolean;
  /** `storage@node07`. Throws FaultWordError for what is none. */
  readonly wanted?: readonly string[];
  /** Where the stand-in for Slurm's scontrol reads. */
  readonly slurm?: string | undefined;
}

/** A node on disk, as its agent is to read it. */
export interface NodeOnDisk {
  readonly name: string;
  readonly root: string;
  readonly nvidiaSmi: string;
  /** Where infiniband-diags are; only of the node that looks at the fabric. */
  readonly fabricTools: string | undefined;
}

const MEMORY_DIRECTORY = '/dev/shm';
const LEAST_ROOM_BYTES = 64e6;
const PREFIX = 'whyidle-simulation-';
const READABLE_FROM = 0.3;
const READABLE_TO = 0.65;
const MARKER = '.whyidle-simulation';
const LOOKING_NODE = 0;
/** So often what the programs of the fabric print is written anew. */
const FABRIC_EVERY_S = 5;
/** A machine that slept does not make up for the hours it missed. */
const LONGEST_STEP_S = 60;

export class SimulatedCluster {
  readonly directory: string;
  readonly workload: SimulatedWorkload;
  readonly nodes: readonly NodeOnDisk[];
  readonly #trees: readonly NodeTree[];
  readonly #intervalMs: number;
  readonly #fabricTools: FabricTools;
  readonly #slurm: ScontrolFiles | undefined;
  #fabricWrittenS = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #steppedMs = performance.now();

  constructor({ seed, nodes, intervalMs, directory, faults = true, wanted: words = [], slurm }: ClusterOptions) {
    this.#intervalMs = intervalMs;
    const wanted = parseWantedFaults(words, nodes);
    this.directory = directory === undefined ? freshDirectory() : emptyDirectory(directory);
    const pool: FilePool = new Map();
    const nowMs = Date.now();
    const hardware = sherlock({ seed, nodes, nowS: nowMs / 1000, wanted });
    const plan = withLost(faults ? planFaults(seed, hardware) : noFaults, wanted);
    this.workload = new SimulatedWorkload(seed, hardware, plan, wanted);
    this.#slurm = slurm === undefined ? undefined : new ScontrolFiles(slurm, hardware, nowMs);
    this.#slurm?.update(this.workload.queue);
    this.#trees = this.workload.states.map(
      (state) => new NodeTree(join(this.directory, state.hardware.name), state, pool),
    );
    this.#fabricTools = new FabricTools(join(this.directory, 'fabric-tools'));
    this.#writeFabric();
    this.nodes = this.#trees.map(({ root, nvidiaSmi }, index) => ({
      name: this.workload.nodes[index]?.name ?? '',
      root,
      nvidiaSmi,
      fabricTools: index === LOOKING_NODE ? this.#fabricTools.directory : undefined,
    }));
  }

  start(): void {
    this.#steppedMs = performance.now();
    this.#schedule();
  }

  /** Time until the middle of an interval: readings that come there never fall on the wrong side of a change. */
  untilReadableMs(): number {
    const share = ((performance.now() - this.#steppedMs) % this.#intervalMs) / this.#intervalMs;
    if (share >= READABLE_FROM && share <= READABLE_TO) return 0;
    return (READABLE_FROM - share + (share > READABLE_TO ? 1 : 0)) * this.#intervalMs;
  }

  /** Whole intervals that have passed become one step of the model, so that late timers lose nothing. */
  step(monotonicMs: number): void {
    const intervals = Math.floor((monotonicMs - this.#steppedMs) / this.#intervalMs);
    if (intervals < 1) return;
    this.#steppedMs += intervals * this.#intervalMs;
    this.workload.advance(Math.min((intervals * this.#intervalMs) / 1000, LONGEST_STEP_S));
    const moment = { wall: new Date(), monotonicMs };
    for (const [index, state] of this.workload.states.entries()) this.#trees[index]?.update(state, moment);
    if (this.workload.timeS - this.#fabricWrittenS >= FABRIC_EVERY_S) this.#writeFabric();
  }

  /** Ends the loops of nvidia-smi and removes the directory. A second time does nothing. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const tree of this.#trees) tree.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #writeFabric(): void {
    this.#fabricWrittenS = this.workload.timeS;
    this.#fabricTools.update(fabricMomentOf(this.workload));
    this.#slurm?.update(this.workload.queue);
  }

  #schedule(): void {
    const dueMs = this.#steppedMs + this.#intervalMs;
    this.#timer = setTimeout(
      () => {
        this.step(performance.now());
        this.#schedule();
      },
      Math.max(1, Math.ceil(dueMs - performance.now())),
    );
  }
}

/** The fabric as its first adapter sees it. */
export function fabricMomentOf({ fabric, states }: SimulatedWorkload): FabricMoment {
  const counters = new Map(
    states.flatMap(({ hardware, counters }) =>
      counters.ports.map((port, hca) => [fabric.fabric.adapter(hardware.index, hca), port] as const),
    ),
  );
  return {
    fabric: fabric.fabric,
    ports: fabric.ports((device) => counters.get(device)),
    from: fabric.fabric.adapter(LOOKING_NODE, 0),
  };
}

/** In memory if there is room: the files change every second. What earlier runs were killed over is removed. */
function freshDirectory(): string {
  const parent = hasRoom(MEMORY_DIRECTORY) ? MEMORY_DIRECTORY : tmpdir();
  removeLeftovers(parent);
  return mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
}

function hasRoom(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize >= LEAST_ROOM_BYTES;
  } catch {
    // No such file system here.
    return false;
  }
}

function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = /^whyidle-simulation-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      removeRun(join(parent, name));
    } catch {
      // Another user's.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** A directory of the caller's. What an earlier run left there is removed; anything else is left alone. */
function emptyDirectory(directory: string): string {
  if (!existsSync(directory)) mkdirSync(directory);
  const names = readdirSync(directory);
  if (names.includes(MARKER)) removeRun(directory);
  else if (names.length > 0) throw new UsageError(`--dir: ${directory} is not empty`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, MARKER), '');
  return directory;
}

/** Readers of a run that was killed may still wait for somebody to open their pipe: opened and closed, they end. */
function removeRun(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const requests = join(directory, entry.name, 'smi', 'requests');
    for (const name of existsSync(requests) ? readdirSync(requests) : []) {
      if (name.endsWith('.pipe')) closeSync(openSync(join(requests, name), constants.O_RDWR | constants.O_NONBLOCK));
    }
  }
  rmSync(directory, { recursive: true });
}

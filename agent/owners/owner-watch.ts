// Who has the GPUs of this node: looks at the processes when they change, at the rest every 10 s, and tells when it is different.
import { isAbsent, type GpuHolder, type GpuPod, type Owners } from '#agent/contract';
import type { Clock } from '../clock.ts';
import type { GpuProcesses } from '../collectors/collector.ts';
import type { CommandRunner } from '../command.ts';
import { ParseError } from '../parse/parse-error.ts';
import { TaskStatParser } from '../parse/task-stat.ts';
import type { Tree } from '../sources/tree.ts';
import { readHints, readMinors } from './driver-files.ts';
import { findProcessOwner, type FoundOwner } from './process-owner.ts';
import { UserNames } from './user-names.ts';

const LOOK_EVERY_MS = 10_000;
/** Processes start together: they are looked at together. */
const GATHER_MS = 500;
/** A process may be moved to another cgroup after its start. */
const KNOWN_FOR_MS = 60_000;
/** The server is told anew: it may have been elsewhere. */
const TELL_EVERY_MS = 60_000;
const MOST_HOLDERS = 1024;

export interface OwnerWatchOptions {
  readonly tree: Tree;
  readonly commands: Pick<CommandRunner, 'run'> | undefined;
  readonly hintFolders: readonly string[];
  readonly pods: () => readonly GpuPod[] | undefined;
  /** The GPU that a device of a pod is, or is part of. */
  readonly gpuOfDevice: (device: string) => string;
  readonly clock: Clock;
  readonly onTell: (owners: Owners) => void;
}

interface FoundProcess extends FoundOwner {
  readonly startedMs: number | null;
}

interface Known extends FoundProcess {
  readonly startTicks: number;
  readonly atMs: number;
}

export class OwnerWatch {
  readonly #options: OwnerWatchOptions;
  readonly #users: UserNames;
  readonly #stat = new TaskStatParser();
  readonly #known = new Map<number, Known>();
  #gpus: readonly GpuProcesses[] = [];
  #signature = '';
  #owners: Owners | undefined;
  #told = '';
  #toldMs = -Infinity;
  #cancel: (() => void) | undefined;
  #dueMs = Infinity;
  /** Read once: the clock may be set, and a process does not begin anew then. */
  #bootMs: number | undefined;

  constructor(options: OwnerWatchOptions) {
    this.#options = options;
    const { tree, commands, clock } = options;
    this.#users = new UserNames({
      ...{ tree, commands, monotonicMs: () => clock.monotonicMs() },
      onFound: () => {
        this.lookSoon();
      },
    });
  }

  /** undefined before the first look. */
  get owners(): Owners | undefined {
    return this.#owners;
  }

  start(): void {
    this.#plan(GATHER_MS);
  }

  stop(): void {
    this.#cancel?.();
    this.#dueMs = -Infinity;
  }

  /** The processes of each GPU, as last read. */
  take(gpus: readonly GpuProcesses[]): void {
    this.#gpus = gpus;
    const signature = gpus.map(({ uuid, pids }) => `${uuid} ${pids.join(' ')}`).join('\n');
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.lookSoon();
  }

  lookSoon(): void {
    this.#plan(GATHER_MS);
  }

  /** The earliest of what is planned holds. */
  #plan(delayMs: number): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonicMs() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#cancel?.();
    this.#dueMs = dueMs;
    this.#cancel = clock.after(delayMs, () => {
      this.#dueMs = Infinity;
      this.#look();
      this.#plan(LOOK_EVERY_MS);
    });
  }

  #look(): void {
    const { tree, hintFolders, pods, gpuOfDevice, clock, onTell } = this.#options;
    const pids = new Set(this.#gpus.flatMap((gpu) => gpu.pids));
    for (const pid of this.#known.keys()) if (!pids.has(pid)) this.#known.delete(pid);
    const found = new Map([...pids].slice(0, MOST_HOLDERS).map((pid) => [pid, this.#find(pid)] as const));
    const holders = this.#gpus.flatMap(({ uuid, pids: own }) =>
      own.flatMap((pid): readonly GpuHolder[] => {
        const one = found.get(pid);
        if (!one) return [];
        const { command, uid, owner, startedMs } = one;
        const user = uid === null ? '' : this.#users.of(uid).slice(0, 256);
        return [{ uuid, pid, command, started_ms: startedMs, uid, user, owner }];
      }),
    );
    this.#owners = {
      devices: readMinors(tree),
      seen: this.#gpus.map(({ uuid }) => uuid),
      holders: holders.slice(0, MOST_HOLDERS),
      pods: pods()?.map((pod) => ({ ...pod, devices: [...new Set(pod.devices.map(gpuOfDevice))] })) ?? null,
      hints: [...readHints(tree, hintFolders)],
    };
    const text = JSON.stringify(this.#owners);
    const nowMs = clock.monotonicMs();
    if (text === this.#told && nowMs - this.#toldMs < TELL_EVERY_MS) return;
    this.#told = text;
    this.#toldMs = nowMs;
    onTell(this.#owners);
  }

  #find(pid: number): FoundProcess | undefined {
    const { tree, clock } = this.#options;
    const startTicks = this.#startOf(pid);
    const nowMs = clock.monotonicMs();
    const known = this.#known.get(pid);
    if (startTicks !== undefined && known?.startTicks === startTicks && nowMs - known.atMs < KNOWN_FOR_MS) return known;
    const owner = findProcessOwner(tree, pid);
    const found = owner && { ...owner, startedMs: this.#wallMsOf(startTicks) };
    if (found && startTicks !== undefined) this.#known.set(pid, { ...found, startTicks, atMs: nowMs });
    // The driver lists a process for a moment after its end; one that was never there is of another PID namespace.
    return found ?? { command: '', startedMs: null, uid: null, owner: { kind: 'hidden' } };
  }

  /** The kernel counts hundredths of a second from its start, which it dates once a second. */
  #wallMsOf(startTicks: number | undefined): number | null {
    this.#bootMs ??= readBootMs(this.#options.tree);
    return startTicks === undefined || this.#bootMs === undefined ? null : this.#bootMs + startTicks * 10;
  }

  #startOf(pid: number): number | undefined {
    const path = `proc/${pid}/stat`;
    const text = this.#options.tree.text(path);
    if (isAbsent(text)) return undefined;
    try {
      return this.#stat.parse(Buffer.from(text), path).startTicks;
    } catch (error) {
      if (error instanceof ParseError) return undefined;
      throw error;
    }
  }
}

function readBootMs(tree: Tree): number | undefined {
  const text = tree.text('proc/stat');
  const seconds = isAbsent(text) ? undefined : /^btime (\d+)$/m.exec(text)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

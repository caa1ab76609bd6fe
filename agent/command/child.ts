// One started program in a process group of its own. Ends exactly once: by itself, killed, or left behind because it cannot be killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { identifyProcess, isAlive, isUninterruptible, type ProcessIdentity } from './process-state.ts';

/** How long output may still come after the program itself has ended: a grandchild may hold the pipe open. */
const GRACE_MS = 100;

export type ChildEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'not_started'; readonly code: string; readonly message: string };

export interface ChildRequest {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables besides those that every child gets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** Called once, never before `startChild` has returned, and not after `abandon`. */
  readonly onEnd: (end: ChildEnd) => void;
}

export interface Child {
  readonly pid: number | undefined;
  /** Kills the group, lets go of the pipes and of the process: nothing more is heard of it. */
  abandon(): void;
  /** True until the process has ended, however long that takes. */
  readonly lives: boolean;
  /** True while the process waits in the kernel and cannot be killed. */
  readonly isUninterruptible: boolean;
  /** Resolves when the process has ended, at the latest after the given time. */
  endedWithin(timeoutMs: number): Promise<void>;
}

export function startChild(request: ChildRequest): Child {
  return new StartedChild(request);
}

class StartedChild implements Child {
  readonly #request: ChildRequest;
  readonly #process: ChildProcess | undefined;
  readonly #identity: ProcessIdentity | undefined;
  readonly #waiting = new Set<() => void>();
  #exit: ChildEnd | undefined;
  #grace: NodeJS.Timeout | undefined;
  #heard = true;

  constructor(request: ChildRequest) {
    this.#request = request;
    try {
      this.#process = spawn(request.file, [...request.args], {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...childEnvironment(), ...request.env },
        cwd: request.cwd,
      });
    } catch (error) {
      this.#exit = notStarted(error);
      queueMicrotask(() => {
        this.#end();
      });
      return;
    }
    this.#identity = this.#process.pid === undefined ? undefined : identifyProcess(this.#process.pid);
    this.#listen(this.#process);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get lives(): boolean {
    return this.#exit === undefined && this.#identity !== undefined && isAlive(this.#identity);
  }

  get isUninterruptible(): boolean {
    return this.#exit === undefined && this.#identity !== undefined && isUninterruptible(this.#identity);
  }

  abandon(): void {
    this.#heard = false;
    clearTimeout(this.#grace);
    this.#killGroup();
    this.#letGo();
  }

  async endedWithin(timeoutMs: number): Promise<void> {
    if (!this.lives) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  #listen(child: ChildProcess): void {
    child.on('error', (error) => {
      // Also raised when a signal could not be sent to a child that runs.
      if (child.pid !== undefined) return;
      this.#exit ??= notStarted(error);
      this.#end();
    });
    child.on('exit', (exitCode, signal) => {
      this.#exit = exitCode === null ? { kind: 'killed', signal: signal ?? 'unknown' } : { kind: 'exited', exitCode };
      for (const done of this.#waiting) done();
      if (this.#heard)
        this.#grace = setTimeout(() => {
          this.#end();
        }, GRACE_MS);
    });
    child.on('close', () => {
      this.#end();
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      if (this.#heard) this.#request.onStdout(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      if (this.#heard) this.#request.onStderr(chunk);
    });
  }

  #end(): void {
    clearTimeout(this.#grace);
    if (!this.#heard || !this.#exit) return;
    this.#heard = false;
    // Whatever the program left running in its group goes with it.
    this.#killGroup();
    this.#letGo();
    this.#request.onEnd(this.#exit);
  }

  #killGroup(): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  }

  #letGo(): void {
    this.#process?.stdout?.destroy();
    this.#process?.stderr?.destroy();
    this.#process?.unref();
  }
}

/** The agent's own variables may hold secrets: a child gets what it needs to be found and to speak English. */
export function childEnvironment(): Readonly<Record<string, string>> {
  const kept = ['PATH', 'LD_LIBRARY_PATH'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

function notStarted(error: unknown): ChildEnd {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  return { kind: 'not_started', code, message: error instanceof Error ? error.message : String(error) };
}

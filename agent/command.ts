// The one place that starts programs: with a deadline, an output cap and a kill of the whole process group.
// It never waits for a child that cannot be killed (state D), and starts no second one of the same kind beside it.
import { startChild, type Child, type ChildEnd } from './command/child.ts';
import { LineSplitter } from './command/line-splitter.ts';
import { Output } from './command/output.ts';

export interface CommandRequest {
  /** What the program is for; at most one child per kind is left behind when it cannot be killed. */
  readonly kind: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** Standard output and error together; default 8 MiB. */
  readonly maxBytes?: number;
  /** Variables besides those that every child gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; default where we do. */
  readonly cwd?: string;
}

export type CommandResult =
  | { readonly kind: 'done'; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'too_much_output' }
  | { readonly kind: 'not_started'; readonly code: string; readonly message: string }
  /** An earlier child of this kind still lives although it was killed. */
  | { readonly kind: 'stuck'; readonly pid: number };

export interface StreamRequest {
  readonly kind: string;
  readonly file: string;
  readonly args: readonly string[];
  /** A longer line ends the stream. Default 64 KiB. */
  readonly maxLineBytes?: number;
  /** How much of standard error is kept, from its start. Default 4 KiB. */
  readonly maxStderrBytes?: number;
  /** Variables besides those that every child gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; default where we do. */
  readonly cwd?: string;
  readonly onLine: (line: string) => void;
  /** Called once. */
  readonly onEnd: (end: StreamEnd) => void;
}

export interface StreamEnd {
  readonly reason: 'exited' | 'killed' | 'stopped' | 'line_too_long' | 'not_started' | 'stuck';
  readonly exitCode: number | undefined;
  readonly stderr: string;
}

export interface CommandStream {
  readonly pid: number | undefined;
  /** Kills the process group; returns at once. */
  stop(): void;
}

export interface CommandRunner {
  run(request: CommandRequest): Promise<CommandResult>;
  /** A program that prints lines until it is stopped. */
  stream(request: StreamRequest): CommandStream;
  /** The child of this kind that was killed and lives on; undefined if there is none. */
  stuckPid(kind: string): number | undefined;
  /** Whether a child of one of these kinds hangs in the kernel now, killed or not. */
  hangs(kinds: ReadonlySet<string>): boolean;
  /** Children that run now. */
  running(): readonly { readonly kind: string; readonly pid: number }[];
  /** Kills everything that still runs; returns at once. */
  stopAll(): void;
}

const OUTPUT_BYTES = 8 * 1024 * 1024;
const LINE_BYTES = 64 * 1024;
const STDERR_BYTES = 4096;
/** How long a killed child may take to be gone before the next request of its kind is refused. */
const DYING_MS = 200;

export function createCommandRunner(): CommandRunner {
  return new Runner();
}

/** A child with those who wait for it: `stop` ends it and tells them. */
interface Job {
  readonly kind: string;
  readonly child: Child;
  stop(): void;
}

class Runner implements CommandRunner {
  readonly #jobs = new Set<Job>();
  /** By kind, the last child that was killed before it had ended. */
  readonly #killed = new Map<string, Child>();

  async run(request: CommandRequest): Promise<CommandResult> {
    await this.#killed.get(request.kind)?.endedWithin(DYING_MS);
    const stuck = this.stuckPid(request.kind);
    return stuck === undefined ? this.#runNow(request) : { kind: 'stuck', pid: stuck };
  }

  stream(request: StreamRequest): CommandStream {
    const stuck = this.stuckPid(request.kind);
    if (stuck === undefined) return this.#streamNow(request);
    queueMicrotask(() => {
      request.onEnd({ reason: 'stuck', exitCode: undefined, stderr: '' });
    });
    return { pid: undefined, stop: () => undefined };
  }

  hangs(kinds: ReadonlySet<string>): boolean {
    for (const { kind, child } of this.#jobs) if (kinds.has(kind) && child.isUninterruptible) return true;
    for (const [kind, child] of this.#killed) if (kinds.has(kind) && child.isUninterruptible) return true;
    return false;
  }

  running(): readonly { readonly kind: string; readonly pid: number }[] {
    return [...this.#jobs].flatMap(({ kind, child: { pid } }) => (pid === undefined ? [] : [{ kind, pid }]));
  }

  stopAll(): void {
    for (const job of this.#jobs) job.stop();
  }

  #runNow(request: CommandRequest): Promise<CommandResult> {
    return new Promise((resolve) => {
      const output = new Output(request.maxBytes ?? OUTPUT_BYTES);
      const checkSize = (): void => {
        if (output.isFull) kill({ kind: 'too_much_output' });
      };
      const child = startChild({
        ...request,
        onStdout: (chunk) => {
          output.addStdout(chunk);
          checkSize();
        },
        onStderr: (chunk) => {
          output.addStderr(chunk);
          checkSize();
        },
        onEnd: (end) => {
          settle(resultOf(end, output));
        },
      });
      const deadline = setTimeout(() => {
        kill({ kind: 'timed_out' });
      }, request.timeoutMs);
      const job: Job = {
        kind: request.kind,
        child,
        stop: () => {
          kill({ kind: 'killed', signal: 'SIGKILL' });
        },
      };
      this.#jobs.add(job);
      const kill = (result: CommandResult): void => {
        this.#kill(request.kind, child);
        settle(result);
      };
      const settle = (result: CommandResult): void => {
        clearTimeout(deadline);
        this.#jobs.delete(job);
        resolve(result);
      };
    });
  }

  #streamNow(request: StreamRequest): CommandStream {
    const stderr = new Output(request.maxStderrBytes ?? STDERR_BYTES);
    const lines = new LineSplitter(request.maxLineBytes ?? LINE_BYTES, (line) => {
      if (this.#jobs.has(job)) request.onLine(line);
    });
    const child = startChild({
      ...request,
      onStdout: (chunk) => {
        if (!lines.add(chunk)) kill('line_too_long');
      },
      onStderr: (chunk) => {
        stderr.addStderr(chunk);
      },
      onEnd: (end) => {
        if (end.kind === 'exited' && end.exitCode === 0) lines.flush();
        settle(streamEndOf(end, stderr));
      },
    });
    const job: Job & CommandStream = {
      kind: request.kind,
      child,
      pid: child.pid,
      stop: () => {
        kill('stopped');
      },
    };
    this.#jobs.add(job);
    const kill = (reason: StreamEnd['reason']): void => {
      if (!this.#jobs.has(job)) return;
      this.#kill(request.kind, child);
      settle({ reason, exitCode: undefined, stderr: stderr.stderr });
    };
    const settle = (end: StreamEnd): void => {
      if (this.#jobs.delete(job)) request.onEnd(end);
    };
    return job;
  }

  #kill(kind: string, child: Child): void {
    this.#killed.set(kind, child);
    child.abandon();
  }

  stuckPid(kind: string): number | undefined {
    const child = this.#killed.get(kind);
    if (child?.lives) return child.pid;
    this.#killed.delete(kind);
    return undefined;
  }
}

function resultOf(end: ChildEnd, { stdout, stderr }: Output): CommandResult {
  switch (end.kind) {
    case 'exited':
      return { kind: 'done', exitCode: end.exitCode, stdout, stderr };
    case 'killed':
    case 'not_started':
      return end;
  }
}

function streamEndOf(end: ChildEnd, { stderr }: Output): StreamEnd {
  switch (end.kind) {
    case 'exited':
      return { reason: 'exited', exitCode: end.exitCode, stderr };
    case 'killed':
      return { reason: 'killed', exitCode: undefined, stderr };
    case 'not_started':
      return { reason: 'not_started', exitCode: undefined, stderr: end.message };
  }
}

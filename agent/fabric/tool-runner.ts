// Runs one of infiniband-diags and gives its lines to a parser as they come: with a deadline, a cap on what it may print,
// in a folder of its own, and its whole process group killed when it is not done in time.
import type { Clock } from '../clock.ts';
import type { CommandRunner, StreamEnd } from '../command.ts';
import type { LineParser } from '../parse/fabric/line-parser.ts';
import { ParseError } from '../parse/parse-error.ts';

export interface ToolRun<T> {
  readonly file: string;
  readonly args: readonly string[];
  readonly parser: LineParser<T>;
  readonly timeoutMs: number;
  /** Whether what was found is a whole answer. Exit codes do not tell: ibqueryerrors ends with 1 when it found errors. */
  readonly isWhole: (found: T) => boolean;
}

export type ToolResult<T> =
  | { readonly kind: 'read'; readonly value: T; readonly stderr: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly stderr: string };

export interface ToolSurroundings {
  readonly commands: CommandRunner;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string>>;
  /** The tools may leave files where they run. */
  readonly cwd: string;
}

const MAX_PRINTED = 32_000_000;
const DYING_STEPS = 25;
const DYING_STEP_MS = 20;
const KIND = 'fabric';
const MAX_STDERR = 256 * 1024;

export class ToolRunner {
  readonly #around: ToolSurroundings;
  /** Ends the tool that runs. */
  #stop: (() => void) | undefined;
  #isClosed = false;

  constructor(around: ToolSurroundings) {
    this.#around = around;
  }

  async run<T>(run: ToolRun<T>): Promise<ToolResult<T>> {
    if (!this.#isClosed) await this.#untilGone();
    return this.#isClosed ? { kind: 'failed', reason: 'the sweeper has ended', stderr: '' } : this.#runNow(run);
  }

  /** Ends what runs and starts nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.#stop?.();
  }

  /** A tool that was killed takes a moment to be gone. */
  async #untilGone(): Promise<void> {
    const { commands, clock } = this.#around;
    for (let left = DYING_STEPS; left > 0 && commands.stuckPid(KIND) !== undefined; left--)
      await new Promise<void>((resolve) => {
        clock.after(DYING_STEP_MS, resolve);
      });
  }

  #runNow<T>(run: ToolRun<T>): Promise<ToolResult<T>> {
    return new Promise((resolve) => {
      const { commands, clock, env, cwd } = this.#around;
      let failure: string | undefined;
      let printed = 0;
      const fail = (reason: string): void => {
        failure ??= reason;
        stream.stop();
      };
      const cancel = clock.after(run.timeoutMs, () => {
        fail(`no answer within ${run.timeoutMs / 1000} s`);
      });
      const stream = commands.stream({
        ...{ kind: KIND, file: run.file, args: run.args, env, cwd, maxStderrBytes: MAX_STDERR },
        onLine: (line) => {
          printed += line.length + 1;
          if (printed > MAX_PRINTED) fail(`it prints more than ${MAX_PRINTED / 1e6} MB`);
          else failure ??= parseLine(run.parser, line);
          if (failure !== undefined) stream.stop();
        },
        onEnd: (end) => {
          cancel();
          this.#stop = undefined;
          resolve(resultOf(run, end, failure));
        },
      });
      this.#stop = () => {
        stream.stop();
      };
    });
  }
}

/** Why the line cannot be read; undefined if it was. */
function parseLine(parser: LineParser<unknown>, line: string): string | undefined {
  try {
    parser.line(line);
    return undefined;
  } catch (error) {
    if (error instanceof ParseError) return error.message;
    throw error;
  }
}

function resultOf<T>(run: ToolRun<T>, end: StreamEnd, failure: string | undefined): ToolResult<T> {
  const { stderr } = end;
  if (failure !== undefined) return { kind: 'failed', reason: failure, stderr };
  if (end.reason !== 'exited') return { kind: 'failed', reason: reasonOf(end), stderr };
  const value = run.parser.end();
  if (run.isWhole(value)) return { kind: 'read', value, stderr };
  return { kind: 'failed', reason: explain(stderr, end.exitCode), stderr };
}

function reasonOf({ reason, stderr }: StreamEnd): string {
  switch (reason) {
    case 'not_started':
      return `it cannot be started: ${stderr}`;
    case 'stuck':
      return 'an earlier one hangs in the kernel and cannot be ended';
    case 'line_too_long':
      return 'it prints a line that is too long';
    case 'killed':
    case 'stopped':
    case 'exited':
      return 'it was ended from outside';
  }
}

/** What a tool that gave no answer said about it, in a sentence. */
function explain(stderr: string, exitCode: number | undefined): string {
  if (/Permission denied/i.test(stderr)) return '/dev/infiniband/umad* may not be opened by this user';
  if (/umad|abi_version/i.test(stderr) && /can't (open|read)/i.test(stderr))
    return 'no /dev/infiniband/umad* can be opened: no InfiniBand port is active here, or ib_umad is not loaded';
  const said = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.includes('attached as client'))
    .at(-1);
  const code = exitCode === undefined ? '' : ` with code ${exitCode}`;
  return said === undefined ? `it ended${code} before it was done` : `it ended${code}: ${said}`;
}

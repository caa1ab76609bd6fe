// The one place that starts programs: with a deadline, an output cap and a kill of the whole process group.
// It never waits for a child that cannot be killed (state D), and starts no second one of the same kind beside it.

export interface CommandRequest {
  /** What the program is for; at most one child per kind is left behind when it cannot be killed. */
  readonly kind: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** Standard output and error together; default 8 MiB. */
  readonly maxBytes?: number;
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
  readonly onLine: (line: string) => void;
  /** Called once. stderr holds at most its first 4 KiB. */
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
  /** Kills everything that still runs; returns at once. */
  stopAll(): void;
}

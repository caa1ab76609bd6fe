// Programs on another host, through its SSH connection, for those who start programs by agent/command.ts: the same deadlines
// and caps. A program there has no process id here; one that hangs is left behind with its channel closed.
import type { Channel } from 'ssh2';
import type { CommandRequest, CommandResult, CommandRunner, CommandStream, StreamRequest } from '../command.ts';
import { LineSplitter } from '../command/line-splitter.ts';
import { Output } from '../command/output.ts';
import type { SshConnection } from './connection.ts';
import { SshFailure } from './failure.ts';

const OUTPUT_BYTES = 8 * 1024 * 1024;
const LINE_BYTES = 64 * 1024;
const STDERR_BYTES = 4096;
/** What the shell says of a program that it cannot find or may not run. sh(1), EXIT STATUS. */
const notStarted = new Map([
  [127, 'ENOENT'],
  [126, 'EACCES'],
]);

interface Running {
  /** Nothing is told any more. */
  readonly stop: () => void;
  /** Whoever waits is told. */
  readonly kill: () => void;
}

export class RemoteCommands implements CommandRunner {
  readonly #running = new Set<Running>();
  #connection: SshConnection | undefined;

  /** Through which connection programs are started from now on; undefined while there is none. */
  use(connection: SshConnection | undefined): void {
    this.#connection = connection;
  }

  run(request: CommandRequest): Promise<CommandResult> {
    return new Promise((resolve) => {
      const output = new Output(request.maxBytes ?? OUTPUT_BYTES);
      const settle = (result: CommandResult): void => {
        clearTimeout(deadline);
        run.stop();
        resolve(result);
      };
      const deadline = setTimeout(() => {
        settle({ kind: 'timed_out' });
      }, request.timeoutMs);
      const run = this.#start(request, {
        onStdout: (chunk) => {
          output.addStdout(chunk);
          if (output.isFull) settle({ kind: 'too_much_output' });
        },
        onStderr: (chunk) => {
          output.addStderr(chunk);
          if (output.isFull) settle({ kind: 'too_much_output' });
        },
        onEnd: ({ exitCode, signal, code }) => {
          if (code !== undefined) settle({ kind: 'not_started', code, message: `${request.file}: ${code}` });
          else if (exitCode === undefined) settle({ kind: 'killed', signal: signal ?? 'SIGHUP' });
          else settle({ kind: 'done', exitCode, stdout: output.stdout, stderr: output.stderr });
        },
      });
    });
  }

  stream(request: StreamRequest): CommandStream {
    const stderr = new Output(request.maxStderrBytes ?? STDERR_BYTES);
    let isOver = false;
    const end = (
      reason: 'exited' | 'killed' | 'stopped' | 'line_too_long' | 'not_started',
      exitCode?: number,
    ): void => {
      if (isOver) return;
      isOver = true;
      run.stop();
      request.onEnd({ reason, exitCode, stderr: stderr.stderr });
    };
    const lines = new LineSplitter(request.maxLineBytes ?? LINE_BYTES, (line) => {
      if (!isOver) request.onLine(line);
    });
    const run = this.#start(request, {
      onStdout: (chunk) => {
        if (!isOver && !lines.add(chunk)) end('line_too_long');
      },
      onStderr: (chunk) => {
        stderr.addStderr(chunk);
      },
      onEnd: ({ exitCode, code }) => {
        lines.flush();
        if (code !== undefined) stderr.addStderr(Buffer.from(code));
        end(code === undefined ? (exitCode === undefined ? 'killed' : 'exited') : 'not_started', exitCode);
      },
    });
    return {
      pid: undefined,
      stop: () => {
        end('stopped');
      },
    };
  }

  /** Nothing is known of processes there. */
  stuckPid(): undefined {
    return undefined;
  }

  hangs(): boolean {
    return false;
  }

  running(): readonly [] {
    return [];
  }

  stopAll(): void {
    for (const run of this.#running) run.kill();
  }

  #start({ file, args, env = {} }: Pick<CommandRequest, 'file' | 'args' | 'env'>, listener: Listener): Running {
    const run = new RemoteProgram(listener, () => this.#running.delete(run));
    this.#running.add(run);
    const variables = Object.entries({ LC_ALL: 'C', ...env }).map(([name, value]) => `${name}=${quoted(value)}`);
    void run.start(this.#connection, [...variables, 'exec', ...[file, ...args].map(quoted)].join(' '));
    return run;
  }
}

interface ProgramEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Why it was not started at all. */
  readonly code: string | undefined;
}

interface Listener {
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  readonly onEnd: (end: ProgramEnd) => void;
}

class RemoteProgram implements Running {
  readonly #listener: Listener;
  readonly #forget: () => void;
  #channel: Channel | undefined;
  #isOver = false;

  constructor(listener: Listener, forget: () => void) {
    this.#listener = listener;
    this.#forget = forget;
  }

  async start(connection: SshConnection | undefined, command: string): Promise<void> {
    try {
      // Whoever started it gets its handle first.
      await Promise.resolve();
      if (!connection) throw new SshFailure('closed', 'there is no connection');
      await connection.exec(command, (channel) => {
        if (this.#isOver) channel.close();
        else this.#attach(channel);
      });
    } catch {
      this.#end({ exitCode: undefined, signal: undefined, code: 'ENOTCONN' });
    }
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forget();
    const channel = this.#channel;
    if (!channel) return;
    channel.signal('KILL');
    channel.close();
  }

  kill(): void {
    if (this.#isOver) return;
    const { onEnd } = this.#listener;
    this.stop();
    onEnd({ exitCode: undefined, signal: 'SIGKILL', code: undefined });
  }

  #attach(channel: Channel): void {
    this.#channel = channel;
    let exitCode: number | undefined;
    let signal: string | undefined;
    channel.on('data', (chunk: Buffer) => {
      if (!this.#isOver) this.#listener.onStdout(chunk);
    });
    channel.stderr.on('data', (chunk: Buffer) => {
      if (!this.#isOver) this.#listener.onStderr(chunk);
    });
    channel.on('exit', (code: number | null, name?: string) => {
      exitCode = code ?? undefined;
      signal = name;
    });
    channel.on('error', () => undefined);
    // Also when the whole connection is gone.
    channel.on('close', () => {
      this.#end({ exitCode, signal, code: exitCode === undefined ? undefined : notStarted.get(exitCode) });
    });
  }

  #end(end: ProgramEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forget();
    this.#listener.onEnd(end);
  }
}

/** One word for the POSIX shell, whatever stands in it. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

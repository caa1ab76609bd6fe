// A command runner without processes: the test plays nvidia-smi and moves the clock.
import type { CommandRequest, CommandResult, CommandRunner, StreamEnd, StreamRequest } from '../../../agent/command.ts';
import { allFields as queryFields } from '../../../agent/parse/gpu/smi-csv-sheet.ts';
import { helpText } from './cells.ts';

export class PlayedRunner implements CommandRunner {
  readonly streams: PlayedStream[] = [];
  /** Questions for the slow report. */
  readonly details: PlayedStream[] = [];
  readonly asked: string[] = [];
  /** Answers of the next questions; a question without one never ends. */
  help: CommandResult | undefined = done(helpText(queryFields));
  apps: CommandResult | undefined = done('');

  run(request: CommandRequest): Promise<CommandResult> {
    this.asked.push(request.args.join(' '));
    const answer = request.args.includes('--help-query-gpu') ? this.help : this.apps;
    return answer ? Promise.resolve(answer) : new Promise(() => undefined);
  }

  stream(request: StreamRequest): PlayedStream {
    const stream = new PlayedStream(request);
    if (stream.fields.length === 0) this.details.push(stream);
    else this.streams.push(stream);
    return stream;
  }

  stuckPid(): number | undefined {
    return undefined;
  }

  hangs(): boolean {
    return false;
  }

  running(): readonly { readonly kind: string; readonly pid: number }[] {
    return [];
  }

  stopAll(): void {
    for (const stream of this.streams) stream.stop();
  }

  /** The loop that runs now. */
  get loop(): PlayedStream {
    const loop = this.streams.at(-1);
    if (!loop) throw new Error('no loop was started');
    return loop;
  }
}

export class PlayedStream {
  readonly pid = 1;
  readonly request: StreamRequest;
  stopped = false;

  constructor(request: StreamRequest) {
    this.request = request;
  }

  get fields(): readonly string[] {
    const query = this.request.args.find((arg) => arg.startsWith('--query-gpu='));
    return query?.slice('--query-gpu='.length).split(',') ?? [];
  }

  print(lines: readonly string[]): void {
    for (const line of lines) this.request.onLine(line);
  }

  end(end: Partial<StreamEnd>): void {
    this.request.onEnd({ reason: 'exited', exitCode: 0, stderr: '', ...end });
  }

  stop(): void {
    this.stopped = true;
  }
}

export function done(stdout: string, exitCode = 0): CommandResult {
  return { kind: 'done', exitCode, stdout, stderr: '' };
}

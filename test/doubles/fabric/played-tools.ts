// A command runner whose programs are texts: what each tool prints next, and which were asked for.
import type { CommandRunner, StreamRequest } from '../../../agent/command.ts';
import type { FabricTools } from '../../../agent/fabric/tools.ts';

export interface Answer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
  /** Prints and never ends. */
  readonly hangs?: boolean;
  readonly reason?: 'not_started' | 'stuck' | 'killed';
}

export const toolFiles: FabricTools = {
  ibnetdiscover: 'ibnetdiscover',
  iblinkinfo: 'iblinkinfo',
  ibqueryerrors: 'ibqueryerrors',
  perfquery: 'perfquery',
};

export class PlayedTools implements CommandRunner {
  /** Command lines, in the order they were started. */
  readonly calls: string[] = [];
  /** By the beginning of the command line; the longest one counts. */
  readonly answers = new Map<string, Answer>();
  /** At most so many at once. */
  most = 0;
  stops = 0;
  #running = 0;

  set(command: string, answer: Answer | string): void {
    this.answers.set(command, typeof answer === 'string' ? { stdout: answer } : answer);
  }

  stream(request: StreamRequest) {
    const command = [request.file, ...request.args].join(' ');
    this.calls.push(command);
    this.most = Math.max(this.most, ++this.#running);
    const answer = this.#answerTo(command);
    let isOver = false;
    const end = (reason: 'exited' | 'stopped' | NonNullable<Answer['reason']>): void => {
      if (isOver) return;
      isOver = true;
      this.#running--;
      const exitCode = reason === 'exited' ? (answer.exitCode ?? 0) : undefined;
      request.onEnd({ reason, exitCode, stderr: answer.stderr ?? '' });
    };
    queueMicrotask(() => {
      for (const line of (answer.stdout ?? '').split('\n').slice(0, -1)) if (!isOver) request.onLine(line);
      if (answer.hangs !== true) end(answer.reason ?? 'exited');
    });
    return {
      pid: 1,
      stop: () => {
        this.stops++;
        end('stopped');
      },
    };
  }

  run(): never {
    throw new Error('tools are streamed');
  }
  stuckPid(): undefined {
    return undefined;
  }
  hangs(): boolean {
    return false;
  }
  running(): readonly never[] {
    return [];
  }
  stopAll(): void {
    // Nothing runs.
  }

  #answerTo(command: string): Answer {
    const [best] = [...this.answers.keys()]
      .filter((start) => command === start || command.startsWith(`${start} `))
      .toSorted((a, b) => b.length - a.length);
    return this.answers.get(best ?? '') ?? { stderr: 'nothing is played', exitCode: 255 };
  }
}

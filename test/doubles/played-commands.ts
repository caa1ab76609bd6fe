// Programs that the test plays: it answers each request, or lets it wait. No process is started.
import type { CommandRequest, CommandResult, CommandRunner } from '../../agent/command.ts';

export type CommandAnswer = (request: CommandRequest) => CommandResult | Promise<CommandResult>;

export class PlayedCommands implements CommandRunner {
  readonly asked: CommandRequest[] = [];
  /** May be changed between requests. */
  answer: CommandAnswer;

  constructor(answer: CommandAnswer) {
    this.answer = answer;
  }

  /** `file argument …`, in the order asked. */
  get lines(): readonly string[] {
    return this.asked.map(({ file, args }) => [file, ...args].join(' '));
  }

  async run(request: CommandRequest): Promise<CommandResult> {
    this.asked.push(request);
    return this.answer(request);
  }

  stream(): { readonly pid: undefined; readonly stop: () => void } {
    return { pid: undefined, stop: () => undefined };
  }

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
    this.asked.length = 0;
  }
}

export const printed = (stdout: string, stderr = '', exitCode = 0): CommandResult => ({
  kind: 'done',
  ...{ exitCode, stdout, stderr },
});
export const notInstalled: CommandResult = { kind: 'not_started', code: 'ENOENT', message: 'not found' };

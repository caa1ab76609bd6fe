// Asks a drive for its SMART / health log: `nvme smart-log`, else `smartctl`, each in a child with a deadline.
import type { AbsenceReason } from '#agent/contract';
import type { CommandResult, CommandRunner } from '../../command.ts';
import { parseSmartLog, type SmartLog } from '../../parse/nvme-smart.ts';
import { ParseError } from '../../parse/parse-error.ts';

const TIMEOUT_MS = 10_000;

export type SmartAnswer =
  { readonly kind: 'log'; readonly log: SmartLog } | { readonly kind: 'none'; readonly reason: AbsenceReason };

interface Program {
  readonly file: string;
  readonly args: (device: string) => readonly string[];
}

const nvmeCli: Program = { file: 'nvme', args: (device) => ['smart-log', '-o', 'json', device] };
const smartctl: Program = { file: 'smartctl', args: (device) => ['-jx', device] };

export class SmartPrograms {
  readonly #commands: CommandRunner;
  /** The one that answered last comes first. */
  #programs: readonly Program[] = [nvmeCli, smartctl];

  constructor(commands: CommandRunner) {
    this.#commands = commands;
  }

  /** What the first program to be had says; the second is asked where the first is missing, forbidden or at a loss. */
  async ask(controller: string): Promise<SmartAnswer> {
    const refusals: AbsenceReason[] = [];
    for (const program of this.#programs) {
      const answer = await this.#askWith(program, controller);
      if (answer.kind === 'log') {
        this.#programs = [program, ...this.#programs.filter((other) => other !== program)];
        return answer;
      }
      refusals.push(answer.reason);
      // A drive that does not answer one program does not answer another.
      if (answer.reason === 'timed_out') break;
    }
    return { kind: 'none', reason: mostTelling(refusals) };
  }

  /** A kind for each drive: one whose child cannot be killed hides no other. */
  async #askWith({ file, args }: Program, controller: string): Promise<SmartAnswer> {
    const request = { kind: `smart:${controller}`, file, args: args(`/dev/${controller}`), timeoutMs: TIMEOUT_MS };
    return answerOf(await this.#commands.run(request), file);
  }
}

function answerOf(result: CommandResult, file: string): SmartAnswer {
  switch (result.kind) {
    case 'done':
      return answerOfOutput(result, file);
    case 'timed_out':
    case 'stuck':
      return { kind: 'none', reason: 'timed_out' };
    case 'killed':
    case 'too_much_output':
      return { kind: 'none', reason: 'malformed' };
    case 'not_started':
      return { kind: 'none', reason: result.code === 'EACCES' ? 'forbidden' : 'unsupported' };
  }
}

/** The exit code of smartctl tells of the health of the drive: a log is one whatever the code. */
function answerOfOutput(
  { stdout, stderr, exitCode }: Extract<CommandResult, { readonly kind: 'done' }>,
  file: string,
): SmartAnswer {
  try {
    return { kind: 'log', log: parseSmartLog(stdout, file) };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const told = `${stdout}\n${stderr}`;
    // smartctl has its complaints in the JSON.
    if (/permission denied|operation not permitted|must be root|not root/i.test(told)) {
      return { kind: 'none', reason: 'forbidden' };
    }
    if (/no such (?:file|device)/i.test(told)) return { kind: 'none', reason: 'not_present' };
    return { kind: 'none', reason: exitCode === 0 ? 'malformed' : 'unsupported' };
  }
}

/** A program that is not installed says nothing about the drive. */
function mostTelling(reasons: readonly AbsenceReason[]): AbsenceReason {
  return reasons.find((reason) => reason !== 'unsupported') ?? 'unsupported';
}

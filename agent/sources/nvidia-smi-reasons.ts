// Why nvidia-smi gave nothing: from how a question or the loop ended. Authority: nvidia-smi(1), RETURN VALUE.
import type { AbsenceReason } from '#agent/contract';
import type { CommandResult, StreamEnd } from '../command.ts';

export function reasonOfEnd(end: StreamEnd): AbsenceReason {
  switch (end.reason) {
    case 'exited':
      return reasonOfExit(end.exitCode ?? -1);
    case 'not_started':
      return /EACCES|EPERM/.test(end.stderr) ? 'forbidden' : 'not_present';
    case 'line_too_long':
      return 'malformed';
    case 'killed':
    case 'stopped':
    case 'stuck':
      return 'timed_out';
  }
}

export function reasonOf(result: Exclude<CommandResult, { kind: 'done' }>): AbsenceReason {
  switch (result.kind) {
    case 'not_started':
      return /EACCES|EPERM/.test(result.code) ? 'forbidden' : 'not_present';
    case 'too_much_output':
      return 'malformed';
    case 'killed':
    case 'timed_out':
    case 'stuck':
      return 'timed_out';
  }
}

/** nvidia-smi(1), RETURN VALUE. No driver, no library, no GPU: there is nothing here that could be read. */
export function reasonOfExit(exitCode: number): AbsenceReason {
  switch (exitCode) {
    case 0:
    case 6:
    case 9:
    case 12:
    case 15:
      return 'not_present';
    case 2:
    case 3:
    case 13:
      return 'unsupported';
    case 4:
      return 'forbidden';
    default:
      return 'malformed';
  }
}

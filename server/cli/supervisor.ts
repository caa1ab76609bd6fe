// A child program that is started again when it ends, with growing pauses, and ended together with us.
import { spawn, type ChildProcess } from 'node:child_process';
import type { Log } from '../log.ts';

export interface SupervisedProgram {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly log: Log;
  /** Length of the first pause. */
  readonly pauseMs?: number;
}

export interface Supervisor {
  readonly pid: number | undefined;
  /** SIGTERM, a second later SIGKILL; resolves when the child is gone or cannot be waited for. */
  stop(): Promise<void>;
}

const LONGEST_PAUSE_MS = 30_000;
/** A child that lived so long is not in a loop. */
const SETTLED_MS = 60_000;
const KILL_AFTER_MS = 1000;
const GIVE_UP_AFTER_MS = 1500;

export function supervise(program: SupervisedProgram): Supervisor {
  const firstPauseMs = program.pauseMs ?? 1000;
  let child: ChildProcess | undefined;
  let pauseMs = firstPauseMs;
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;

  const start = (): void => {
    const startedMs = performance.now();
    // Nothing is said over the channel: that it breaks tells the child that we are gone, however we ended.
    const current = spawn(program.file, program.args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child = current;
    const ended = (reason: string): void => {
      if (child !== current) return;
      child = undefined;
      if (stopping) return;
      pauseMs = performance.now() - startedMs > SETTLED_MS ? firstPauseMs : pauseMs;
      program.log.warn(`the ${program.name} ended and is started again`, { reason, in_ms: pauseMs });
      timer = setTimeout(start, pauseMs);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    };
    current.once('error', (error) => {
      ended(error.message);
    });
    current.once('exit', (code, signal) => {
      ended(signal ?? `exit code ${code ?? 'unknown'}`);
    });
  };
  start();
  return {
    get pid() {
      return child?.pid;
    },
    stop: () => {
      stopping = true;
      clearTimeout(timer);
      return child ? end(child) : Promise.resolve();
    },
  };
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const kill = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    // A child that cannot be killed is left behind.
    const giveUp = setTimeout(resolve, GIVE_UP_AFTER_MS);
    child.once('exit', () => {
      clearTimeout(kill);
      clearTimeout(giveUp);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

// /proc/PID/stat and /proc/PID/task/TID/stat: state, CPU time and start of a task. proc_pid_stat(5).
import { ByteCursor } from './bytes.ts';

/** What a task does: R runs or could run, D waits where it cannot be woken (I/O), the rest sleeps. */
export type TaskState = 'running' | 'blocked' | 'sleeping' | 'ended';

export interface TaskStat {
  readonly state: TaskState;
  /** user and system time in hundredths of a second; of a process those of all its threads. */
  readonly cpuTicks: number;
  /** In hundredths of a second after boot: tells a task from a later one with its number. */
  readonly startTicks: number;
  /** The command's name, cut to fifteen bytes by the kernel. */
  readonly name: string;
}

const CLOSE = 41;
const OPEN = 40;
const UTIME = 14;
const STARTTIME = 22;
const states: ReadonlyMap<number, TaskState> = new Map([
  ['R'.charCodeAt(0), 'running'],
  ['D'.charCodeAt(0), 'blocked'],
  ['Z'.charCodeAt(0), 'ended'],
  ['X'.charCodeAt(0), 'ended'],
]);

export class TaskStatParser {
  readonly #cursor = new ByteCursor();
  readonly #stat: { state: TaskState; cpuTicks: number; startTicks: number; readonly name: string };
  #bytes: Buffer = Buffer.alloc(0);

  constructor() {
    const name = (): string => this.#bytes.toString('utf8', this.#bytes.indexOf(OPEN) + 1, this.#nameEnd());
    this.#stat = {
      ...{ state: 'sleeping', cpuTicks: 0, startTicks: 0 },
      get name() {
        return name();
      },
    };
  }

  /** The same object each time; the name holds until the next read of any file. */
  parse(bytes: Buffer, source: string): TaskStat {
    const cursor = this.#begin(bytes, source);
    const stat = this.#stat;
    stat.state = this.#state();
    this.#skip(UTIME - 4);
    stat.cpuTicks = cursor.smallCount() + cursor.smallCount();
    this.#skip(STARTTIME - UTIME - 2);
    stat.startTicks = cursor.smallCount();
    // More follows: a file that was cut inside the number would give a shorter one.
    cursor.count();
    return stat;
  }

  /** Only what it does, for a look at it between two ticks. */
  parseState(bytes: Buffer, source: string): TaskState {
    this.#begin(bytes, source);
    return this.#state();
  }

  /** Behind the name, which may hold blanks and brackets itself. */
  #begin(bytes: Buffer, source: string): ByteCursor {
    this.#bytes = bytes;
    this.#cursor.reset(bytes, source);
    const end = this.#nameEnd();
    if (end === -1) this.#cursor.fail('pid (name) state');
    this.#cursor.at = end + 2;
    return this.#cursor;
  }

  #nameEnd(): number {
    return this.#bytes.lastIndexOf(CLOSE);
  }

  #state(): TaskState {
    const letter = this.#bytes[this.#cursor.at] ?? 0;
    const isLetter = (letter >= 65 && letter <= 90) || (letter >= 97 && letter <= 122);
    if (!isLetter) this.#cursor.fail('the letter of a state');
    this.#cursor.at += 2;
    return states.get(letter) ?? 'sleeping';
  }

  /** Numbers with a sign: ppid, nice and their like. */
  #skip(fields: number): void {
    for (let field = 0; field < fields; field++) {
      this.#cursor.skipBlanks();
      if (this.#bytes[this.#cursor.at] === 45) this.#cursor.at++;
      this.#cursor.count();
    }
  }
}

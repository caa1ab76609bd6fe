// The files of one thread or process: proc/PID[/task/TID]/stat and schedstat, kept open. A kept descriptor is of this very task:
// when it has ended, a later one with its number is not read in its place.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { ParseError } from '../../parse/parse-error.ts';
import { SchedStatParser, type SchedStat } from '../../parse/schedstat.ts';
import { TaskStatParser, type TaskStat, type TaskState } from '../../parse/task-stat.ts';
import type { KeptFile, Tree } from '../../sources/tree.ts';
import type { TaskUse } from './worker-states.ts';

const TICKS_PER_SECOND = 100; // USER_HZ of every architecture that has NVIDIA's driver
const NS_PER_SECOND = 1e9;

// One of each for all tasks: what they give is used before the next task is read.
const stats = new TaskStatParser();
const schedules = new SchedStatParser();

/** What stands for the time of a process is its threads together; its state and its waiting are those of its first thread. */
export type TaskKind = 'process' | 'thread';

export interface NamedUse extends TaskUse {
  readonly name: string;
}

export class Task {
  readonly #kind: TaskKind;
  readonly #stat: KeptFile;
  readonly #schedule: KeptFile;

  constructor(tree: Tree, kind: TaskKind, directory: string) {
    this.#kind = kind;
    this.#stat = tree.file(`${directory}/stat`);
    this.#schedule = tree.file(`${directory}/schedstat`);
  }

  read(): NamedUse | Absence {
    const stat = parsed<TaskStat>(this.#stat, (bytes, path) => stats.parse(bytes, path));
    if (isAbsent(stat)) return stat;
    const { name, state, startTicks, cpuTicks } = stat;
    const schedule = parsed<SchedStat>(this.#schedule, (bytes, path) => schedules.parse(bytes, path));
    if (isAbsent(schedule))
      return { name, state, startTicks, cpuSeconds: cpuTicks / TICKS_PER_SECOND, waitSeconds: undefined };
    return {
      ...{ name, state, startTicks },
      cpuSeconds: this.#kind === 'thread' ? schedule.runNs / NS_PER_SECOND : cpuTicks / TICKS_PER_SECOND,
      waitSeconds: schedule.waitNs / NS_PER_SECOND,
    };
  }

  readState(): TaskState | Absence {
    return parsed<TaskState>(this.#stat, (bytes, path) => stats.parseState(bytes, path));
  }

  close(): void {
    this.#stat.close();
    this.#schedule.close();
  }
}

/** Tasks end all the time, also in the middle of a reading: nothing is told of it. */
function parsed<T>(file: KeptFile, parse: (bytes: Buffer, path: string) => T): T | Absence {
  const bytes = file.read();
  if (isAbsent(bytes)) return bytes;
  try {
    return parse(bytes, file.path);
  } catch (error) {
    if (error instanceof ParseError) return absent('malformed');
    throw error;
  }
}

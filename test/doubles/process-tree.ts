// Processes as files below a root: proc/PID/stat, schedstat, task/TID/…, with times that a test moves on.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeTree } from '../corpus/write-tree.ts';

export interface FakeTask {
  readonly pid: number;
  /** The process itself if there is none. */
  readonly tid?: number;
  readonly name?: string;
  readonly state?: string;
  readonly startTicks?: number;
  readonly cpuTicks?: number;
  readonly runNs?: number;
  readonly waitNs?: number;
  readonly children?: readonly number[];
}

export function writeTask(root: string, task: FakeTask): void {
  const { pid, tid = pid, name = 'python', state = 'S', startTicks = 1000, cpuTicks = 0 } = task;
  const { runNs = cpuTicks * 1e7, waitNs = 0, children = [] } = task;
  const stat = (id: number): string =>
    `${id} (${name}) ${state} 1 ${pid} ${pid} 0 -1 4194560 0 0 0 0 ${cpuTicks} 0 0 0 20 0 1 0 ${startTicks} 1000 10 0\n`;
  const schedule = `${runNs} ${waitNs} 5\n`;
  writeTree(root, {
    ...(tid === pid ? { [`proc/${pid}/stat`]: stat(pid), [`proc/${pid}/schedstat`]: schedule } : {}),
    [`proc/${pid}/task/${tid}/stat`]: stat(tid),
    [`proc/${pid}/task/${tid}/schedstat`]: schedule,
    [`proc/${pid}/task/${tid}/children`]: children.map((child) => `${child} `).join(''),
  });
}

/** Its descriptors that are open then give nothing, as of a process that ended. */
export function endTask(root: string, { pid, tid }: Pick<FakeTask, 'pid' | 'tid'>): void {
  const directory = join(root, tid === undefined ? `proc/${pid}` : `proc/${pid}/task/${tid}`);
  const parts = tid === undefined ? [directory, `${directory}/task/${pid}`] : [directory];
  for (const part of parts) writeTree(part, { stat: '', schedstat: '' });
  rmSync(directory, { recursive: true });
}

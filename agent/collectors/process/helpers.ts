// Who may work for a process: its other threads, and the processes below it. proc/PID/task, proc/PID/task/TID/children.
// proc_pid_task(5), Documentation/filesystems/proc.rst 3.7. Never a walk over all of /proc.
import { isAbsent } from '#agent/contract';
import type { Tree } from '../../sources/tree.ts';
import type { TaskKind } from './task.ts';

const MAX_PROCESSES = 256;
/** Above this only the first thread is asked for its children: it is the one that starts loaders. */
const MAX_ASKED_THREADS = 64;

export interface Helper {
  readonly kind: TaskKind;
  readonly directory: string;
}

export interface Search {
  /** Holds a GPU itself: it and those below it are not another's helpers. */
  readonly isOwner: (pid: number) => boolean;
  /** Threads too, and the children that they started. */
  readonly withThreads: boolean;
  readonly most: number;
}

/** Processes first. */
export function findHelpers(tree: Tree, pid: number, { isOwner, withThreads, most }: Search): readonly Helper[] {
  const threads = withThreads ? threadsOf(tree, pid) : [pid];
  const asked = threads.length > MAX_ASKED_THREADS ? [pid] : threads;
  const found = new Set<number>();
  const below = asked.flatMap((thread) => childrenOf(tree, pid, thread));
  for (let child = below.shift(); child !== undefined && found.size < MAX_PROCESSES; child = below.shift()) {
    if (found.has(child) || child === pid || isOwner(child)) continue;
    found.add(child);
    below.push(...childrenOf(tree, child, child));
  }
  const processes = [...found].map((child): Helper => ({ kind: 'process', directory: `proc/${child}` }));
  const others = threads
    .filter((thread) => thread !== pid)
    .map((thread): Helper => ({ kind: 'thread', directory: `proc/${pid}/task/${thread}` }));
  return [...processes, ...others].slice(0, most);
}

function threadsOf(tree: Tree, pid: number): readonly number[] {
  return tree.names(`proc/${pid}/task`).filter(isNumber).map(Number);
}

/** Kernels without CONFIG_PROC_CHILDREN do not tell. */
function childrenOf(tree: Tree, pid: number, thread: number): readonly number[] {
  const text = tree.text(`proc/${pid}/task/${thread}/children`);
  return isAbsent(text) ? [] : text.trim().split(' ').filter(isNumber).map(Number);
}

function isNumber(text: string): boolean {
  return /^[1-9]\d{0,9}$/.test(text);
}

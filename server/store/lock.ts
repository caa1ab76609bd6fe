// One server per data folder: DATA/lock names the process that has it. A lock whose process is gone is taken over.
import { randomUUID } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';
import { StoreError } from './store-error.ts';

const holderSchema = v.object({ pid: v.pipe(v.number(), v.safeInteger(), v.minValue(1)), started: v.string() });
type Holder = v.InferOutput<typeof holderSchema>;

export interface Lock {
  release(): Promise<void>;
}

/** Throws StoreError while another process has the folder. */
export async function takeLock(folder: string): Promise<Lock> {
  const file = join(folder, 'lock');
  const own = `${file}.${randomUUID()}`;
  const content = JSON.stringify({ pid: process.pid, started: startOf(process.pid) ?? '' });
  await writeFile(own, content, { mode: 0o600 });
  try {
    // A link is made by one process alone, and the file is never seen half written.
    while (!(await linked(own, file))) await removeStale(file, own, folder);
  } finally {
    await unlink(own);
  }
  return {
    release: async () => {
      if ((await readFile(file, 'utf8').catch(() => '')) === content) await unlink(file);
    },
  };
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a process that is gone. One process at a time does so: others may have taken it over meanwhile. */
async function removeStale(file: string, own: string, folder: string): Promise<void> {
  await refuseIfHeld(file, folder);
  const taking = `${file}.taking`;
  if (!(await linked(own, taking))) {
    // Somebody is at it, unless it is gone as well.
    if (!(await isHeld(taking))) await unlink(taking).catch(() => undefined);
    await setTimeout(5);
    return;
  }
  try {
    await refuseIfHeld(file, folder);
    await unlink(file).catch(() => undefined);
  } finally {
    await unlink(taking);
  }
}

async function refuseIfHeld(file: string, folder: string): Promise<void> {
  const holder = await readHolder(file);
  if (holder && isAlive(holder)) throw inUse(holder.pid, folder);
}

async function isHeld(file: string): Promise<boolean> {
  const holder = await readHolder(file);
  return holder !== undefined && isAlive(holder);
}

async function readHolder(file: string): Promise<Holder | undefined> {
  return parseHolder(await readFile(file, 'utf8').catch(() => ''));
}

function parseHolder(content: string): Holder | undefined {
  try {
    return v.parse(holderSchema, JSON.parse(content));
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  const now = startOf(pid);
  if (now !== undefined) return now === started;
  if (started !== '') return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Boot and start time of a process, which no other process has; undefined where the system does not say. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name is in brackets and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot} ${fields[19] ?? ''}`;
  } catch {
    return undefined;
  }
}

function inUse(pid: number, folder: string): StoreError {
  return new StoreError(
    `the data folder ${folder} is in use by process ${pid}: stop that server, or start this one with --data OTHER`,
  );
}

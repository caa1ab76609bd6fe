// Answers the requests of a node's nvidia-smi stand-in: each has a pipe of its own. Nothing here waits for a reader: opening
// and writing are non-blocking, a tick that does not fit is dropped whole, and of a line that was cut by a full pipe the rest
// is kept until there is room, so that a reader sees whole lines only. A report is a file; the pipe tells its exit code.
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { NodeState } from '../workload.ts';
import { renderReport } from './nvidia-smi-reports.ts';
import { GpuQuery } from './nvidia-smi.ts';

export interface FeedMoment {
  readonly state: NodeState;
  readonly wall: Date;
  readonly monotonicMs: number;
}

/** A script that was ended between its request and its reading never opens its pipe. */
const PATIENCE_TICKS = 20;

/** Somebody who waits at a pipe. */
interface Waiting {
  /** False when there is nothing more to be said. */
  feed(moment: FeedMoment): boolean;
  close?(): void;
}

export class NvidiaSmiFeed {
  readonly #directory: string;
  readonly #waiting = new Map<string, Waiting>();
  /** Requests that are not whole, and for how many ticks. */
  readonly #unfinished = new Map<string, number>();

  /** `directory` is where the stand-in leaves its requests. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  tick(moment: FeedMoment): void {
    for (const name of readdirSync(this.#directory)) {
      if (/^\d+$/.test(name) && !this.#waiting.has(name)) this.#accept(name);
    }
    for (const [name, one] of this.#waiting) {
      if (!one.feed(moment)) this.#forget(name, one);
    }
  }

  /** Whoever still waits at a pipe gets nothing, and ends. */
  close(): void {
    for (const name of readdirSync(this.#directory)) {
      if (name.endsWith('.pipe')) release(join(this.#directory, name));
    }
    for (const [name, one] of this.#waiting) this.#forget(name, one);
  }

  #accept(name: string): void {
    const path = join(this.#directory, name);
    const [first = '', second = '', third = '', end] = readIfThere(path).split('\n');
    // `report`, name, GPU; or period, format, fields.
    const isWhole = end !== undefined;
    if (!isWhole) this.#awaitRest(name);
    else
      this.#waiting.set(
        name,
        first === 'report'
          ? new Answer(path, second, third)
          : loopOf(path, { period: first, format: second, fields: third }),
      );
    if (isWhole) this.#unfinished.delete(name);
  }

  /** The next tick sees it whole, unless its script was ended while it wrote. */
  #awaitRest(name: string): void {
    const ticks = (this.#unfinished.get(name) ?? 0) + 1;
    this.#unfinished.set(name, ticks);
    if (ticks >= PATIENCE_TICKS) this.#removeRequest(name);
  }

  #forget(name: string, one: Waiting): void {
    one.close?.();
    this.#waiting.delete(name);
    this.#removeRequest(name);
  }

  #removeRequest(name: string): void {
    this.#unfinished.delete(name);
    rmSync(join(this.#directory, name), { force: true });
    for (const kind of ['', '.pipe', '.answer']) rmSync(join(this.#directory, `${name}${kind}`), { force: true });
  }
}

/** A script may have ended and taken its request back. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** One question, one answer. The script takes its request away when it has read. */
class Answer implements Waiting {
  readonly #path: string;
  readonly #name: string;
  readonly #id: string;
  #isWritten = false;
  #ticks = 0;

  constructor(path: string, name: string, id: string) {
    this.#path = path;
    this.#name = name;
    this.#id = id;
  }

  feed(moment: FeedMoment): boolean {
    if (!this.#isWritten) this.#write(moment);
    else if (!existsSync(this.#path)) return false;
    return ++this.#ticks < PATIENCE_TICKS;
  }

  #write(moment: FeedMoment): void {
    const descriptor = openForWriting(`${this.#path}.pipe`);
    if (descriptor === undefined) return;
    const { exitCode, text } = renderReport(this.#name, this.#id, moment);
    writeFileSync(`${this.#path}.answer`, text);
    writeOrNothing(descriptor, Buffer.from(`${exitCode}\n`));
    closeSync(descriptor);
    this.#isWritten = true;
  }
}

function loopOf(
  path: string,
  { period, format, fields }: { readonly period: string; readonly format: string; readonly fields: string },
): Loop {
  const query = new GpuQuery(fields.split(','), {
    header: !format.includes('noheader'),
    units: !format.includes('nounits'),
  });
  return new Loop(`${path}.pipe`, query, Number(period) || 0);
}

class Loop implements Waiting {
  readonly #path: string;
  readonly #query: GpuQuery;
  /** 0: one answer, then the end. */
  readonly #intervalMs: number;
  #descriptor: number | undefined;
  #misses = 0;
  #dueMs = Number.NEGATIVE_INFINITY;
  #rest: Buffer;

  constructor(path: string, query: GpuQuery, intervalMs: number) {
    this.#path = path;
    this.#query = query;
    this.#intervalMs = intervalMs;
    this.#rest = Buffer.from(query.header);
  }

  /** False when the loop has ended. */
  feed({ state, wall, monotonicMs }: FeedMoment): boolean {
    if (this.#descriptor === undefined && !this.#open()) return ++this.#misses < PATIENCE_TICKS;
    // Timers come a little early or late.
    const slackMs = this.#intervalMs / 10;
    if (monotonicMs < this.#dueMs - slackMs) return true;
    this.#dueMs = Math.max(this.#dueMs, monotonicMs - slackMs) + this.#intervalMs;
    const headerOrNothing = this.#flush();
    if (headerOrNothing !== 'empty') return headerOrNothing === 'full';
    this.#rest = Buffer.from(this.#query.rows(state, wall));
    const left = this.#flush();
    return left !== 'gone' && (this.#intervalMs > 0 || left === 'full');
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): boolean {
    this.#descriptor = openForWriting(this.#path);
    return this.#descriptor !== undefined;
  }

  #flush(): 'empty' | 'full' | 'gone' {
    while (this.#rest.length > 0) {
      const written = writeOrNothing(this.#descriptor, this.#rest);
      if (written === 'gone') return 'gone';
      if (written === 0) return 'full';
      this.#rest = this.#rest.subarray(written);
    }
    return 'empty';
  }
}

/** Writing ends cannot be opened before the reading end is: then it fails at once. */
function openForWriting(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // ENOENT, ENXIO: the script has not come so far, nobody reads yet.
    return undefined;
  }
}

/** Opened for both ways it waits for nobody; closed again, those who waited see its end. */
function release(pipe: string): void {
  closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK));
  // Who has not opened it yet finds nothing to wait for.
  rmSync(pipe, { force: true });
}

function writeOrNothing(descriptor: number | undefined, bytes: Buffer): number | 'gone' {
  if (descriptor === undefined) return 'gone';
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EAGAIN' ? 0 : 'gone';
  }
}

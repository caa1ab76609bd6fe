// Feeds the loops of a node's nvidia-smi stand-in: each has a pipe of its own. Nothing here waits for a reader: opening and
// writing are non-blocking, a tick that does not fit is dropped whole, and of a line that was cut by a full pipe the rest is
// kept until there is room, so that a reader sees whole lines only.
import { closeSync, constants, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeState } from '../workload.ts';
import { GpuQuery } from './nvidia-smi.ts';

export interface FeedMoment {
  readonly state: NodeState;
  readonly wall: Date;
  readonly monotonicMs: number;
}

/** A script that was ended between its request and its reading never opens its pipe. */
const PATIENCE_TICKS = 20;

export class NvidiaSmiFeed {
  readonly #directory: string;
  readonly #loops = new Map<string, Loop>();
  /** Requests that are not whole, and for how many ticks. */
  readonly #unfinished = new Map<string, number>();

  /** `directory` is where the stand-in leaves its requests. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Loops being fed now. */
  get size(): number {
    return this.#loops.size;
  }

  tick(moment: FeedMoment): void {
    for (const name of readdirSync(this.#directory)) {
      if (/^\d+$/.test(name) && !this.#loops.has(name)) this.#accept(name);
    }
    for (const [name, loop] of this.#loops) {
      if (!loop.feed(moment)) this.#forget(name, loop);
    }
  }

  close(): void {
    for (const [name, loop] of this.#loops) this.#forget(name, loop);
  }

  #accept(name: string): void {
    const [loop = '', format = '', fields = '', end] = readFileSync(join(this.#directory, name), 'utf8').split('\n');
    if (end === undefined) {
      this.#awaitRest(name);
      return;
    }
    this.#unfinished.delete(name);
    const query = new GpuQuery(fields.split(','), {
      header: !format.includes('noheader'),
      units: !format.includes('nounits'),
    });
    this.#loops.set(name, new Loop(join(this.#directory, `${name}.pipe`), query, Number(loop) || 0));
  }

  /** The next tick sees it whole, unless its script was ended while it wrote. */
  #awaitRest(name: string): void {
    const ticks = (this.#unfinished.get(name) ?? 0) + 1;
    this.#unfinished.set(name, ticks);
    if (ticks >= PATIENCE_TICKS) this.#removeRequest(name);
  }

  #forget(name: string, loop: Loop): void {
    loop.close();
    this.#loops.delete(name);
    this.#removeRequest(name);
  }

  #removeRequest(name: string): void {
    this.#unfinished.delete(name);
    rmSync(join(this.#directory, name), { force: true });
    rmSync(join(this.#directory, `${name}.pipe`), { force: true });
  }
}

class Loop {
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

  /** Writing ends cannot be opened before the reading end is: then it fails at once. */
  #open(): boolean {
    try {
      this.#descriptor = openSync(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
      return true;
    } catch {
      // ENOENT, ENXIO: the script has not come so far, nobody reads yet.
      return false;
    }
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

function writeOrNothing(descriptor: number | undefined, bytes: Buffer): number | 'gone' {
  if (descriptor === undefined) return 'gone';
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EAGAIN' ? 0 : 'gone';
  }
}

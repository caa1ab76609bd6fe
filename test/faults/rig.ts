// Producers, a network and a server, each a process of its own where it matters, and what must be true at the end.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { until } from '../system/program.ts';
import { compare, readProduced, type Comparison } from './oracle.ts';
import { FaultyServer } from './server.ts';

const program = fileURLToPath(new URL('producer.ts', import.meta.url));

export interface ProducerOptions {
  readonly server: string;
  readonly intervalMs?: number;
  readonly spoolCap?: number;
  /** Without one what is not acknowledged waits in memory. */
  readonly state?: string | false;
  readonly wrap?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

export class Producer {
  readonly node: string;
  readonly log: string;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #said = '';

  constructor(node: string, folder: string) {
    this.node = node;
    this.log = join(folder, `${node}.log`);
    this.#folder = folder;
  }

  /** What it has printed in all its lives. */
  get said(): string {
    return this.#said;
  }
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start({
    server,
    intervalMs = 100,
    spoolCap = 50_000_000,
    state,
    wrap = [],
    env = {},
    flags = [],
  }: ProducerOptions): void {
    const kept = state === false ? [] : ['--state', state ?? join(this.#folder, `${this.node}.state`)];
    const args = ['--server', server, '--node', this.node, '--log', this.log, '--interval', String(intervalMs)];
    const all = [...wrap, process.execPath, program, ...args, '--spool-cap', String(spoolCap), ...kept, ...flags];
    const [file = '', ...rest] = all;
    const child = spawn(file, rest, { stdio: ['ignore', 'inherit', 'pipe'], env: { ...process.env, ...env } });
    child.stderr.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString();
    });
    this.#child = child;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'whyidle-fault-'));
  readonly producers: Producer[] = [];
  readonly server: FaultyServer;
  readonly #startedMs = Date.now();

  private constructor(server: FaultyServer) {
    this.server = server;
  }

  static async create(data?: string): Promise<Rig> {
    const holder: { rig?: Rig } = {};
    const folder = data ?? mkdtempSync(join(tmpdir(), 'whyidle-fault-data-'));
    mkdirSync(folder, { recursive: true });
    holder.rig = new Rig(await FaultyServer.at(folder));
    return holder.rig;
  }

  producer(node: string): Producer {
    const producer = new Producer(node, this.folder);
    this.producers.push(producer);
    return producer;
  }

  async stored(producer: Producer): Promise<Comparison> {
    const labels = { node: producer.node, device: 'number' };
    const answer = await this.server.readings('disk_reads_completed_total', labels, this.#startedMs - 7_200_000);
    return compare(readProduced(producer.log), answer);
  }

  /**
   * Everything produced so far is in the history exactly once, or in a recorded gap; readings that are on their way get
   * some time. Gives the comparison.
   */
  async expectNothingLost(producer: Producer, withinMs = 20_000): Promise<Comparison> {
    let last: Comparison | undefined;
    try {
      return await until(
        `${producer.node} is complete`,
        async () => {
          const found = (last = await this.stored(producer));
          const complete = found.lost.length === 0 && found.stored + found.recorded.length >= found.produced;
          return complete ? found : undefined;
        },
        withinMs,
      );
    } catch (error) {
      throw new Error(`${String(error)}; lost ${JSON.stringify(last?.lost.slice(0, 20))} of ${last?.produced ?? 0}`, {
        cause: error,
      });
    } finally {
      expect(last?.twice ?? []).toEqual([]);
      expect(last?.invented ?? []).toEqual([]);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.producers.map((producer) => producer.end()));
    await this.server.kill('SIGTERM');
    for (const folder of [this.folder, this.server.data])
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// The real server as a process of its own, on one port and one data folder over all its lives.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { QueryAnswer } from '#server/contract';
import { freePort, json, projectRoot, until } from '../system/program.ts';

export interface ServerLife {
  /** Text that it must be told with, in front of its own flags. */
  readonly flags?: readonly string[];
  /** A program that starts it: strace, faketime. */
  readonly wrap?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class FaultyServer {
  readonly port: number;
  readonly data: string;
  #child: ChildProcess | undefined;
  #said = '';

  private constructor(port: number, data: string) {
    this.port = port;
    this.data = data;
  }

  static async at(data: string): Promise<FaultyServer> {
    return new FaultyServer(await freePort(), data);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
  get pid(): number | undefined {
    return this.#child?.pid;
  }
  /** Everything it has printed in all its lives. */
  get said(): string {
    return this.#said;
  }

  /** Starts it and waits until it serves. */
  async start({ flags = [], wrap = [], env = {} }: ServerLife = {}): Promise<void> {
    const program = [process.execPath, join(projectRoot, 'dist/cli/whyidle.js')];
    const args = ['server', '--listen', `127.0.0.1:${this.port}`, '--data', this.data, ...flags];
    const [file = '', ...rest] = [...wrap, ...program, ...args];
    const child = spawn(file, rest, {
      env: { ...process.env, WHYIDLE_ACCESS_HOSTS: '127.0.0.1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // What it is started by, and itself.
      detached: true,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString();
      });
    }
    await until('the server serves', async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${this.#said.slice(-500)}`);
      return (await fetch(`${this.url}/readyz`)).ok ? true : undefined;
    });
  }

  signal(signal: NodeJS.Signals): void {
    const { pid } = this;
    if (pid !== undefined) process.kill(-pid, signal);
  }

  /** SIGKILL unless it is said otherwise; resolves when it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    this.signal(signal);
    await gone;
  }

  /** Every reading of one metric that it has, as received. */
  readings(metric: string, labels: Readonly<Record<string, string>>, fromMs: number): Promise<QueryAnswer> {
    const url = new URL('/api/v1/query', this.url);
    const words = { metric, labels: JSON.stringify(labels), from: String(Math.floor(fromMs)), step: 'raw' };
    for (const [name, value] of Object.entries(words)) url.searchParams.set(name, value);
    return json<QueryAnswer>(url.href);
  }
}

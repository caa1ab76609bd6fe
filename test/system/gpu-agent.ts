// The agent's real program, run from its source as an exporter of this machine, and its page as it changes.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parsePage } from '../doubles/exposition.ts';
import { isRunning } from '../doubles/programs.ts';
import { until } from './program.ts';

const main = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));

export class AgentProgram {
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #log = '';
  #address = '';

  /** `launcher` is put before the program: a tracer, for example. */
  constructor(args: readonly string[], launcher: readonly string[] = []) {
    const command = [...launcher, process.execPath, main, 'agent', '--listen', '127.0.0.1:0', '--name', 'n', ...args];
    const [file = '', ...rest] = command;
    this.child = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#ended = once(this.child, 'exit');
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
  }

  get log(): string {
    return this.#log;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async page(): Promise<PageView> {
    if (this.hasEnded) throw new Error(`the agent has ended: ${this.#log}`);
    this.#address ||= await until('the page', () =>
      this.hasEnded ? '-' : /http:\/\/\S+\/metrics/.exec(this.#log)?.[0],
    );
    const answer = await fetch(this.#address);
    return new PageView(await answer.text());
  }

  /** The page for which it is true. */
  async pageWith(what: string, isTrue: (page: PageView) => boolean, timeoutMs = 20_000): Promise<PageView> {
    let last: PageView | undefined;
    try {
      return await until(
        what,
        async () => {
          last = await this.page();
          return isTrue(last) ? last : undefined;
        },
        timeoutMs,
      );
    } catch (error) {
      const lines =
        last?.lines.filter((line) => /^whyidle_(gpu_(up|reader)|gpus|unavailable.*name="")/.test(line)) ?? [];
      throw new Error(`${what}\n${this.#log}\n${lines.join('\n')}`, { cause: error });
    }
  }

  /** Its children and theirs, by what their command line holds. */
  children(word: string): readonly number[] {
    return descendantsOf(this.child.pid ?? 0).filter((pid) => commandLineOf(pid).includes(word));
  }

  /** How long it took to end, in ms. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    const startMs = performance.now();
    if (!this.hasEnded) {
      this.child.kill(signal);
      await this.#ended;
    }
    return performance.now() - startMs;
  }
}

/** One state of the page. */
export class PageView {
  readonly #series: ReadonlyMap<string, number>;

  constructor(text: string) {
    this.#series = parsePage(text).series;
  }

  get lines(): readonly string[] {
    return [...this.#series].map(([series, value]) => `${series} ${value}`);
  }

  /** Of the first series that has this name, without its prefix, and these labels. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    return this.#find(name, labels)[0]?.[1];
  }

  count(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.#find(name, labels).length;
  }

  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.#find(name, labels).reduce((total, [, value]) => total + value, 0);
  }

  label(name: string, label: string, labels: Readonly<Record<string, string>> = {}): string | undefined {
    const series = this.#find(name, labels)[0]?.[0];
    return series === undefined ? undefined : new RegExp(`[{,]${label}="([^"]*)"`).exec(series)?.[1];
  }

  get backend(): string | undefined {
    return this.label('gpu_reader_info', 'backend');
  }

  /** Of the area that reads GPUs, everything but what is said of the whole. */
  get gpuLines(): readonly string[] {
    return this.lines.filter((line) => /^whyidle_gpu_\w+\{.*gpu="/.test(line));
  }

  #find(name: string, labels: Readonly<Record<string, string>>): readonly (readonly [string, number])[] {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return [...this.#series].filter(
      ([series]) => series.startsWith(`whyidle_${name}{`) && pairs.every((pair) => hasPair(series, pair)),
    );
  }
}

function hasPair(series: string, pair: string): boolean {
  return series.includes(`{${pair}`) || series.includes(`,${pair}`);
}

export function descendantsOf(pid: number): readonly number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent !== undefined) parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  for (const todo = [pid]; todo.length > 0;) {
    const children = parents.get(todo.pop() ?? 0) ?? [];
    found.push(...children.filter(isRunning));
    todo.push(...children);
  }
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // it has just ended
  }
}

export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return ''; // it has just ended
  }
}

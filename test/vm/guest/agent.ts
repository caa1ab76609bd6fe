// The agent that is examined: started once, asked at /metrics as Prometheus would.
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parsePage } from '../../doubles/exposition.ts';

const ADDRESS = '127.0.0.1:9400';
const POLL_MS = 200;
const PATIENCE_MS = 150_000;

export type Labels = Readonly<Record<string, string>>;

export interface Agent {
  /** Samples of a metric whose labels agree. */
  samples(metric: string, labels?: Labels): Promise<readonly Sample[]>;
  /** The only sample; undefined if there is none or more than one. */
  value(metric: string, labels?: Labels): Promise<number | undefined>;
  /** Waits until the CPU series have moved this often: readings that began after the call are then over. */
  ticks(count: number): Promise<void>;
  /** All that it shows. */
  page(): Promise<string>;
  alive(): boolean;
  stop(): void;
}

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export async function startAgent(main: string, logFile: string): Promise<Agent> {
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, [main, 'agent', '--listen', ADDRESS], { stdio: ['ignore', log, log] });
  const samples = async (metric: string, labels: Labels = {}): Promise<readonly Sample[]> => find(metric, labels);
  const agent: Agent = {
    samples,
    value: async (metric, labels) => {
      const found = await samples(metric, labels);
      return found.length === 1 ? found[0]?.value : undefined;
    },
    ticks: async (count) => {
      for (let done = 0; done < count; done++) {
        const before = await cpuSeconds();
        await until('a reading', async () => (await cpuSeconds()) !== before);
      }
    },
    page,
    alive: () => child.exitCode === null && child.signalCode === null,
    stop: () => child.kill(),
  };
  await until('the agent', async () => (await cpuSeconds()) > 0);
  return agent;
}

/** Waits until it is so, and gives the seconds that took. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<number> {
  const started = performance.now();
  for (;;) {
    if (await isSo()) return (performance.now() - started) / 1000;
    if (performance.now() - started > PATIENCE_MS) throw new Error(`waited in vain for ${what}`);
    await sleep(POLL_MS);
  }
}

async function cpuSeconds(): Promise<number> {
  return (await find('whyidle_cpu_seconds_total', {})).reduce((sum, { value }) => sum + value, 0);
}

async function find(metric: string, labels: Labels): Promise<readonly Sample[]> {
  const { series } = parsePage(await page());
  return [...series].flatMap(([key, value]) => {
    if (!key.startsWith(`${metric}{`)) return [];
    const found = Object.fromEntries(
      [...key.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', text = '']) => [name, text]),
    );
    return Object.entries(labels).every(([name, text]) => found[name] === text) ? [{ labels: found, value }] : [];
  });
}

/** Empty while the agent does not answer yet. */
async function page(): Promise<string> {
  try {
    return await (await fetch(`http://${ADDRESS}/metrics`)).text();
  } catch {
    return '';
  }
}

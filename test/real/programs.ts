// Starts real programs beside ours (Prometheus, promtool and others of Debian) and stops them by their process id.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stringify } from 'yaml';
import { freePort, json, until } from '../system/program.ts';

export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}

/** Why a suite that needs these programs cannot run here; undefined if it can. */
export function missingPrograms(...names: readonly string[]): string | undefined {
  const missing = names.filter((name) => !hasProgram(name));
  return missing.length === 0 ? undefined : `${missing.join(', ')} not installed`;
}

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with a text on its standard input. */
export function runReal(program: string, args: readonly string[], input = ''): Finished {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, encoding: 'utf8', timeout: 20_000 });
  if (error) throw new Error(`${program} cannot be run`, { cause: error });
  return { exitCode: status, stdout, stderr };
}

export interface RealProgram {
  readonly pid: number;
  /** What it has printed so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts a program that stays, and waits until the address answers 200. */
export async function startReal(program: string, args: readonly string[], readyUrl: string): Promise<RealProgram> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} has no process id`);
  let text = '';
  const keep = (chunk: Buffer): void => {
    text += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
  };
  try {
    await until(`${program} answers`, async () => ((await fetch(readyUrl)).ok ? true : undefined));
  } catch (error) {
    await stop();
    throw new Error(`${program} did not start:\n${text}`, { cause: error });
  }
  return { pid, output: () => text, stop };
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Target {
  readonly health: string;
  readonly lastError: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Prometheus {
  /** Instant query; a scalar or vector as samples. */
  query(expression: string): Promise<readonly Sample[]>;
  targets(): Promise<readonly Target[]>;
  /** Rules that Prometheus has loaded, with their last error. */
  rules(): Promise<readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]>;
  /** What Prometheus knows of a family, by the name its page gave. */
  metadata(family: string): Promise<readonly { readonly type: string; readonly help: string }[]>;
  stop(): Promise<void>;
}

/** Starts Prometheus on a free port with a configuration, data in a temporary folder. */
export async function startPrometheus(configuration: object): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-prometheus-'));
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, stringify(configuration));
  const address = `127.0.0.1:${await freePort()}`;
  const program = await startReal(
    'prometheus',
    [`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${address}`],
    `http://${address}/-/ready`,
  );
  const api = `http://${address}/api/v1`;
  return {
    query: async (expression) => {
      const { data } = await json<QueryAnswer>(`${api}/query?query=${encodeURIComponent(expression)}`);
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    targets: async () => (await json<TargetsAnswer>(`${api}/targets?state=active`)).data.activeTargets,
    rules: async () => (await json<RulesAnswer>(`${api}/rules`)).data.groups.flatMap((group) => group.rules),
    metadata: async (family) => {
      const { data } = await json<MetadataAnswer>(`${api}/metadata?metric=${encodeURIComponent(family)}`);
      return data[family] ?? [];
    },
    stop: async () => {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// The parts of Prometheus' HTTP API that are read here. https://prometheus.io/docs/prometheus/latest/querying/api/
interface QueryAnswer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}
interface TargetsAnswer {
  readonly data: { readonly activeTargets: readonly Target[] };
}
interface MetadataAnswer {
  readonly data: Readonly<Record<string, readonly { readonly type: string; readonly help: string }[]>>;
}
interface RulesAnswer {
  readonly data: {
    readonly groups: readonly {
      readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
    }[];
  };
}

// A simulated InfiniBand subnet: Debian's ibsim with opensm, and infiniband-diags that see it. The preload library that
// stands in for /dev/infiniband/umad* is for the tools alone, never for this process.
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The library's path; undefined where the package is not installed. */
export function preloadLibrary(): string | undefined {
  const { stdout, error } = spawnSync('dpkg', ['-L', 'libumad2sim0'], { encoding: 'utf8' });
  return error ? undefined : stdout.split('\n').find((line) => line.endsWith('/libumad2sim.so'));
}

export interface Subnet {
  /** What tools need to see it. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a tool in it to its end. */
  run(tool: string, ...args: readonly string[]): Promise<string>;
  /** Commands of the simulator's console, done when this resolves. */
  console(...lines: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface SubnetOptions {
  /** Further flags of ibsim, for large nets. */
  readonly limits?: readonly string[];
}

const READY_MS = 60_000;
/** The console cuts longer ones. */
const LONGEST_LINE = 126;

export async function startSubnet(net: string, preload: string, { limits = [] }: SubnetOptions = {}): Promise<Subnet> {
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-ibsim-'));
  const [osm, cwd] = [join(folder, 'osm'), join(folder, 'cwd')];
  mkdirSync(osm);
  mkdirSync(cwd);
  const socket = { IBSIM_SOCKNAME: randomUUID().slice(0, 12) };
  const env = { ...socket, LD_PRELOAD: preload };
  const simulator = new Simulator(['-s', ...limits, net], { ...process.env, ...socket }, cwd);
  await simulator.says('Network simulator ready');
  const toolEnv = { ...process.env, ...env };
  const run = (tool: string, args: readonly string[]): Promise<string> => runTool(tool, args, { env: toolEnv, cwd });
  const manager = spawn('opensm', ['-f', join(osm, 'osm.log'), '-s', '1', '-R', 'minhop'], {
    env: { ...toolEnv, OSM_TMP_DIR: osm, OSM_CACHE_DIR: osm },
    cwd,
    stdio: 'ignore',
  });
  await until('opensm', async () => !/\b(Initialize|Armed)\b/.test(await run('iblinkinfo', ['-l'])));
  await until('opensm', async () => /\bActive\b/.test(await run('iblinkinfo', ['-l'])));
  return {
    env,
    run: (tool, ...args) => run(tool, args),
    console: (...lines) => simulator.do(lines),
    stop: async () => {
      // It hangs if the simulator goes before it.
      await end(manager, () => manager.kill());
      await simulator.quit();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Writes the tools as programs that see the subnet by themselves. */
export function wrapTools({ env }: Subnet, folder: string): void {
  mkdirSync(folder);
  const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  for (const tool of ['ibnetdiscover', 'iblinkinfo', 'ibqueryerrors', 'perfquery']) {
    const text = `#!/bin/sh\n${variables.join(' ')} exec /usr/sbin/${tool} "$@"\n`;
    writeFileSync(join(folder, tool), text, { mode: 0o755 });
  }
}

class Simulator {
  readonly #process: ChildProcess;
  #log = '';
  #questions = 0;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string) {
    // Its standard input stays open: at its end it would spin.
    this.#process = spawn('ibsim', [...args], { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  async says(text: string): Promise<void> {
    await until(`ibsim: ${text}`, () => {
      if (this.#process.exitCode !== null) throw new Error(`ibsim has ended:\n${this.#log}`);
      return Promise.resolve(this.#log.includes(text));
    });
  }

  async do(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      if (line.length > LONGEST_LINE) throw new Error(`too long for ibsim's console: ${line}`);
      this.#process.stdin?.write(`${line}\n`);
    }
    // It takes one command after the other, and answers to one that there is none of.
    const mark = `nothing${this.#questions++}`;
    this.#process.stdin?.write(`${mark}\n`);
    await this.says(mark);
  }

  async quit(): Promise<void> {
    await end(this.#process, () => this.#process.stdin?.write('Quit\n'));
  }
}

async function end(child: ChildProcess, ask: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  ask();
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(timer);
}

function runTool(
  tool: string,
  args: readonly string[],
  { env, cwd }: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): Promise<string> {
  return new Promise((resolve) => {
    // A client that is killed keeps its place among the ten that there are; an interrupted one gives it up.
    const options = { env, cwd, timeout: 20_000, killSignal: 'SIGINT' as const, maxBuffer: 64 * 1024 * 1024 };
    execFile(tool, [...args], options, (_error, stdout) => {
      resolve(stdout);
    });
  });
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + READY_MS;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${READY_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

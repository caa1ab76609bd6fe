// `npm run bench:agent [-- --minutes N]`: the built agent beside node_exporter over the same tree, both at 1 Hz.
// Prints what it measures and asserts nothing. Default 60 s; --minutes 10 shows whether memory grows.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort, until } from '../system/program.ts';
import { FakeTree } from './fake-tree.ts';
import { measureFrameSize } from './frame-size.ts';
import { readCost, slopePerMinute, type Cost } from './process-cost.ts';

const { values: flags } = parseArgs({ options: { minutes: { type: 'string', default: '1' } } });
const seconds = Math.max(5, Math.round(Number(flags.minutes) * 60));
const WARM_UP_S = 15;

const agentProgram = fileURLToPath(new URL('../../dist/agent/main.js', import.meta.url));
const sinkProgram = fileURLToPath(new URL('sink.ts', import.meta.url));
/** What the agent reads too; not its nvme and netclass, which would only make it dearer. */
const exporterCollectors = 'infiniband diskstats stat cpu meminfo vmstat loadavg pressure netdev'.split(' ');

if (!existsSync(agentProgram)) {
  console.error('dist/agent is not built: npm run build');
  process.exit(2);
}
const scratch = mkdtempSync(join(inMemory() ?? tmpdir(), 'whyidle-bench-'));
const children: ChildProcess[] = [];
try {
  await bench();
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  printFrameSize();
  const tree = new FakeTree(join(scratch, 'root'));
  const sink = await startSink();
  const agent = start(process.execPath, [
    agentProgram,
    'agent',
    '--server',
    sink,
    '--root',
    tree.root,
    '--name',
    'bench',
  ]);
  const exporter = await startExporter(tree.root);
  await until('frames at the sink', async () => ((await told(sink)).frames > 2 ? true : undefined));
  const running = [
    { name: 'agent', pid: pidOf(agent), costs: [] as Cost[] },
    ...(exporter ? [{ name: 'node_exporter', pid: exporter.pid, costs: [] as Cost[] }] : []),
  ];
  console.log(`measuring for ${seconds} s after ${WARM_UP_S} s of warming up`);
  const before = { told: await told(sink), series: 0 };
  const startMs = performance.now();
  for (let second = 0; second <= WARM_UP_S + seconds; second++) {
    await sleep(Math.max(0, startMs + second * 1000 - performance.now()));
    tree.advance();
    if (exporter) before.series = await scrape(exporter.url);
    if (second >= WARM_UP_S) for (const { pid, costs } of running) costs.push(readCost(pid));
  }
  const { frames, keys, bytes, series } = await told(sink);
  console.log(
    `agent: ${series} series, ${frames - before.told.frames} frames in ${seconds + WARM_UP_S} s, ` +
      `${(bytes / Math.max(1, frames - keys)).toFixed(0)} B per delta frame`,
  );
  if (exporter) console.log(`node_exporter: ${before.series} series`);
  const perTick = running.map(({ name, costs }) => printCosts(name, costs));
  const [ours, theirs] = perTick;
  if (ours !== undefined && theirs !== undefined)
    console.log(`agent / node_exporter: ${(ours / theirs).toFixed(2)} (goal 0.50)`);
  tree.close();
}

function printFrameSize(): void {
  measureFrameSize(); // once for the compiler
  const { frameBytes, jsonBytes, encodeMicroseconds } = measureFrameSize();
  console.log(
    `busy sample of 720 values: frame ${frameBytes.toFixed(0)} B, JSON ${jsonBytes.toFixed(0)} B, ` +
      `1/${(jsonBytes / frameBytes).toFixed(1)} of it (goal 1/12); ${encodeMicroseconds.toFixed(1)} µs to encode`,
  );
}

/** Prints one program's costs and gives its CPU milliseconds per tick. */
function printCosts(name: string, costs: readonly Cost[]): number {
  const [first, last] = [costs[0], costs.at(-1)];
  if (!first || !last) return NaN;
  const perTick = (last.cpuMs - first.cpuMs) / (costs.length - 1);
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const slope = slopePerMinute(costs.map(({ residentBytes }) => residentBytes)) / 1024;
  console.log(
    `${name}: ${perTick.toFixed(2)} ms CPU per tick (${(perTick / 10).toFixed(2)} % of a core), ` +
      `RSS ${mebibytes(first.residentBytes)} → ${mebibytes(last.residentBytes)} MiB, slope ${slope.toFixed(1)} KiB/min`,
  );
  return perTick;
}

async function startSink(): Promise<string> {
  const port = await freePort();
  start(process.execPath, [sinkProgram, String(port)]);
  const url = `http://127.0.0.1:${port}`;
  await until('the sink', async () => ((await told(url)).frames === 0 ? true : undefined));
  return url;
}

async function startExporter(root: string): Promise<{ readonly pid: number; readonly url: string } | undefined> {
  const program = 'prometheus-node-exporter';
  if (spawnSync(program, ['--version']).error) {
    console.log(`${program} is not installed: nothing to compare with (npm run test:setup)`);
    return undefined;
  }
  const port = await freePort();
  const child = start(program, [
    `--path.sysfs=${root}/sys`,
    `--path.procfs=${root}/proc`,
    '--collector.disable-defaults',
    ...exporterCollectors.map((name) => `--collector.${name}`),
    '--web.disable-exporter-metrics',
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  const url = `http://127.0.0.1:${port}/metrics`;
  await until(program, async () => ((await fetch(url)).ok ? true : undefined));
  return { pid: pidOf(child), url };
}

/** Series on the page. */
async function scrape(url: string): Promise<number> {
  const text = await (await fetch(url)).text();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
}

interface Told {
  readonly frames: number;
  readonly keys: number;
  readonly bytes: number;
  readonly series: number;
}

async function told(url: string): Promise<Told> {
  return (await (await fetch(url)).json()) as Told; // sink.ts writes it
}

function start(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', process.env['BENCH_VERBOSE'] ? 'inherit' : 'ignore'],
  });
  children.push(child);
  return child;
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('a program could not be started');
  return pid;
}

/** Where files are in memory anyway, as the kernel's are. */
function inMemory(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize > 64e6 ? '/dev/shm' : undefined;
  } catch {
    return undefined; // no such place here
  }
}

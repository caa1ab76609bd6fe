// `npm run bench:infiniband [-- --passes N]`: one pass over eight adapters, ours beside node_exporter's on the same tree.
// The tree is eight copies of a recorded mlx5 adapter, with one rate. Prints what it measures and asserts nothing.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { infiniband } from '../../agent/collectors/infiniband.ts';
import { TextPage } from '../../agent/exposition.ts';
import { hcaSpecs, writeHcas } from '../doubles/infiniband/tree.ts';
import { startReading } from '../doubles/reading.ts';
import { copyTree } from '../doubles/steps.ts';
import { freePort, until } from '../system/program.ts';
import { readCost } from './process-cost.ts';

const ADAPTERS = 8;
const GOAL_MS = 0.5;
const recorded = join(import.meta.dirname, '../../../shared/corpus/infiniband/sysfs/procfs-a/class/infiniband/mlx5_0');

const { values: flags } = parseArgs({ options: { passes: { type: 'string', default: '500' } } });
const passes = Math.max(10, Number(flags.passes));

const scratch = mkdtempSync(join(inMemory() ?? tmpdir(), 'whyidle-bench-'));
try {
  await bench(join(scratch, 'root'));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function bench(root: string): Promise<void> {
  writeAdapters(root);
  const ours = measureOurs(root);
  const theirs = await measureTheirs(root);
  if (theirs === undefined) return;
  console.log(`fast and medium pass / node_exporter's scrape: ${(ours.pass / theirs).toFixed(3)}`);
  console.log(`the same with our page written / node_exporter's scrape: ${(ours.page / theirs).toFixed(3)}`);
}

function writeAdapters(root: string): void {
  if (!existsSync(recorded)) {
    console.log('the recorded adapter is not here: eight written ones with 35 counters each');
    writeHcas(root, hcaSpecs(ADAPTERS));
    return;
  }
  for (let adapter = 0; adapter < ADAPTERS; adapter++) {
    const device = join(root, 'sys/class/infiniband', `mlx5_${adapter}`);
    copyTree(recorded, device);
    writeFileSync(join(device, 'ports/1/rate'), '100 Gb/sec (4X EDR)\n');
  }
  mkdirSync(join(root, 'proc'), { recursive: true });
}

/** CPU milliseconds of one pass, and of one pass with a page. */
function measureOurs(root: string): { readonly pass: number; readonly page: number } {
  const { reader, snapshot } = startReading(infiniband, root);
  void reader.discover();
  const page = new TextPage(snapshot, 'bench');
  const fast = (): void => void reader.read('fast');
  const both = (): void => {
    fast();
    void reader.read('medium');
  };
  const withPage = (): void => {
    both();
    page.render('prometheus');
  };
  console.log(`${snapshot.series.length} series of ${ADAPTERS} adapters, ${passes} passes each`);
  print('fast pass', measure(fast));
  const pass = print(`fast and medium pass (goal ${GOAL_MS} ms)`, measure(both));
  return { pass, page: print('the same, and our page', measure(withPage)) };
}

function measure(pass: () => void): { readonly cpuMs: number; readonly wallMs: number } {
  for (let index = 0; index < passes; index++) pass(); // for the compiler
  const before = process.cpuUsage();
  const startMs = performance.now();
  for (let index = 0; index < passes; index++) pass();
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000 / passes, wallMs: (performance.now() - startMs) / passes };
}

/** CPU milliseconds of one scrape; undefined if there is no node_exporter. */
async function measureTheirs(root: string): Promise<number | undefined> {
  const program = 'prometheus-node-exporter';
  if (spawnSync(program, ['--version']).error) {
    console.log(`${program} is not installed: nothing to compare with (npm run test:setup)`);
    return undefined;
  }
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(
    program,
    [
      `--path.sysfs=${root}/sys`,
      '--collector.disable-defaults',
      '--collector.infiniband',
      '--web.disable-exporter-metrics',
      `--web.listen-address=${url.slice('http://'.length)}`,
    ],
    { stdio: 'ignore' },
  );
  try {
    const scrape = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
    await until(program, async () => ((await scrape()) === '' ? undefined : true));
    for (let index = 0; index < passes / 10; index++) await scrape();
    const { pid = 0 } = child;
    const before = readCost(pid).cpuMs;
    const startMs = performance.now();
    for (let index = 0; index < passes; index++) await scrape();
    const wallMs = (performance.now() - startMs) / passes;
    return print("node_exporter's scrape", { cpuMs: (readCost(pid).cpuMs - before) / passes, wallMs });
  } finally {
    child.kill('SIGKILL');
  }
}

function print(what: string, { cpuMs, wallMs }: { readonly cpuMs: number; readonly wallMs: number }): number {
  console.log(`${what}: ${cpuMs.toFixed(3)} ms CPU, ${wallMs.toFixed(3)} ms wall`);
  return cpuMs;
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

// `npm run bench:gpu [-- --seconds N]`: what reading 8 and 16 GPUs once a second costs the built agent, through NVML and through
// a looping nvidia-smi, beside the same agent without GPUs and beside the bare calls of the stand-in library.
// Prints what it measures and asserts nothing. Our stand-in library copies a whole GPU per call: a real one costs otherwise.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nvmlFunctions } from '../../agent/simulator/render/nvml-functions.ts';
import { NvmlClient } from '../doubles/nvml/client.ts';
import { healthyV100, machineOf, NvmlDouble, prepareNvml } from '../doubles/nvml/double.ts';
import { writeNvidiaSmi } from '../doubles/nvidia-smi/program.ts';
import { freePort, until } from '../system/program.ts';
import { readCost } from './process-cost.ts';

const { values: flags } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } });
const seconds = Math.max(5, Number(flags.seconds));
const WARM_UP_S = 10;
/** The mean over these many bare calls. */
const BARE_CALLS = 20_000;

const agentProgram = fileURLToPath(new URL('../../dist/agent/main.js', import.meta.url));
if (!existsSync(agentProgram)) {
  console.error('dist/agent is not built: npm run build');
  process.exit(2);
}
prepareNvml();
const scratch = mkdtempSync(join(tmpdir(), 'whyidle-bench-gpu-'));
const root = join(scratch, 'root');
mkdirSync(root);
const agents: ChildProcess[] = [];
try {
  const nothing = await measure('no GPUs', []);
  for (const gpus of [8, 16]) {
    const double = new NvmlDouble(machineOf(healthyV100, gpus));
    const nvml = await measure(`${gpus} GPUs, NVML`, ['--nvml', double.library], double);
    const smi = await measure(`${gpus} GPUs, nvidia-smi`, ['--nvidia-smi', writeNvidiaSmi(scratch, 'ok', gpus)]);
    printBeside({ gpus, nvml, smi, nothing, bareMs: (nvml.calls * bareCallUs(double)) / 1000, calls: nvml.calls });
    double.remove();
  }
} finally {
  for (const agent of agents) agent.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
}

interface Measured {
  readonly mainMs: number;
  /** Of our own child; 0 where there is none. */
  readonly readerMs: number;
  readonly calls: number;
}

async function measure(what: string, args: readonly string[], double?: NvmlDouble): Promise<Measured> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const agent = spawn(process.execPath, [agentProgram, 'agent', '--listen', address, '--root', root, ...args], {
    stdio: 'ignore',
  });
  agents.push(agent);
  const pid = agent.pid ?? -1;
  await until(what, async () => {
    const page = await (await fetch(`http://${address}/metrics`)).text();
    return args.length === 0 || page.includes('whyidle_gpu_utilization_ratio{') ? true : undefined;
  });
  await sleep(WARM_UP_S * 1000);
  const readerPid = readerOf(pid);
  const pids = readerPid === undefined ? [pid] : [pid, readerPid];
  const before = pids.map(readCost);
  const callsBefore = callsOf(double);
  await sleep(seconds * 1000);
  const after = pids.map(readCost);
  const perTick = pids.map((_, at) => ((after[at]?.cpuMs ?? NaN) - (before[at]?.cpuMs ?? NaN)) / seconds);
  const [mainMs = NaN, readerMs = 0] = perTick;
  const resident = after.map(({ residentBytes }) => `${(residentBytes / 2 ** 20).toFixed(0)} MiB`);
  const calls = (callsOf(double) - callsBefore) / seconds;
  console.log(
    `${what}: agent ${mainMs.toFixed(2)} ms CPU per tick, RSS ${resident[0] ?? ''}` +
      (readerPid === undefined ? '' : `; reader ${readerMs.toFixed(2)} ms, RSS ${resident[1] ?? ''}`) +
      (double ? `; ${calls.toFixed(0)} calls of the library per tick` : ''),
  );
  agent.kill('SIGTERM');
  return { mainMs, readerMs, calls };
}

interface Beside {
  readonly gpus: number;
  readonly nvml: Measured;
  readonly smi: Measured;
  readonly nothing: Measured;
  /** The bare calls alone, per tick. */
  readonly bareMs: number;
  readonly calls: number;
}

function printBeside({ gpus, nvml, smi, nothing, bareMs }: Beside): void {
  const ours = nvml.mainMs + nvml.readerMs;
  console.log(
    `${gpus} GPUs: NVML ${ours.toFixed(2)} ms, of which GPUs ${(ours - nothing.mainMs).toFixed(2)}; ` +
      `nvidia-smi ${smi.mainMs.toFixed(2)} ms without the tool itself, of which GPUs ${(smi.mainMs - nothing.mainMs).toFixed(2)}; ` +
      `${(ours / 10).toFixed(2)} % of a core (goal 1 % for 8)`,
  );
  console.log(
    `${gpus} GPUs: reader / bare calls of the stand-in: ${(nvml.readerMs / bareMs).toFixed(2)} ` +
      `(${bareMs.toFixed(2)} ms of calls per tick)`,
  );
}

/** Microseconds of one getter from this process, the stand-in's own copying included. */
function bareCallUs(double: NvmlDouble): number {
  const client = new NvmlClient(double.library);
  const handle = client.open(0);
  const memory = Buffer.alloc(4);
  const call = (): number => client.call('nvmlDeviceGetPowerUsage', handle, memory);
  for (let warm = 0; warm < 1000; warm++) call();
  const startMs = performance.now();
  for (let index = 0; index < BARE_CALLS; index++) call();
  return ((performance.now() - startMs) * 1000) / BARE_CALLS;
}

function callsOf(double: NvmlDouble | undefined): number {
  return double ? nvmlFunctions.reduce((sum, name) => sum + double.calls(name), 0) : 0;
}

/** The agent's child that runs our own reader. */
function readerOf(parent: number): number | undefined {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return Number(ppid) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('gpu-reader');
      } catch {
        return false; // it has ended meanwhile
      }
    });
}

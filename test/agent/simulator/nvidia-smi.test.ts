// The stand-in for nvidia-smi: what it answers, in whose order, and what becomes of slow and vanished readers.
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { noFaults } from '../../../agent/simulator/faults.ts';
import { sherlock } from '../../../agent/simulator/hardware.ts';
import { NodeTree } from '../../../agent/simulator/node-tree.ts';
import { gpuFieldNames } from '../../../agent/simulator/render/nvidia-smi.ts';
import { SimulatedWorkload, type NodeState } from '../../../agent/simulator/workload.ts';

const directory = mkdtempSync(join(tmpdir(), "whyidle-smi's-"));
const workload = new SimulatedWorkload(1, sherlock({ seed: 1, nowS: 1_800_000_000 }), noFaults);
const NODE = 8; // the first with 16 GPUs
let node: NodeTree;
let clockMs = 0;
const children: ChildProcessWithoutNullStreams[] = [];

beforeAll(() => {
  node = new NodeTree(join(directory, 'node09'), stateNow());
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
afterAll(() => {
  node.close();
  rmSync(directory, { recursive: true });
});

function stateNow(): NodeState {
  const state = workload.states[NODE];
  if (!state) throw new Error('no such node');
  return state;
}

/** One second of the simulation. */
function tick(): void {
  workload.advance(1);
  clockMs += 1000;
  node.update(stateNow(), { wall: new Date(2021, 5, 24, 10, 26, 49, 788), monotonicMs: clockMs });
}

interface Answer {
  readonly stdout: string;
  readonly exitCode: number;
}

/** Runs to its end; the simulation goes on meanwhile. */
async function ask(...args: readonly string[]): Promise<Answer> {
  let done: Answer | undefined;
  execFile(node.nvidiaSmi, args, (error, stdout) => {
    done = { stdout, exitCode: typeof error?.code === 'number' ? error.code : 0 };
  });
  return until(() => {
    tick();
    return done;
  });
}

async function until<T>(attempt: () => T | undefined): Promise<T> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const result = attempt();
    if (result !== undefined) return result;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('it did not happen within 10 s');
}

function loop(
  fields: string,
  format = 'csv,nounits',
  loopMs = 1000,
): { child: ChildProcessWithoutNullStreams; text: () => string } {
  const child = spawn(node.nvidiaSmi, [`--query-gpu=${fields}`, `--format=${format}`, `--loop-ms=${loopMs}`]);
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, text: () => text };
}

function expectedRows(): string[] {
  return stateNow().gpus.map((gpu, index) => {
    const mask = gpu.throttleMask.toString(16).toUpperCase().padStart(16, '0');
    const load = `${gpu.powerW.toFixed(2)} W, ${index}, ${Math.round(gpu.busy * 100)} %`;
    return `${load}, ${gpu.clockMHz} MHz, ${gpu.memoryUsedMiB} MiB, 0x${mask}, [N/A]`;
  });
}

const requestsFolder = join(directory, 'node09', 'smi', 'requests');
const requests = (): readonly string[] => readdirSync(requestsFolder);

describe('questions', () => {
  test('-L lists the GPUs as the tool does', async () => {
    const { stdout } = await ask('-L');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(16);
    expect(lines[0]).toBe(`GPU 0: Tesla V100-SXM3-32GB (UUID: ${stateNow().hardware.gpus[0]?.uuid ?? ''})`);
  });

  test('--help-query-gpu names every field, in quotes at the start of a line', async () => {
    const { stdout } = await ask('--help-query-gpu');
    const heads = stdout.split('\n').filter((line) => line.startsWith('"'));
    const names = heads.flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map((match) => match[1]));
    expect(names).toEqual(gpuFieldNames);
    expect(names).toContain('clocks_throttle_reasons.active');
    expect(stdout).toContain('"pci.bus_id" or "gpu_bus_id"');
  });

  test('an unknown field is refused by name, on stdout, with code 2', async () => {
    expect(await ask('--query-gpu=index,memory.reserved,uuid', '--format=csv')).toEqual({
      stdout: 'Field "memory.reserved" is not a valid field to query.\n\n',
      exitCode: 2,
    });
    expect((await ask('--query-compute-apps=pid,uuid', '--format=csv')).exitCode).toBe(2);
    expect(requests()).toEqual([]);
  });

  test('an unknown option is refused', async () => {
    expect((await ask('--frobnicate')).exitCode).toBe(1);
  });

  test('compute processes in the order asked for', async () => {
    const { stdout } = await ask('--query-compute-apps=gpu_uuid,pid', '--format=csv,noheader');
    const { hardware, gpus } = stateNow();
    const expected = gpus.flatMap(({ process }, index) =>
      process ? [`${hardware.gpus[index]?.uuid ?? ''}, ${process.pid}`] : [],
    );
    expect(expected.length).toBeGreaterThan(0);
    expect(stdout.trimEnd().split('\n')).toEqual(expected);
    const turned = await ask('--query-compute-apps=used_memory,name,pid', '--format=csv');
    expect(turned.stdout.split('\n')[0]).toBe('used_gpu_memory [MiB], process_name, pid');
    expect(turned.stdout.split('\n')[1]).toMatch(/^\d+ MiB, .*python.*, \d+$/);
    const bare = await ask('--query-compute-apps=used_memory', '--format=csv,noheader,nounits');
    expect(bare.stdout.split('\n')[0]).toMatch(/^\d+$/);
  });

  test('one answer without a loop', async () => {
    const { stdout, exitCode } = await ask('--query-gpu=timestamp,index,name', '--format=csv');
    const lines = stdout.trimEnd().split('\n');
    expect(exitCode).toBe(0);
    expect(lines).toHaveLength(17);
    expect(lines.slice(0, 2)).toEqual(['timestamp, index, name', '2021/06/24 10:26:49.788, 0, Tesla V100-SXM3-32GB']);
    expect(requests()).toEqual([]);
  });
});

describe('reports', () => {
  test('-q -x: a whole document of the moment, for all GPUs or one', async () => {
    const { stdout, exitCode } = await ask('-q', '-x');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^<\?xml version="1\.0" \?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v11\.dtd">\n/);
    expect(stdout).toContain('<timestamp>Thu Jun 24 10:26:49 2021</timestamp>');
    expect(stdout.match(/<gpu id="/g)).toHaveLength(16);
    expect(stdout.trimEnd().endsWith('</nvidia_smi_log>')).toBe(true);
    const one = await ask('-q', '-x', '-i', '3');
    expect(one.stdout.match(/<gpu id="[^"]*"/g)).toEqual(['<gpu id="00000000:3B:00.0"']);
    expect(one.stdout).toContain('<attached_gpus>16</attached_gpus>');
    expect(requests()).toEqual([]);
  });

  test('nvlink, pmon and topo', async () => {
    const status = await ask('nvlink', '-s');
    expect(status.stdout.split('\n').slice(0, 2)).toEqual([
      `GPU 0: Tesla V100-SXM3-32GB (UUID: ${stateNow().hardware.gpus[0]?.uuid ?? ''})`,
      '\t Link 0: 25.781 GB/s',
    ]);
    expect((await ask('nvlink', '-e', '-i', '0')).stdout.split('\n').slice(1, 6)).toEqual([
      '\t Link 0: Replay Errors: 0',
      '\t Link 0: Recovery Errors: 0',
      '\t Link 0: CRC Errors: 0',
      '',
      '\t Link 1: Replay Errors: 0',
    ]);
    expect((await ask('nvlink', '-gt', 'd')).stdout).toMatch(/^\t Link 5: Data Rx: \d+ KiB$/m);
    expect((await ask('pmon', '-c', '1', '-s', 'um')).stdout).toMatch(/^# gpu {8}pid {2}type {4}sm {3}mem/);
    expect((await ask('topo', '-m')).stdout).toContain('GPU15\tNV6\t');
    expect(requests()).toEqual([]);
  });

  test('a GPU that is not there ends with 6; what the tool does not know with 1', async () => {
    expect(await ask('-q', '-x', '--id=16')).toEqual({ stdout: 'No devices were found\n', exitCode: 6 });
    for (const args of [['-q'], ['nvlink'], ['nvlink', '-x'], ['topo', '-p'], ['nvlink', '-gt']]) {
      expect((await ask(...args)).exitCode).toBe(1);
    }
  });

  test('a question whose script was killed is forgotten', async () => {
    const child = spawn(node.nvidiaSmi, ['-q', '-x']);
    children.push(child);
    await until(() => (requests().some((name) => name.endsWith('.pipe')) ? true : undefined));
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (let second = 0; second < 30; second++) tick();
    expect(requests()).toEqual([]);
  });

  test('a node that goes leaves nobody waiting', async () => {
    const other = new NodeTree(join(directory, 'leaving'), stateNow());
    const child = spawn(other.nvidiaSmi, ['-q', '-x']);
    children.push(child);
    const folder = join(directory, 'leaving', 'smi', 'requests');
    await until(() => (readdirSync(folder).some((name) => name.endsWith('.pipe')) ? true : undefined));
    other.close();
    const [code] = (await once(child, 'exit')) as [number | null]; // the event's first argument
    expect(code).toBe(255);
  });
});

describe('the loop', () => {
  test('a header, then the values of the model in the order asked for', async () => {
    const { text } = loop(
      'power.draw,index,utilization.gpu,clocks.sm,memory.used,clocks_throttle_reasons.active,fan.speed',
      'csv',
    );
    const ticks: string[][] = [];
    const lines = await until(() => {
      tick();
      ticks.push(expectedRows());
      const all = text().split('\n').slice(0, -1);
      return all.length >= 1 + 3 * 16 ? all.slice(0, 1 + 3 * 16) : undefined;
    });
    expect(lines[0]).toBe(
      'power.draw [W], index, utilization.gpu [%], clocks.current.sm [MHz], memory.used [MiB], clocks_throttle_reasons.active, fan.speed [%]',
    );
    const first = ticks.findIndex(([row]) => row === lines[1]);
    expect(lines.slice(1)).toEqual(ticks.slice(first, first + 3).flat());
    for (const line of lines.slice(1)) {
      expect(line).toMatch(/^\d+\.\d\d W, \d+, \d+ %, \d+ MHz, \d+ MiB, 0x[0-9A-F]{16}, \[N\/A\]$/);
    }
  });

  test('every field has a value of the right kind', async () => {
    const { text } = loop(gpuFieldNames.join(','), 'csv,noheader,nounits');
    const [line = ''] = await until(() => {
      tick();
      return text().includes('\n') ? text().split('\n') : undefined;
    });
    const cells = line.split(', ');
    expect(cells).toHaveLength(gpuFieldNames.length);
    for (const cell of cells) expect(cell).not.toMatch(/undefined|NaN|^$/);
    expect(cells[gpuFieldNames.indexOf('pci.bus_id')]).toBe('00000000:34:00.0');
    expect(cells[gpuFieldNames.indexOf('power.limit')]).toBe('350.00');
  });

  test('two readers at once, each with its own columns; a slower loop gets fewer ticks', async () => {
    const fast = loop('index,uuid');
    const slow = loop('uuid,index', 'csv,noheader', 4000);
    const rows = (text: string): number => text.split('\n').filter((line) => line.includes('GPU-')).length;
    await until(() => {
      tick();
      return rows(slow.text()) >= 64 ? true : undefined;
    });
    expect(fast.text()).toMatch(/^index, uuid\n0, GPU-/);
    expect(slow.text()).toMatch(/^GPU-[0-9a-f-]+, 0\n/);
    expect(rows(fast.text())).toBeGreaterThanOrEqual(rows(slow.text()) * 3);
  });

  test('a reader that ends is forgotten; the next one begins with a header', async () => {
    const first = loop('index');
    await until(() => {
      tick();
      return first.text() === '' ? undefined : true;
    });
    first.child.kill('SIGTERM');
    await once(first.child, 'exit');
    await until(() => {
      tick();
      return requests().length === 0 ? true : undefined;
    });
    const second = loop('index');
    await until(() => {
      tick();
      return second.text() === '' ? undefined : true;
    });
    expect(second.text()).toMatch(/^index\n0\n1\n/);
  });

  test('a reader that stands still costs nothing but its ticks, and goes on with whole lines', async () => {
    const { child, text } = loop('index,uuid,name,serial,pci.bus_id,vbios_version,memory.total', 'csv,noheader');
    await until(() => {
      tick();
      return text() === '' ? undefined : true;
    });
    child.stdout.pause();
    const started = performance.now();
    for (let second = 0; second < 300; second++) tick();
    expect(performance.now() - started).toBeLessThan(5000);
    child.stdout.resume();
    await until(() => {
      tick();
      return text().length > 100_000 ? true : undefined;
    });
    const lines = text().split('\n').slice(0, -1);
    for (const [position, line] of lines.entries()) {
      expect(line.split(', ')).toHaveLength(7);
      expect(line.split(', ')[0]).toBe(String(position % 16));
    }
    expect(lines.length).toBeLessThan(300 * 16);
  });

  test('a script that was killed before it read is forgotten', async () => {
    const { child } = loop('index');
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (let second = 0; second < 30; second++) tick();
    expect(requests()).toEqual([]);
  });

  test.each(['', '1000\ncsv\nind'])('a script that was killed while it wrote %j is forgotten', (written) => {
    writeFileSync(join(requestsFolder, '999999'), written);
    tick();
    expect(requests()).toEqual(['999999']);
    for (let second = 0; second < 30; second++) tick();
    expect(requests()).toEqual([]);
  });

  test('when the node goes, its loops end', async () => {
    const other = new NodeTree(join(directory, 'going'), stateNow());
    const child = spawn(other.nvidiaSmi, ['--query-gpu=index', '--format=csv', '--loop-ms=1000']);
    children.push(child);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await until(() => {
      clockMs += 1000;
      other.update(stateNow(), { wall: new Date(), monotonicMs: clockMs });
      return text === '' ? undefined : true;
    });
    other.close();
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  });
});

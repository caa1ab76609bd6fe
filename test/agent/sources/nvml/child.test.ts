// The reader's child process by itself: it does not outlive those who read it, and its ticks keep the interval.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gpuReaderProgram } from '../../../../agent/sources/nvml.ts';
import { healthyV100, NvmlDouble, whyNoNvmlDouble } from '../../../doubles/nvml/double.ts';
import { eventually, isRunning } from '../../../doubles/programs.ts';

const missing = whyNoNvmlDouble();

describe.skipIf(missing !== undefined)('the child', () => {
  let double: NvmlDouble;
  beforeEach(() => {
    double = new NvmlDouble([healthyV100(0)]);
  });
  afterEach(() => {
    double.remove();
  });

  const argument = (): string =>
    JSON.stringify({ library: double.library, intervalMs: 20, phaseMs: 0, processes: true });

  it('ends when nobody reads its output any more', async () => {
    const child = spawn(process.execPath, [gpuReaderProgram(), argument()], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.stdout.destroy();
    expect(await ended).toBe(0);
  });

  it('ends when its parent is gone, although its output goes on', async () => {
    const script = `"$0" "$1" "$2" >/dev/null & echo $!; exec sleep 1000`;
    const parent = spawn('sh', ['-c', script, process.execPath, gpuReaderProgram(), argument()], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await new Promise<readonly string[]>((resolve) => {
      createInterface(parent.stdout).once('line', (...lines: readonly string[]) => {
        resolve(lines);
      });
    });
    const pid = Number(line);
    await eventually('it reads', () => double.calls('nvmlDeviceGetPowerUsage') > 0, 15_000);
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    await eventually('it ended', () => !isRunning(pid), 15_000);
  });

  it('begins each line anew, so that what a library left open is its own line', async () => {
    const child = spawn(process.execPath, [gpuReaderProgram(), argument()], { stdio: ['ignore', 'pipe', 'ignore'] });
    const first = await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    expect(first.toString('utf8', 0, 12)).toBe('\n{"layout":1');
  });

  it('says in one line why it cannot begin', async () => {
    const given = JSON.stringify({
      library: '/nonexistent/libnvidia-ml.so.1',
      intervalMs: 20,
      phaseMs: 0,
      processes: false,
    });
    const child = spawn(process.execPath, [gpuReaderProgram(), given], { stdio: ['ignore', 'pipe', 'ignore'] });
    const text = (await child.stdout.toArray()).join('');
    expect(JSON.parse(text)).toMatchObject({ error: 'not_present' });
  });
});

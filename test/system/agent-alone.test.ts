// The agent's folder copied to a place of its own, as it is deployed: it reads GPUs through NVML there.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { healthyV100, machineOf, NvmlDouble, prepareNvml, whyNoNvmlDouble } from '../doubles/nvml/double.ts';
import { leftOut } from '../left-out.ts';
import { projectRoot } from './program.ts';

const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut('system/agent-alone', missing);

let folder: string;
let double: NvmlDouble;
beforeAll(() => {
  if (missing !== undefined) return;
  prepareNvml();
  folder = mkdtempSync(join(tmpdir(), 'whyidle-alone-'));
  cpSync(join(projectRoot, 'dist/agent'), join(folder, 'agent'), { recursive: true });
  double = new NvmlDouble(machineOf(healthyV100, 2));
});
afterAll(() => {
  if (missing !== undefined) return;
  double.remove();
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf(missing !== undefined)('reads GPUs through NVML', async () => {
  const args = ['sample', '--root', folder, '--nvml', double.library, '--format', 'prom'];
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'agent/main.js'), ...args], {
    cwd: folder,
  });
  expect(stdout).toMatch(/^whyidle_gpu_reader_info\{.*backend="nvml".*\} 1$/m);
  expect(stdout).toMatch(/^whyidle_gpus\{.*\} 2$/m);
});

// What the agent and its children open, make, change and start while they read GPUs by the library and then by nvidia-smi, as
// the kernel sees it: strace(1). Nothing is written anywhere, no setter is called, the tool gets questions only.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nvmlFunctions } from '../../agent/simulator/render/nvml-functions.ts';
import { prepareNvml, whyNoNvmlDouble } from '../doubles/nvml/double.ts';
import { writeNvidiaSmi } from '../doubles/nvidia-smi/program.ts';
import { leftOut } from '../left-out.ts';
import { GpuNode } from './gpu-node.ts';
import { until } from './program.ts';
import { nvidiaSmiQuestion } from './read-only-rules.ts';
import {
  changingCalls,
  endTraced,
  openingOf,
  readTrace,
  rulingCalls,
  startOf,
  straceTo,
  whyNoStrace,
} from './read-only-trace.ts';

const DRIVER_NOT_LOADED = 9;

const suite = 'reading GPUs changes nothing';
const missing = whyNoNvmlDouble() ?? whyNoStrace();
if (missing !== undefined) leftOut(suite, missing);

describe.skipIf(missing !== undefined)(suite, () => {
  let node: GpuNode | undefined;
  afterAll(() => node?.remove());

  test('by the library, then by the tool', { timeout: 90_000 }, async () => {
    prepareNvml();
    node = new GpuNode();
    const { nvml, directory } = node;
    const tool = writeNvidiaSmi(directory, 'ok');
    const traces = join(directory, 'traces');
    mkdirSync(traces);
    const args = ['--nvml', nvml.library, '--nvidia-smi', tool, '--gpu-processes', '--interval', '200ms'];
    const agent = node.start(args, straceTo(traces));
    await agent.pageWith('NVML carries', (page) => page.backend === 'nvml' && page.sum('gpu_up') === 8, 60_000);
    const called = nvml.called();
    for (const name of nvmlFunctions) nvml.injectReturn(name, DRIVER_NOT_LOADED);
    const byTool = await agent.pageWith('nvidia-smi carries', (page) => page.backend === 'nvidia_smi', 60_000);
    expect(byTool.sum('gpu_up')).toBe(8);
    await until('details were asked for', () =>
      readTrace(traces).some(({ line }) => line.includes('"-q", "-x"')) ? true : undefined,
    );
    await endTraced(agent);
    const trace = readTrace(traces);

    expect(called.length).toBeGreaterThan(40);
    expect(
      called.filter((name) => /Set(?!Create|Wait|Free)|Reset|Clear|Enable|Disable|Create|Destroy|Modify/.test(name)),
    ).toEqual(['nvmlEventSetCreate']);
    // The stand-in library counts its calls in its own file: that is seen, so others would be.
    const written = trace.flatMap((call) => {
      const opening = call.result.startsWith('-') ? undefined : openingOf(call);
      return opening?.isForWriting === true ? [opening.path] : [];
    });
    expect([...new Set(written)].filter((path) => path !== '/dev/null')).toEqual([nvml.state.path]);
    expect(trace.filter(({ name }) => changingCalls.has(name) || rulingCalls.has(name))).toEqual([]);
    const asked = trace.flatMap((call) => {
      const start = call.result.startsWith('0') ? startOf(call) : undefined;
      return start?.file === tool ? [start.words.join(' ')] : [];
    });
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.filter((words) => !nvidiaSmiQuestion.test(words))).toEqual([]);
    // The inventory asks programs of the host; of GPUs nobody else is asked, whether it is there or not.
    const attempts = trace.flatMap((call) => {
      const file = startOf(call)?.file ?? '';
      return /nvidia|dcgm/.test(file) && file !== tool ? [file] : [];
    });
    expect(attempts).toEqual([]);
  });
});

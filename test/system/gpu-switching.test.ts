// The way in which GPUs are read changes while the agent runs: what breaks in the library, the tool carries; what breaks in
// the tool, a dcgm-exporter carries; what is healed carries again. At most three seconds of readings are lost at each change.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nvmlFunctions } from '../../agent/simulator/render/nvml-functions.ts';
import { prepareNvml, whyNoNvmlDouble } from '../doubles/nvml/double.ts';
import { leftOut } from '../left-out.ts';
import { GpuNode } from './gpu-node.ts';
import { longestLoss, Watch } from './gpu-watch.ts';
import { until } from './program.ts';

const DRIVER_NOT_LOADED = 9;
/** At an interval of one second. */
const MOST_LOST_TICKS = 3;

const suite = 'GPUs read another way while the agent runs';
const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut(suite, missing);

interface Breaking {
  readonly name: string;
  readonly breakIt: (node: GpuNode, readerPid: number) => void;
  readonly said: RegExp;
}

const breakings: readonly Breaking[] = [
  {
    name: 'every call says that the driver is not loaded',
    breakIt: ({ nvml }) => {
      for (const name of nvmlFunctions) nvml.injectReturn(name, DRIVER_NOT_LOADED);
    },
    said: /NVML gives no readings reason=not_present/,
  },
  {
    name: 'the library vanishes, and its reader ends',
    breakIt: ({ nvml }, readerPid) => {
      rmSync(nvml.library);
      process.kill(readerPid, 'SIGKILL');
    },
    said: /NVML gives no readings/,
  },
  {
    name: 'a call aborts the reader, again and again',
    breakIt: ({ nvml }) => {
      nvml.injectCrash('nvmlDeviceGetTemperature', 'abort');
    },
    said: /NVML gives no readings reason=malformed/,
  },
  {
    name: 'a call ends the reader with a segmentation fault, again and again',
    breakIt: ({ nvml }) => {
      nvml.injectCrash('nvmlDeviceGetPowerUsage', 'segfault');
    },
    said: /NVML gives no readings reason=malformed/,
  },
  {
    name: 'every call hangs',
    breakIt: ({ nvml }) => {
      nvml.hangDriver();
    },
    said: /NVML gives no readings reason=timed_out/,
  },
];

describe.skipIf(missing !== undefined)(suite, () => {
  const nodes: GpuNode[] = [];
  beforeAll(() => {
    prepareNvml();
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.remove()));
  });

  test.concurrent.each(breakings)('$name: nvidia-smi carries', { timeout: 60_000 }, async ({ breakIt, said }) => {
    const node = new GpuNode();
    nodes.push(node);
    node.breathe(250);
    const agent = node.start(['--nvml', node.nvml.library, '--nvidia-smi', node.tool.file]);
    await agent.pageWith('NVML carries', ({ backend }) => backend === 'nvml');
    const [readerPid = 0] = agent.children('gpu-reader');
    const watch = new Watch(agent, 100);
    await watch.after(2);
    breakIt(node, readerPid);
    await agent.pageWith('nvidia-smi carries', ({ backend }) => backend === 'nvidia_smi');
    await watch.after(3);
    const ticks = await watch.end();
    expect(longestLoss(ticks)).toBeLessThanOrEqual(MOST_LOST_TICKS);
    expect(ticks.at(-1)?.page.count('gpu_power_watts')).toBe(8);
    expect(ticks.at(-1)?.page.value('gpu_reader_up')).toBe(1);
    expect(agent.log).toMatch(said);
    expect(agent.log).toMatch(/GPUs are read another way now by=nvidia_smi before=nvml/);
    expect(Math.max(...ticks.map(({ otherOverruns }) => otherOverruns))).toBe(ticks[0]?.otherOverruns);
    await node.remove();
  });

  test.concurrent('one after another: library, tool, dcgm-exporter, and back', { timeout: 90_000 }, async () => {
    const node = new GpuNode();
    nodes.push(node);
    node.breathe(250);
    const url = await node.exporter();
    const agent = node.start(['--nvml', node.nvml.library, '--nvidia-smi', node.tool.file, '--dcgm-exporter', url]);
    const watch = new Watch(agent, 100);
    const carries = (backend: string, timeoutMs?: number) =>
      agent.pageWith(`${backend} carries`, (page) => page.backend === backend, timeoutMs);
    await carries('nvml');
    node.nvml.hangDriver();
    await carries('nvidia_smi');
    await watch.after(2);
    node.tool.does({ kind: 'hangs' });
    const page = await carries('dcgm_exporter');
    expect(page.label('gpu_reader_info', 'profiling')).toBe('none');
    await watch.after(2);
    node.nvml.healDriver();
    await carries('nvml', 45_000);
    await watch.after(3);
    const ticks = await watch.end();
    const seen = ticks.map(({ backend }) => backend).filter((backend) => backend !== undefined);
    expect(seen.filter((backend, at) => backend !== seen[at - 1])).toEqual([
      'nvml',
      'nvidia_smi',
      'dcgm_exporter',
      'nvml',
    ]);
    const firstReading = ticks.findIndex(({ power }) => power !== undefined);
    expect(longestLoss(ticks.slice(firstReading))).toBeLessThanOrEqual(MOST_LOST_TICKS);
    expect(agent.log).toMatch(
      /by=nvidia_smi before=nvml[^]*by=dcgm_exporter before=nvidia_smi[^]*by=nvml before=dcgm_exporter/,
    );
    // Whoever carries goes on: that another rests takes nothing from it.
    const byPage = ticks.filter(({ backend }) => backend === 'dcgm_exporter');
    expect(byPage.filter(({ power }) => power === undefined)).toEqual([]);
    // Neither the library's nor the tool's children run on when another carries.
    await until('the tool is at rest', () => (agent.children(node.tool.file).length === 0 ? true : undefined));
    expect(agent.children('gpu-reader')).toHaveLength(1);
    await node.remove();
  });
});

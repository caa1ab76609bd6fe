// The child that reads GPUs is killed, frozen, or crashes while nobody else can read them: the agent's other areas go on, GPUs
// have no values but keep their names, and readings come back by themselves. After the agent nobody of its own is left.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRunning } from '../doubles/programs.ts';
import { prepareNvml, whyNoNvmlDouble } from '../doubles/nvml/double.ts';
import { leftOut } from '../left-out.ts';
import type { AgentProgram, PageView } from './gpu-agent.ts';
import { GpuNode } from './gpu-node.ts';
import { Watch, type Tick } from './gpu-watch.ts';
import { until } from './program.ts';

const INTERVAL = ['--interval', '200ms'];
/** At this interval a page seen this often shows every tick. */
const WATCH_MS = 40;
/** No longer than a silent one is waited for. */
const MOST_LOST_TICKS = 25;
const DOWN_WITHIN_MS = 10_000;
/** After a crash the next child is started after a while, which grows. */
const BACK_WITHIN_MS = 20_000;

const suite = 'the child that reads GPUs';
const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut(suite, missing);

const isUp = (page: PageView): boolean => page.value('gpu_reader_up') === 1 && page.count('gpu_power_watts') === 8;
const hasReadings = ({ page }: Tick): boolean => isUp(page);
const isDown = (page: PageView): boolean => page.value('gpu_reader_up') === 0;
const readersOf = (agent: AgentProgram): readonly number[] => agent.children('gpu-reader');

async function firstReader(agent: AgentProgram): Promise<number> {
  await agent.pageWith('readings', isUp);
  return readersOf(agent)[0] ?? 0;
}

/** Of the ticks: a busy machine delays a child of another collector now and then, a stalled agent would all of them. */
const MOST_LATE = 0.1;

/** CPUs counted on at every tick, and nobody else was late for long. */
function expectOthersWentOn(ticks: readonly Tick[]): void {
  expect(ticks.length).toBeGreaterThan(10);
  const stopped = ticks.filter(({ cpuSeconds }, at) => at > 0 && cpuSeconds <= (ticks[at - 1]?.cpuSeconds ?? 0));
  expect(stopped).toEqual([]);
  const late = (ticks.at(-1)?.otherOverruns ?? NaN) - (ticks[0]?.otherOverruns ?? NaN);
  expect(late).toBeLessThanOrEqual(MOST_LATE * ticks.length);
}

/** Names stay, values do not: neither of GPUs nor their number. */
function expectOnlyNames(page: PageView): void {
  const left = new Set(page.gpuLines.map((line) => line.slice(0, line.indexOf('{'))));
  expect([...left]).toEqual(['whyidle_gpu_info']);
  expect(page.count('gpu_info')).toBe(8);
  expect(page.value('gpus')).toBeUndefined();
  expect(page.value('gpu_reader_stuck')).toBe(0);
}

describe.skipIf(missing !== undefined)(suite, () => {
  const nodes: GpuNode[] = [];
  const newNode = (): GpuNode => {
    const node = new GpuNode();
    nodes.push(node);
    return node;
  };
  beforeAll(() => {
    prepareNvml();
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.remove()));
  });

  test.concurrent('killed: another one reads at once', { timeout: 60_000 }, async () => {
    const node = newNode();
    const agent = node.start(['--nvml', node.nvml.library, ...INTERVAL]);
    const killed = await firstReader(agent);
    const watch = new Watch(agent, WATCH_MS);
    process.kill(killed, 'SIGKILL');
    const next = await until('another reader', () => readersOf(agent).find((pid) => pid !== killed));
    await until('its readings', () =>
      watch.ticks.length > 10 && watch.ticks.slice(-5).every(hasReadings) ? true : undefined,
    );
    const ticks = await watch.end();
    expect(isRunning(next)).toBe(true);
    expect(readersOf(agent)).toEqual([next]);
    expect(ticks.filter((tick) => !hasReadings(tick)).length).toBeLessThanOrEqual(MOST_LOST_TICKS);
    expect(agent.log).toContain('NVML answers again');
    expectOthersWentOn(ticks);
    await node.remove();
  });

  test.concurrent('frozen: it is ended, and another one reads', { timeout: 60_000 }, async () => {
    const node = newNode();
    const agent = node.start(['--nvml', node.nvml.library, ...INTERVAL]);
    const frozen = await firstReader(agent);
    const watch = new Watch(agent, WATCH_MS);
    process.kill(frozen, 'SIGSTOP');
    expectOnlyNames(await agent.pageWith('the reader is down', isDown, DOWN_WITHIN_MS));
    await agent.pageWith('readings again', isUp, BACK_WITHIN_MS);
    const ticks = await watch.end();
    expect(isRunning(frozen)).toBe(false);
    expectOthersWentOn(ticks);
    await node.remove();
  });

  test.concurrent(
    'crashing at every start: names without values, until it is healed',
    { timeout: 60_000 },
    async () => {
      const node = newNode();
      const agent = node.start(['--nvml', node.nvml.library, ...INTERVAL]);
      await firstReader(agent);
      const watch = new Watch(agent, WATCH_MS);
      node.nvml.injectCrash('nvmlDeviceGetTemperature', 'segfault');
      expectOnlyNames(await agent.pageWith('the reader is down', isDown, DOWN_WITHIN_MS));
      node.nvml.heal('nvmlDeviceGetTemperature');
      await agent.pageWith('readings again', isUp, BACK_WITHIN_MS);
      expectOthersWentOn(await watch.end());
      await node.remove();
    },
  );

  test.concurrent(
    'hanging in a call: it is ended, and another one reads when the driver answers',
    { timeout: 60_000 },
    async () => {
      const node = newNode();
      const agent = node.start(['--nvml', node.nvml.library, ...INTERVAL]);
      const hanging = await firstReader(agent);
      const watch = new Watch(agent, WATCH_MS);
      node.nvml.injectDelay('nvmlDeviceGetPowerUsage', -1);
      expectOnlyNames(await agent.pageWith('the reader is down', isDown, DOWN_WITHIN_MS));
      await until('it has ended', () => (isRunning(hanging) ? undefined : true));
      node.nvml.heal('nvmlDeviceGetPowerUsage');
      await agent.pageWith('readings again', isUp, BACK_WITHIN_MS);
      expectOthersWentOn(await watch.end());
      await node.remove();
    },
  );

  test.concurrent.each(['SIGTERM', 'SIGKILL'] as const)(
    '%s of the agent ends all its children',
    { timeout: 60_000 },
    async (signal) => {
      const node = newNode();
      const agent = node.start(['--nvml', node.nvml.library, '--nvidia-smi', node.tool.file, ...INTERVAL]);
      await firstReader(agent);
      // Now both have a child.
      node.nvml.injectDelay('nvmlDeviceGetPowerUsage', -1);
      await agent.pageWith('nvidia-smi carries', ({ backend }) => backend === 'nvidia_smi');
      const [tools, readers] = [agent.children(node.tool.file), readersOf(agent)];
      expect(Math.min(tools.length, readers.length)).toBeGreaterThan(0);
      const children = [...tools, ...readers];
      node.nvml.heal('nvmlDeviceGetPowerUsage');
      await agent.stop(signal);
      await until('all have ended', () => (children.some(isRunning) ? undefined : true), 5000);
      await node.remove();
    },
  );
});

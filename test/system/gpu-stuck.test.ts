// An nvidia-smi that waits in the kernel in state D, as behind a driver that hangs: it cannot even be killed. The agent keeps
// exactly that one, asks nobody else, says so, goes on with everything else, and stops in time although it is still there.
import { afterAll, describe, expect, test } from 'vitest';
import { prepareNvml, whyNoNvmlDouble } from '../doubles/nvml/double.ts';
import { isRunning } from '../doubles/programs.ts';
import { leftOut } from '../left-out.ts';
import { FrozenFiles, whyNoFrozenFiles } from './frozen-files.ts';
import type { AgentProgram } from './gpu-agent.ts';
import { GpuNode } from './gpu-node.ts';
import { Watch } from './gpu-watch.ts';
import { until } from './program.ts';

const STUCK_WITHIN_MS = 30_000;
const STOPS_WITHIN_MS = 2000;
const WATCH_MS = 40;
/** Ten a second. */
const QUIET_LOOKS = 15;

const suite = 'an nvidia-smi that cannot be killed';
const noDouble = whyNoNvmlDouble();
const noFiles = whyNoFrozenFiles();
const isMissing = noDouble !== undefined || noFiles !== undefined;
if (noDouble !== undefined) leftOut(suite, noDouble);
if (noFiles) leftOut(suite, noFiles.reason, { evenInCi: !noFiles.canBeInstalled });

describe.skipIf(isMissing)(suite, () => {
  const places: { readonly node: GpuNode; readonly files: FrozenFiles }[] = [];
  const newPlace = () => {
    prepareNvml();
    const place = { node: new GpuNode(), files: new FrozenFiles() };
    places.push(place);
    return place;
  };
  afterAll(async () => {
    for (const { node, files } of places) {
      files.thaw();
      await node.remove();
      await until('nobody writes any more', () => {
        files.remove();
        return true;
      });
    }
  });

  const toolsOf = (agent: AgentProgram, { tool }: GpuNode): readonly number[] => agent.children(tool.file);

  /** Processes have just been counted again, and for a while nothing else was asked. The next questions come after ten seconds. */
  async function untilLoopIsAlone(agent: AgentProgram, node: GpuNode): Promise<void> {
    const counted = (): number => node.tool.asked.filter((words) => words.includes('--query-compute-apps')).length;
    const before = counted();
    await until('processes are counted again', () => (counted() > before ? true : undefined));
    let asked: readonly number[] = [];
    await until('the loop is alone', () => {
      asked = [...asked, node.tool.asked.length].slice(-QUIET_LOOKS);
      const isQuiet = asked.length === QUIET_LOOKS && new Set(asked).size === 1;
      return isQuiet && toolsOf(agent, node).length === 1 ? true : undefined;
    });
  }

  /** From one that reads to one that is stuck. */
  async function getStuck(agent: AgentProgram, { node, files }: ReturnType<typeof newPlace>): Promise<number> {
    await agent.pageWith(
      'readings',
      (page) => page.value('gpu_reader_up') === 1 && page.count('gpu_power_watts') === 8,
    );
    await untilLoopIsAlone(agent, node);
    files.freeze();
    node.tool.does({ kind: 'blocks', file: files.file });
    const page = await agent.pageWith('it is stuck', (one) => one.value('gpu_reader_stuck') === 1, STUCK_WITHIN_MS);
    expect(page.value('gpu_reader_up')).toBe(0);
    expect(page.count('gpu_power_watts')).toBe(0);
    expect(page.count('gpu_info')).toBe(8);
    const stuck = toolsOf(agent, node);
    expect(stuck).toHaveLength(1);
    return stuck[0] ?? 0;
  }

  test.concurrent(
    'while it reads: one child, no second asker, the agent stops in time',
    { timeout: 90_000 },
    async () => {
      const place = newPlace();
      const { node, files } = place;
      const agent = node.start(['--nvidia-smi', node.tool.file, '--interval', '200ms']);
      const watch = new Watch(agent, WATCH_MS);
      const pid = await getStuck(agent, place);
      const asked = node.tool.asked.length;
      // Longer than it takes until processes are counted again.
      await watch.after(60);
      const ticks = await watch.end();
      expect(toolsOf(agent, node)).toEqual([pid]);
      expect(node.tool.asked).toHaveLength(asked);
      expect(ticks.at(-1)?.page.value('gpu_reader_stuck')).toBe(1);
      expect(ticks.filter(({ cpuSeconds }, at) => cpuSeconds <= (ticks[at - 1]?.cpuSeconds ?? 0))).toEqual([]);
      expect(ticks.at(-1)?.otherOverruns).toBe(ticks[0]?.otherOverruns);
      expect(await agent.stop()).toBeLessThan(STOPS_WITHIN_MS);
      expect(isRunning(pid)).toBe(true);
      files.thaw();
      await until('it ends at last', () => (isRunning(pid) ? undefined : true));
    },
  );

  test.concurrent('when the driver answers again, so does the agent', { timeout: 90_000 }, async () => {
    const place = newPlace();
    const { node, files } = place;
    const agent = node.start(['--nvidia-smi', node.tool.file, '--interval', '200ms']);
    const pid = await getStuck(agent, place);
    files.thaw();
    node.tool.does({ kind: 'answers' });
    const page = await agent.pageWith('readings again', (one) => one.count('gpu_power_watts') === 8, 30_000);
    expect([page.value('gpu_reader_up'), page.value('gpu_reader_stuck')]).toEqual([1, 0]);
    expect(isRunning(pid)).toBe(false);
  });

  test.concurrent('with NVML beside it: the reader is not asked either', { timeout: 90_000 }, async () => {
    const place = newPlace();
    const { node } = place;
    node.nvml.state.changeDriver({ initReturn: 9 });
    const agent = node.start(['--nvml', node.nvml.library, '--nvidia-smi', node.tool.file, '--interval', '200ms']);
    const pid = await getStuck(agent, place);
    node.nvml.state.changeDriver({ initReturn: 0 });
    const watch = new Watch(agent, WATCH_MS);
    await watch.after(60);
    const ticks = await watch.end();
    expect(ticks.at(-1)?.page.value('gpu_reader_stuck')).toBe(1);
    expect([...toolsOf(agent, node), ...agent.children('gpu-reader')]).toEqual([pid]);
  });
});

// GPUs that are lost, want a reset, are counted anew, are another card, or are cut into instances, while the agent runs; and
// Xids from the library and the kernel log. The real program, reading the stand-in library.
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NvmlGpu } from '../../agent/simulator/render/nvml-layout.ts';
import { healthyV100, machineOf, migA100, prepareNvml, whyNoNvmlDouble } from '../doubles/nvml/double.ts';
import { leftOut } from '../left-out.ts';
import type { AgentProgram, PageView } from './gpu-agent.ts';
import { GpuNode } from './gpu-node.ts';
import { until } from './program.ts';

const INTERVAL = ['--interval', '200ms'];
/** Off the bus; recovery action changed: after both the GPUs are looked for again, else every 30 s. */
const [OFF_THE_BUS, RECOVERY_CHANGED] = [79, 154];
const LOOKS_WITHIN_MS = 40_000;

const suite = 'GPUs that come, go and change';
const missing = whyNoNvmlDouble();
if (missing !== undefined) leftOut(suite, missing);

describe.skipIf(missing !== undefined)(suite, () => {
  const nodes: GpuNode[] = [];
  const roots: string[] = [];
  beforeAll(() => {
    prepareNvml();
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.remove()));
    for (const root of roots) rmSync(root, { recursive: true });
  });

  async function startNode(gpus: readonly NvmlGpu[], root?: string) {
    const node = new GpuNode(gpus);
    nodes.push(node);
    const agent = node.start([
      '--nvml',
      node.nvml.library,
      ...(root === undefined ? [] : ['--root', root]),
      ...INTERVAL,
    ]);
    await agent.pageWith('all GPUs', (page) => page.sum('gpu_up') === gpus.length);
    return { node, agent, uuid: (index: number) => gpus[index]?.uuid ?? '' };
  }

  /** The others' power changes on, tick by tick. */
  async function expectOthersRead({ nvml }: GpuNode, agent: AgentProgram): Promise<void> {
    nvml.state.change(0, { levels: { ...nvml.state.gpu(0).levels, powerMw: 222_000 } });
    await agent.pageWith('a new reading', (page) => page.value('gpu_power_watts', { gpu: '0' }) === 222);
  }

  const reasonOf = (page: PageView, device: string) =>
    page.label('unavailable', 'reason', { area: 'gpu', device, name: '' });

  test.concurrent.each([
    {
      what: 'lost',
      lose: (node: GpuNode) => {
        node.nvml.lose(3);
      },
      reason: 'not_present',
    },
    {
      what: 'in need of a reset',
      lose: (node: GpuNode) => {
        node.nvml.requireReset(3);
      },
      reason: 'not_present',
    },
  ])('one GPU $what: the other seven go on, and it comes back', { timeout: 90_000 }, async ({ lose, reason }) => {
    const { node, agent, uuid } = await startNode(machineOf(healthyV100, 8));
    lose(node);
    const page = await agent.pageWith('it is gone', (one) => one.value('gpu_up', { uuid: uuid(3) }) === 0);
    expect(page.sum('gpu_up')).toBe(7);
    expect(page.count('gpu_power_watts')).toBe(7);
    expect(page.count('gpu_power_watts', { uuid: uuid(3) })).toBe(0);
    expect(reasonOf(page, '3')).toBe(reason);
    expect(page.value('gpu_info', { uuid: uuid(3), name: 'Tesla V100-SXM3-32GB' })).toBe(1);
    expect(page.value('gpu_reader_up')).toBe(1);
    await expectOthersRead(node, agent);
    node.nvml.find(3);
    const healed = await agent.pageWith('it is back', (one) => one.sum('gpu_up') === 8, LOOKS_WITHIN_MS);
    expect(reasonOf(healed, '3')).toBeUndefined();
    expect(healed.count('gpu_power_watts')).toBe(8);
    await node.remove();
  });

  test.concurrent(
    'the list is one shorter: those behind it have another index and the same name',
    { timeout: 90_000 },
    async () => {
      const gpus = machineOf(healthyV100, 8);
      const { node, agent, uuid } = await startNode(gpus);
      node.nvml.state.update(gpus.toSpliced(2, 1));
      const page = await agent.pageWith(
        'GPU 3 is GPU 2',
        (one) => one.value('gpu_up', { uuid: uuid(3), gpu: '2' }) === 1,
        LOOKS_WITHIN_MS,
      );
      expect(page.value('gpu_up', { uuid: uuid(2) })).toBe(0);
      expect(page.count('gpu_power_watts', { uuid: uuid(2) })).toBe(0);
      expect(page.count('gpu_power_watts')).toBe(7);
      expect(page.count('gpu_up', { uuid: uuid(3) })).toBe(1);
      expect(page.value('gpu_power_watts', { uuid: uuid(7), gpu: '6' })).toBe(312.5);
      await node.remove();
    },
  );

  test.concurrent('another card in the same slot is another GPU', { timeout: 90_000 }, async () => {
    const gpus = machineOf(healthyV100, 8);
    const { node, agent, uuid } = await startNode(gpus);
    const other = healthyV100(5, { uuid: 'GPU-99999999-0000-4000-8000-000000000005', serial: '0329999999999' });
    node.nvml.state.update(gpus.with(5, other));
    const page = await agent.pageWith(
      'the other card',
      (one) => one.value('gpu_up', { uuid: other.uuid }) === 1,
      LOOKS_WITHIN_MS,
    );
    expect(page.value('gpu_info', { uuid: other.uuid, serial: '0329999999999', gpu: '5' })).toBe(1);
    expect(page.value('gpu_up', { uuid: uuid(5) })).toBe(0);
    expect(page.count('gpu_power_watts')).toBe(8);
    await node.remove();
  });

  test.concurrent(
    'MIG is switched on: instances appear, utilisation of the whole vanishes',
    { timeout: 90_000 },
    async () => {
      const cut = migA100(0);
      const levels = { gpuPercent: 90, memoryPercent: 30, encoderPercent: 0, decoderPercent: 0, powerMw: 300_000 };
      const whole = { ...cut, migMode: 0, levels, instances: [] };
      const { node, agent } = await startNode([whole]);
      const before = await agent.pageWith('utilisation', (one) => one.value('gpu_utilization_ratio') === 0.9);
      expect([before.value('gpu_mig_mode'), before.count('gpu_mig_info')]).toEqual([0, 0]);
      node.nvml.state.update([cut]);
      const page = await agent.pageWith('instances', (one) => one.count('gpu_mig_info') === 4, LOOKS_WITHIN_MS);
      expect(page.value('gpu_mig_info', { mig_gi: '2', profile: '3g.40gb' })).toBe(1);
      expect(page.value('gpu_memory_used_bytes', { mig_gi: '2' })).toBe(40 * 200 * 1024 ** 2);
      expect(page.count('gpu_utilization_ratio')).toBe(0);
      expect(page.value('gpu_power_watts')).toBe(298);
      await node.remove();
    },
  );

  describe('Xids', () => {
    const newRoot = (): string => {
      const root = mkdtempSync(join(tmpdir(), 'whyidle-root-'));
      roots.push(root);
      mkdirSync(join(root, 'dev'));
      writeFileSync(kmsgOf(root), '4,1,1000000,-;a kernel\n');
      return root;
    };
    const kmsgOf = (root: string): string => join(root, 'dev/kmsg');
    let sequence = 1;
    const log = (root: string, text: string): void => {
      sequence++;
      appendFileSync(kmsgOf(root), `4,${sequence},${2_000_000 + sequence},-;NVRM: ${text}\n`);
    };
    const count = (page: PageView, xid: number) => page.value('gpu_xid_errors_total', { gpu: '1', xid: String(xid) });

    test.concurrent(
      'from the library and the kernel log count once, from either of them too',
      { timeout: 60_000 },
      async () => {
        const root = newRoot();
        const { node, agent } = await startNode(machineOf(healthyV100, 4), root);
        // Where the second V100 of this machine stands.
        const place = 'PCI:0000:36:00';
        node.nvml.raiseXid(1, 31);
        log(root, `Xid (${place}): 31, pid=4101, name=python, Ch 00000010`);
        node.nvml.raiseXid(1, 43);
        log(root, `Xid (${place}): 13, pid=4101, Graphics Exception`);
        const page = await agent.pageWith('all three', (one) =>
          [31, 43, 13].every((xid) => count(one, xid) !== undefined),
        );
        expect([31, 43, 13].map((xid) => count(page, xid))).toEqual([1, 1, 1]);
        // What both told is not counted later either: another one is.
        log(root, `Xid (${place}): 31, pid=4101, name=python, Ch 00000010`);
        node.nvml.raiseXid(1, 31);
        const later = await agent.pageWith('the second', (one) => count(one, 31) !== 1);
        expect(count(later, 31)).toBe(2);
        expect(later.count('gpu_xid_errors_total')).toBe(3);
        await node.remove();
      },
    );

    test.concurrent('79: the GPUs are looked for again at once', { timeout: 60_000 }, async () => {
      const root = newRoot();
      const gpus = machineOf(healthyV100, 4);
      const { node, agent, uuid } = await startNode(gpus, root);
      const handles = (): number => node.nvml.calls('nvmlDeviceGetHandleByIndex_v2');
      const before = handles();
      node.nvml.raiseXid(1, OFF_THE_BUS);
      log(root, 'Xid (PCI:0000:36:00): 79, pid=4101, GPU has fallen off the bus.');
      node.nvml.lose(1);
      const page = await agent.pageWith(
        'it is gone',
        (one) => one.value('gpu_up', { uuid: uuid(1) }) === 0 && count(one, 79) === 1,
      );
      expect(page.sum('gpu_up')).toBe(3);
      await until('they are looked for', () => (handles() > before ? true : undefined), 10_000);
      node.nvml.find(1);
      node.nvml.raiseXid(0, RECOVERY_CHANGED);
      await agent.pageWith('it is back', (one) => one.sum('gpu_up') === 4, 10_000);
      await node.remove();
    });
  });
});

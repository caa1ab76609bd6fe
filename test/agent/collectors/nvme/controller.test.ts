// The temperature of NVMe controllers where one of them does not answer.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { absenceReasons } from '#agent/contract';
import { NvmeController } from '../../../../agent/collectors/nvme/controller.ts';
import { describeController } from '../../../../agent/collectors/nvme/facts.ts';
import { SlowFiles } from '../../../../agent/sources/slow-file.ts';
import { Tree } from '../../../../agent/sources/tree.ts';
import { silentLog } from '../../../../agent/log.ts';
import { Snapshot } from '../../../../agent/snapshot.ts';
import { noGpuSources, type CollectorContext } from '../../../../agent/collectors/collector.ts';
import { writeTree } from '../../../corpus/write-tree.ts';

const MINUTE_MS = 60_000;
let root: string;
let nowMs: number;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  root = mkdtempSync(join(tmpdir(), 'whyidle-controller-'));
  nowMs = 0;
  for (const [name, text] of [
    ['nvme0', '38850\n'],
    ['nvme1', '41850\n'],
  ] as const) {
    writeTree(root, {
      [`sys/class/nvme/${name}/state`]: 'live\n',
      [`sys/class/nvme/${name}/hwmon0/temp1_input`]: text,
    });
  }
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(root, { recursive: true, force: true });
});

function contextOf(tree: Tree, snapshot: Snapshot): CollectorContext {
  return {
    ...{ tree, snapshot, log: silentLog, commands: undefined, gpuSources: noGpuSources, intervalMs: 1000 },
    ...{ monotonicMs: () => nowMs, after: () => () => undefined, gpuProcesses: () => [] },
  };
}

it('0 kelvin is said by controllers that do not measure, and is no temperature', async () => {
  writeTree(root, { 'sys/class/nvme/nvme0/hwmon0/temp1_input': '-273150\n' });
  const tree = new Tree(root);
  const snapshot = new Snapshot();
  const controller = new NvmeController(
    contextOf(tree, snapshot),
    describeController(tree, 'nvme0', 'sys/class/nvme/nvme0'),
  );
  controller.readState();
  await controller.readTemperature(new SlowFiles(tree));
  const series = snapshot.series.find(({ id }) => id === 'nvme_temperature_celsius');
  expect(absenceReasons[(series?.state ?? 0) - 1]).toBe('unsupported');
});

it('one that hangs rests for ten minutes; the other only until its thread is back', async () => {
  const waiting: (() => void)[] = [];
  let hangs = true;
  const tree = new Tree(root);
  const snapshot = new Snapshot();
  const files = new SlowFiles(tree, (_, buffer, done) => {
    const answer = (): void => {
      done(null, buffer.write('41850\n', 'latin1'));
    };
    if (hangs) waiting.push(answer);
    else answer();
  });
  const context = contextOf(tree, snapshot);
  const controllers = ['nvme0', 'nvme1'].map(
    (name) => new NvmeController(context, describeController(tree, name, `sys/class/nvme/${name}`)),
  );
  const round = async (): Promise<readonly unknown[]> => {
    for (const controller of controllers) {
      controller.readState();
      const read = controller.readTemperature(files);
      await vi.advanceTimersByTimeAsync(500);
      await read;
    }
    return snapshot.series.flatMap(({ id, state, steps }) =>
      id === 'nvme_temperature_celsius' ? [state === 0 ? steps : 'absent'] : [],
    );
  };
  expect(await round()).toEqual(['absent', 'absent']);
  expect(waiting).toHaveLength(1);
  nowMs = 30_000;
  expect(await round()).toEqual(['absent', 'absent']);
  expect(waiting).toHaveLength(1);
  hangs = false;
  waiting[0]?.();
  nowMs = MINUTE_MS;
  expect(await round()).toEqual(['absent', 41850]);
  nowMs = 11 * MINUTE_MS;
  expect(await round()).toEqual([41850, 41850]);
});

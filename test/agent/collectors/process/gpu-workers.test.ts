// What the workers of one GPU add up to, and what a kernel without schedstat cannot tell.
import { expect, it } from 'vitest';
import { GpuWorkers, type OwnerState } from '../../../../agent/collectors/process/gpu-workers.ts';
import { Snapshot } from '../../../../agent/snapshot.ts';
import { readingOf } from '../../../doubles/reading.ts';

const noReader = { discover: () => undefined, read: () => 'ok' as const, stop: () => undefined };
const gpu = { gpu: '0', uuid: 'GPU-0', pci_bus_id: '00000000:06:00.0', pids: [7] };

function secondsOf(countsWaits: boolean): readonly unknown[] {
  const snapshot = new Snapshot();
  const workers = new GpuWorkers(snapshot, gpu);
  const time = { running: 0.5, waiting: 0.25, blocked: 0.125, slack: 0.125 };
  const owner: OwnerState = { reading: { kind: 'read', mainThread: 0.5, time, countsWaits }, workers: 1 };
  workers.show([owner]);
  const reading = readingOf(noReader, snapshot);
  return ['running', 'waiting', 'blocked', 'slack'].map((state) =>
    reading.amount('gpu_worker_seconds_total', { state }),
  );
}

it('adds up seconds by state', () => {
  expect(secondsOf(true)).toEqual([0.5, 0.25, 0.125, 0.125]);
});

it('where waiting is not counted, waiting and slack are unsupported, never zero', () => {
  expect(secondsOf(false)).toEqual([0.5, 'unsupported', 0.125, 'unsupported']);
});

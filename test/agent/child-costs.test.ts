// What children cost: seen by purpose, never falling when one is followed by another.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ChildCosts } from '../../agent/child-costs.ts';
import { Snapshot } from '../../agent/snapshot.ts';
import { readingOf } from '../doubles/reading.ts';

const noReader = { discover: () => undefined, read: () => 'ok' as const, stop: () => undefined };

test('costs of a child add to those of the ones before it', async () => {
  let running: { kind: string; pid: number }[] = [];
  const snapshot = new Snapshot();
  const costs = new ChildCosts(snapshot, { running: () => running });
  const reading = readingOf(noReader, snapshot);
  const read = (): void => {
    for (let turn = 0; turn < 5; turn++) costs.read();
  };
  read();
  expect(reading.value('agent_memory_bytes', { process: 'gpu' })).toBeUndefined();

  // This process has used CPU time for sure.
  running = [{ kind: 'gpu', pid: process.pid }];
  read();
  const first = Number(reading.value('agent_cpu_seconds_total', { process: 'gpu' }));
  expect(first).toBeGreaterThan(0);
  expect(Number(reading.value('agent_memory_bytes', { process: 'gpu' }))).toBeGreaterThan(1 << 20);
  expect(reading.value('agent_memory_bytes', { process: 'probe' })).toBeUndefined();

  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  running = [{ kind: 'nvidia-smi', pid: child.pid ?? -1 }];
  read();
  expect(Number(reading.value('agent_cpu_seconds_total', { process: 'gpu' }))).toBeGreaterThanOrEqual(first);
  child.kill('SIGKILL');
  await once(child, 'exit');
  read();
  expect(reading.value('agent_memory_bytes', { process: 'gpu' })).toBe(0);
  expect(Number(reading.value('agent_cpu_seconds_total', { process: 'gpu' }))).toBeGreaterThanOrEqual(first);
});

// A server that is killed at any moment: whatever it acknowledged is there afterwards, exactly once.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { systemClock } from '../../../server/clock.ts';
import { silentLog } from '../../../server/log.ts';
import { openStore } from '../../../server/store/open-store.ts';
import { ownFolder } from './core-stand.ts';

const ROUNDS = 20;
const writer = fileURLToPath(new URL('kill-writer.ts', import.meta.url));

/** The seqs that the writer acknowledged before it was killed. */
function writeUntilKilled(folder: string, instance: string, acknowledgements: number): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [writer, folder, instance], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.split('\n').length > acknowledgements) child.kill('SIGKILL');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('close', (_, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the writer ended by itself: ${errors}`));
      // A line that was cut off by the kill was never said.
      else resolve(output.slice(0, output.lastIndexOf('\n')).split('\n').map(Number));
    });
  });
}

test('nothing that was acknowledged is lost in 20 kills', { timeout: 120_000 }, async () => {
  const folder = ownFolder();
  const acknowledged = new Map<string, readonly number[]>();
  for (let round = 0; round < ROUNDS; round++) {
    const instance = `boot-${String(round).padStart(4, '0')}`;
    acknowledged.set(instance, await writeUntilKilled(folder, instance, 1 + ((round * 37) % 400)));
  }
  const settings = { 'journal.keep': 3_600_000, 'journal.cap': 1e9 };
  const store = await openStore({ folder, clock: systemClock(), log: silentLog, settings });
  const known = new Map(store.known.map(({ instance, seqs }) => [instance, seqs]));
  for (const [instance, seqs] of acknowledged) {
    const last = Math.max(...seqs);
    // One range from the first frame on, at least to the last that was acknowledged.
    expect({ instance, ranges: known.get(instance)?.length, from: known.get(instance)?.[0]?.[0] }).toEqual({
      instance,
      ranges: 1,
      from: 1,
    });
    expect(known.get(instance)?.[0]?.[1]).toBeGreaterThanOrEqual(last);
  }
  const { series } = await store.query({
    ...{ metrics: ['disk_read_bytes_total'], labels: { device: 'nvme0n1' }, fromMs: 0, toMs: 9e12 },
    ...{ resolution: 'raw', stepMs: 0, maxSeries: 10 },
  });
  const found = series[0]?.exact?.map(Number) ?? [];
  const stored = store.known.reduce((sum, { seqs }) => sum + (seqs[0]?.[1] ?? 0), 0);
  expect(found).toHaveLength(stored);
  // The value of a frame is its seq: every process begins again at 1 and misses none.
  for (const [at, value] of found.entries()) expect(value === 1 || value === (found[at - 1] ?? 0) + 1).toBe(true);
  await store.close();
});

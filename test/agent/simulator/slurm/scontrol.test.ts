// The stand-in says what Slurm would: read back by the server's own parser.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sherlock } from '../../../../agent/simulator/hardware.ts';
import { prepareScontrol, ScontrolFiles } from '../../../../agent/simulator/slurm/scontrol.ts';
import { SimulatedWorkload } from '../../../../agent/simulator/workload.ts';
import { parseJobs, parseNodes } from '../../../../server/jobs/slurm/scontrol.ts';

const folder = mkdtempSync(join(tmpdir(), 'whyidle-scontrol-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const program = prepareScontrol(folder);
const show = (what: string): string => spawnSync(program, ['show', what, '-o', '-d'], { encoding: 'utf8' }).stdout;

test('no job before the cluster has begun', () => {
  expect(parseJobs(show('job'))).toEqual([]);
  expect(parseNodes(show('node'))).toEqual([]);
});

test('the jobs of the queue with their GPUs, and those that wait', () => {
  const beganMs = 1_700_000_000_000;
  const nodes = sherlock({ seed: 1, nowS: beganMs / 1000 });
  const { queue } = new SimulatedWorkload(1, nodes);
  new ScontrolFiles(folder, nodes, beganMs).update(queue);
  const jobs = parseJobs(show('job'));
  expect(jobs.filter(({ state }) => state === 'PENDING')).toHaveLength(queue.waiting.length);
  for (const job of queue.running) {
    const told = jobs.find(({ id }) => id === String(job.id));
    expect(told).toMatchObject({
      user: job.user,
      startMs: Math.floor((beganMs + job.startS * 1000) / 1000) * 1000,
      requestedGpus: job.places.reduce((sum, { gpus }) => sum + gpus.length, 0),
      gpus: job.places.map(({ node, gpus }) => ({ node: nodes[node]?.name, places: gpus })),
    });
  }
  expect(parseNodes(show('node')).map(({ name }) => name)).toEqual(nodes.map(({ name }) => name));
});

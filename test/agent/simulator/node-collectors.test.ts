// The newer areas of a simulated node through the agent's own collectors: jobs and processes of GPUs, shared storage, health.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { edac } from '../../../agent/collectors/edac.ts';
import { gds } from '../../../agent/collectors/gds.ts';
import { hwmon } from '../../../agent/collectors/hwmon.ts';
import { jobs } from '../../../agent/collectors/jobs.ts';
import { lustre } from '../../../agent/collectors/lustre.ts';
import { nfs } from '../../../agent/collectors/nfs.ts';
import { pcie } from '../../../agent/collectors/pcie.ts';
import { process as processes } from '../../../agent/collectors/process.ts';
import { noFaults } from '../../../agent/simulator/faults.ts';
import { sherlock } from '../../../agent/simulator/hardware.ts';
import { workerSharesOf, workersOf } from '../../../agent/simulator/job-use.ts';
import { NodeTree } from '../../../agent/simulator/node-tree.ts';
import type { Pace } from '../../../agent/simulator/pace.ts';
import { SimulatedWorkload, type NodeState } from '../../../agent/simulator/workload.ts';
import { readAll, startReading } from '../../doubles/reading.ts';

const directory = mkdtempSync(join(tmpdir(), 'whyidle-areas-'));
const workload = new SimulatedWorkload(1, sherlock({ seed: 1, nowS: 1_800_000_000 }), noFaults);
const trees = new Map<number, NodeTree>();
afterAll(() => {
  for (const tree of trees.values()) tree.close();
  rmSync(directory, { recursive: true });
});

function stateOf(node: number): NodeState {
  const state = workload.states[node];
  if (!state) throw new Error(`no node ${node}`);
  return state;
}

/** Only the nodes that are read are laid out. */
function rootOf(node: number): string {
  const tree = trees.get(node) ?? new NodeTree(join(directory, String(node)), stateOf(node));
  trees.set(node, tree);
  return tree.root;
}

function advance(seconds: number): void {
  workload.advance(seconds);
  for (const [node, tree] of trees) tree.update(stateOf(node));
}

/** Who holds the GPUs of a node, as the GPU's collector tells it. */
function holdersOf(
  node: number,
): readonly { gpu: string; uuid: string; pci_bus_id: string; pids: readonly number[] }[] {
  const { gpus, hardware } = stateOf(node);
  return gpus.flatMap(({ process }, index) =>
    process
      ? [{ gpu: String(index), uuid: hardware.gpus[index]?.uuid ?? '', pci_bus_id: '', pids: [process.pid] }]
      : [],
  );
}

function placesOf(wanted: (pace: Pace) => boolean): readonly { node: number; gpu: number; pace: Pace }[] {
  return workload.states.flatMap(({ work, gpus }, node) =>
    work.flatMap(({ pace, gpus: own }) =>
      own.flatMap((gpu) => (wanted(pace) && gpus[gpu]?.process ? [{ node, gpu, pace }] : [])),
    ),
  );
}

test.each([
  ['starved by storage', (pace: Pace) => pace.limit === 'local_storage' || pace.limit === 'shared_storage', 'blocked'],
  ['starved by too few CPUs', (pace: Pace) => pace.limit === 'cpu', 'waiting'],
  ['with all it needs', (pace: Pace) => pace.limit === 'none' && workersOf(pace) > 1 && workerSharesOf(pace).running > 0.2 && workerSharesOf(pace).running < 0.7, 'slack'], // prettier-ignore
] as const)('workers of a job %s', async (_, wanted, state) => {
  for (let minute = 0; minute < 600 && placesOf(wanted).length === 0; minute++) workload.advance(60);
  advance(1);
  const [place] = placesOf(wanted);
  if (!place) throw new Error('no such job in ten hours');
  const shares = workerSharesOf(place.pace);
  let clockMs = 0;
  const reading = startReading(processes, rootOf(place.node), {
    gpuProcesses: () => holdersOf(place.node),
    monotonicMs: () => clockMs,
  });
  const own = { uuid: stateOf(place.node).hardware.gpus[place.gpu]?.uuid ?? '' };
  await readAll(reading);
  const seen: Record<string, number> = {};
  for (let second = 0; second < 60; second++) {
    advance(1);
    clockMs += 1000;
    await reading.reader.read('fast');
    if (second % 5 === 0) await reading.reader.read('medium');
    if (second === 20)
      for (const kind of ['running', 'waiting', 'blocked', 'slack'])
        seen[kind] = Number(reading.amount('gpu_worker_seconds_total', { ...own, state: kind }));
  }
  expect(Number(reading.value('gpu_workers', own))).toBeGreaterThan(0);
  expect(Number(reading.value('gpu_workers', own))).toBeLessThanOrEqual(workersOf(place.pace));
  const spent = (kind: string): number =>
    Number(reading.amount('gpu_worker_seconds_total', { ...own, state: kind })) - (seen[kind] ?? 0);
  const all = ['running', 'waiting', 'blocked', 'slack'].reduce((sum, kind) => sum + spent(kind), 0);
  expect(spent('running') / all).toBeCloseTo(shares.running, 1);
  const rest = { blocked: shares.blocked, waiting: shares.waiting, slack: 1 - shares.running - shares.blocked - shares.waiting }; // prettier-ignore
  expect(Math.abs(spent(state) / all - rest[state])).toBeLessThan(0.15);
  await reading.reader.stop();
});

test('jobs: the CPU time of a cgroup is what its GPUs’ processes need', async () => {
  const node = workload.states.findIndex(({ work }) => work.some(({ pace }) => pace.phase === 'run'));
  const reading = startReading(jobs, rootOf(node));
  advance(1);
  await readAll(reading);
  const { work } = stateOf(node);
  const before = new Map(work.map(({ pace: { job } }) => [job.id, reading.amount('job_cpu_seconds_total', { job_id: String(job.id) })])); // prettier-ignore
  expect(before.size).toBeGreaterThan(0);
  advance(1);
  await reading.reader.read('fast');
  for (const { pace, gpus } of stateOf(node).work) {
    const labels = { job_id: String(pace.job.id) };
    if (!before.has(pace.job.id)) continue;
    const used = Number(reading.amount('job_cpu_seconds_total', labels)) - Number(before.get(pace.job.id));
    expect(used).toBeGreaterThanOrEqual(0);
    expect(used).toBeLessThanOrEqual(gpus.length * (pace.job.needs.workers + 1));
    if (pace.phase === 'run') expect(used).toBeGreaterThan(0.3 * gpus.length);
    expect(Number(reading.value('job_cpus', labels))).toBe(
      gpus.length * (stateOf(node).hardware.gpus[0]?.cpus.length ?? 0),
    );
  }
  await reading.reader.stop();
});

test('shared storage and GPUDirect Storage', async () => {
  const { counters } = stateOf(3);
  const [ofNfs, ofLustre, ofGds] = [nfs, lustre, gds].map((collector) => startReading(collector, rootOf(3)));
  for (const reading of [ofNfs, ofLustre, ofGds]) if (reading) await readAll(reading);
  expect(ofNfs?.value('nfs_read_bytes_total', { mountpoint: '/home' })).toBe(counters.nfs.readBytes.whole);
  expect(ofLustre?.value('lustre_read_bytes_total', { filesystem: 'scratch' })).toBe(counters.lustre.readBytes.whole);
  expect(ofGds?.value('gds_accounting_enabled')).toBe(0);
  expect(ofGds?.value('gds_read_bytes_total')).toBe('unsupported');
});

test('health: one drive’s link has errors, CPUs have a temperature, memory controllers are told', async () => {
  const node = workload.nodes.findIndex(({ drives }) => drives.some(({ linkErrorsPerS }) => linkErrorsPerS > 0));
  const drive = workload.nodes[node]?.drives.find(({ linkErrorsPerS }) => linkErrorsPerS > 0);
  const address = `00000000:${(drive?.bus ?? 0).toString(16)}:00.0`;
  const [ofPcie, ofEdac, ofHwmon] = [pcie, edac, hwmon].map((collector) => startReading(collector, rootOf(node)));
  for (const reading of [ofPcie, ofEdac, ofHwmon]) if (reading) await readAll(reading);
  const errors = { pci_bus_id: address, severity: 'correctable', error: 'RxErr' };
  // A day before the simulation began one came every twenty seconds.
  expect(ofPcie?.value('pcie_aer_errors_total', errors)).toBe(Math.floor((workload.timeS + 86_400) * 0.05));
  expect(ofEdac?.value('edac_uncorrectable_errors_total', { controller: 'mc0' })).toBe(0);
  const celsius = Number(ofHwmon?.amount('hwmon_temperature_celsius', { chip: 'coretemp.0' }));
  expect(celsius).toBeGreaterThanOrEqual(38);
  expect(celsius).toBeLessThan(90);
});

// Storage, health, jobs and processes of a simulated node as the agent's collectors read them: they are the model's.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseIoStat } from '../../../agent/parse/cgroup-io.ts';
import { ownerOfCgroups, parseCgroupFile } from '../../../agent/parse/cgroup.ts';
import { parseLliteStats } from '../../../agent/parse/llite-stats.ts';
import { parseMountStats } from '../../../agent/parse/mountstats.ts';
import { parseNvidiaFsStats } from '../../../agent/parse/nvidia-fs-stats.ts';
import { SchedStatParser } from '../../../agent/parse/schedstat.ts';
import { TaskStatParser } from '../../../agent/parse/task-stat.ts';
import { noFaults } from '../../../agent/simulator/faults.ts';
import { noFabricFaults } from '../../../agent/simulator/fabric/faults.ts';
import { buildFabric } from '../../../agent/simulator/fabric/topology.ts';
import { sherlock } from '../../../agent/simulator/hardware.ts';
import { NodeTree } from '../../../agent/simulator/node-tree.ts';
import { SimulatedWorkload, type NodeState } from '../../../agent/simulator/workload.ts';

const directory = mkdtempSync(join(tmpdir(), 'whyidle-health-'));
const nodes = sherlock({ seed: 1, nowS: 1_800_000_000 });
const fabric = buildFabric(1, nodes);
const NODE = 11;
const flapping = {
  cable: fabric.cableAt({ device: fabric.adapter(NODE, 2), port: 1 }) ?? -1,
  firstS: 12,
  everyS: 3600,
  forS: 5,
};
const slowLink = { cable: fabric.cableAt({ device: fabric.adapter(NODE, 3), port: 1 }) ?? -1, state: { up: true, lanes: 2, laneGigabits: 25.78125 } }; // prettier-ignore
const workload = new SimulatedWorkload(1, nodes, { ...noFaults, fabric: { ...noFabricFaults, flapping, slowLink } });
const tree = new NodeTree(join(directory, 'node'), stateNow());
afterAll(() => {
  tree.close();
  rmSync(directory, { recursive: true });
});

function stateNow(): NodeState {
  const state = workload.states[NODE];
  if (!state) throw new Error('no such node');
  return state;
}

function advance(seconds: number): void {
  workload.advance(seconds);
  tree.update(stateNow());
}

function read(path: string): string {
  return readFileSync(join(tree.root, path), 'utf8');
}

describe('adapters', () => {
  test('a slow link says so, a flapping one goes and comes back', () => {
    advance(10);
    const port = (hca: number): string => `sys/class/infiniband/mlx5_${hca}/ports/1`;
    expect(read(`${port(3)}/rate`)).toBe('50 Gb/sec (2X EDR)\n');
    expect(read(`${port(2)}/rate`)).toBe('100 Gb/sec (4X EDR)\n');
    const downed = Number(read(`${port(2)}/counters/link_downed`));
    const carrier = Number(read('sys/class/net/ib2/carrier_down_count'));
    advance(3);
    expect(read(`${port(2)}/state`)).toBe('1: DOWN\n');
    expect(read(`${port(2)}/phys_state`)).toBe('2: Polling\n');
    expect(read(`${port(2)}/rate`)).toBe('10 Gb/sec (4X SDR)\n');
    expect(read('sys/class/net/ib2/operstate')).toBe('down\n');
    advance(5);
    expect(read(`${port(2)}/state`)).toBe('4: ACTIVE\n');
    expect(read(`${port(2)}/rate`)).toBe('100 Gb/sec (4X EDR)\n');
    expect(Number(read(`${port(2)}/counters/link_downed`))).toBe(downed + 1);
    expect(Number(read('sys/class/net/ib2/carrier_down_count'))).toBe(carrier + 1);
  });
});

describe('shared storage', () => {
  test('NFS: bytes and operations are the model’s', () => {
    advance(1);
    const { nfs } = stateNow().counters;
    const [mount, ...others] = parseMountStats(read('proc/self/mountstats'), 'mountstats');
    expect(others).toEqual([]);
    expect(mount).toMatchObject({
      export: 'nfs01:/export/home',
      mountpoint: '/home',
      readBytes: nfs.readBytes.whole,
      writtenBytes: nfs.writtenBytes.whole,
    });
    expect(mount?.operations.get('READ')).toMatchObject({ operations: nfs.operations.READ.whole, retransmissions: 0 });
    expect([...(mount?.operations.keys() ?? [])].toSorted()).toEqual(['GETATTR', 'OPEN', 'READ', 'WRITE']);
  });

  test('Lustre: what jobs read from shared storage', () => {
    const path = 'proc/fs/lustre/llite';
    const [client = ''] = readdirSync(join(tree.root, path));
    const before = parseLliteStats(read(`${path}/${client}/stats`), 'stats');
    advance(10);
    const after = parseLliteStats(read(`${path}/${client}/stats`), 'stats');
    const { load, counters } = stateNow();
    expect(after.readBytes).toBe(counters.lustre.readBytes.whole);
    expect(Math.abs(Number(after.readBytes) - Number(before.readBytes) - load.shared.readBytesPerS * 10)).toBeLessThan(
      2,
    );
    expect(after.operations.get('open')).toBe(counters.lustre.opens.whole);
  });

  test('GPUDirect Storage: accounting is off', () => {
    expect(parseNvidiaFsStats(read('proc/driver/nvidia-fs/stats'), 'stats')).toMatchObject({
      accounting: false,
      readsNow: 0,
      shadowBuffers: 0,
    });
  });
});

describe('health', () => {
  test('corrected errors of one PCIe link of all nodes grow', () => {
    const drives = nodes.flatMap((node) => node.drives.filter(({ linkErrorsPerS }) => linkErrorsPerS > 0));
    expect(drives).toHaveLength(1);
    const quiet = read(
      `sys/bus/pci/devices/0000:${(nodes[NODE]?.hcas[0]?.bus ?? 0).toString(16)}:00.0/aer_dev_correctable`,
    );
    expect(quiet).toMatch(/^RxErr 0\n[\s\S]*TOTAL_ERR_COR 0\n$/);
  });

  test('throttles: one node’s second socket alone', () => {
    const hot = workload.states.filter(({ counters }) => counters.cpuThrottles.some((count) => count.whole > 0));
    expect(hot.length).toBeLessThanOrEqual(1);
    expect(hot.map(({ counters }) => counters.cpuThrottles[0]?.whole)).toEqual(hot.map(() => 0));
  });

  test('memory controllers, NUMA counts', () => {
    expect(read('sys/devices/system/edac/mc/mc1/ue_count')).toBe('0\n');
    expect(read('sys/devices/system/node/node0/numastat')).toContain(
      `numa_miss ${stateNow().counters.numaMisses[0]?.whole}`,
    );
  });
});

describe('jobs', () => {
  test('every job on the node has a cgroup, and no other', () => {
    const scope = 'sys/fs/cgroup/system.slice/slurmstepd.scope';
    const expected = (): readonly string[] =>
      stateNow()
        .work.map(({ pace }) => `job_${pace.job.id}`)
        .toSorted();
    expect(expected().length).toBeGreaterThan(0);
    expect(readdirSync(join(tree.root, scope)).toSorted()).toEqual(expected());
    const before = expected();
    for (let minute = 0; minute < 600 && expected().join() === before.join(); minute++) workload.advance(60);
    advance(1);
    expect(expected()).not.toEqual(before);
    expect(readdirSync(join(tree.root, scope)).toSorted()).toEqual(expected());
    for (const { pace, gpus } of stateNow().work) {
      const job = `${scope}/job_${pace.job.id}`;
      expect(read(`${job}/cpu.stat`)).toMatch(/^usage_usec \d+\nuser_usec \d+\nsystem_usec \d+\n/);
      expect(Number(read(`${job}/memory.current`))).toBeGreaterThan(1e6);
      const io = parseIoStat(Buffer.from(read(`${job}/io.stat`)), 'io.stat');
      expect(io.map(({ device }) => device)).toEqual([
        '9:0',
        ...stateNow().hardware.drives.map((_, at) => `259:${at}`),
      ]);
      for (const { device } of io) expect(existsSync(join(tree.root, `sys/dev/block/${device}/stat`))).toBe(true);
      expect(gpus.length).toBeGreaterThan(0);
    }
  });

  test('processes that hold GPUs, in the cgroup of their job, with their workers', () => {
    const [stats, schedules] = [new TaskStatParser(), new SchedStatParser()];
    const used = stateNow().gpus.flatMap(({ process }) => process ?? []);
    expect(used.length).toBeGreaterThan(0);
    for (const { pid } of used) {
      const main = `proc/${pid}/task/${pid}`;
      expect(stats.parse(Buffer.from(read(`${main}/stat`)), 'stat').cpuTicks).toBeGreaterThan(0);
      expect(read(`proc/${pid}/stat`)).toBe(read(`${main}/stat`));
      expect(schedules.parse(Buffer.from(read(`${main}/schedstat`)), 'schedstat').runNs).toBeGreaterThan(0);
      const owner = ownerOfCgroups(parseCgroupFile(read(`proc/${pid}/cgroup`), 'cgroup'));
      const jobs = stateNow().work.map(({ pace }) => String(pace.job.id));
      expect(owner.kind === 'slurm' && jobs.includes(owner.jobId ?? '')).toBe(true);
      for (const worker of read(`${main}/children`).trim().split(' ').filter(Boolean))
        expect(read(`proc/${worker}/stat`)).toMatch(new RegExp(`^${worker} \\(pt_data_worker\\) [RSD] ${pid} `));
    }
    const numbers = readdirSync(join(tree.root, 'proc')).filter((name) => /^\d{5,}$/.test(name));
    const workers = used.flatMap(({ pid }) =>
      read(`proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean),
    );
    expect(numbers.toSorted()).toEqual([...used.map(({ pid }) => String(pid)), ...workers].toSorted());
  });
});

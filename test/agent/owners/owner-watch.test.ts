// Who has the GPUs, from files as the kernel has them.
import type { Owners } from '#agent/contract';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MigParents } from '../../../agent/owners/mig-parents.ts';
import { OwnerWatch } from '../../../agent/owners/owner-watch.ts';
import { Tree } from '../../../agent/sources/tree.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';
import { PlayedCommands, printed } from '../../doubles/played-commands.ts';
import { writeTree } from '../../corpus/write-tree.ts';

let root: string;
let clock: ManualClock;
let told: Owners[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-owners-'));
  clock = new ManualClock();
  told = [];
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

interface FakeProcess {
  readonly cgroup?: string;
  readonly uid?: number;
  readonly parent?: number;
  readonly start?: number;
  readonly cmdline?: string;
}

function addProcess(
  pid: number,
  { cgroup = '0::/', uid = 1000, parent = 1, start = 5, cmdline = 'python' }: FakeProcess,
): void {
  writeTree(root, {
    [`proc/${pid}/stat`]: `${pid} (python) S ${parent} 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 ${start} 0 0 0\n`,
    [`proc/${pid}/status`]: `Name:\tpython\nPPid:\t${parent}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`,
    [`proc/${pid}/comm`]: 'python\n',
    [`proc/${pid}/cmdline`]: `${cmdline}\0`,
    [`proc/${pid}/cgroup`]: `${cgroup}\n`,
  });
}

function watchOf(options: Partial<ConstructorParameters<typeof OwnerWatch>[0]> = {}): OwnerWatch {
  const watch = new OwnerWatch({
    tree: new Tree(root),
    commands: undefined,
    hintFolders: ['run/gpustat'],
    pods: () => undefined,
    gpuOfDevice: (device) => device,
    clock,
    onTell: (owners) => told.push(owners),
    ...options,
  });
  watch.start();
  return watch;
}

function gpu(at: number, ...pids: number[]) {
  return { gpu: String(at), uuid: `GPU-${at}`, pci_bus_id: `0000000${at}:00:00.0`, pids };
}

test('processes of a job, a pod, a container, a user; one that cannot be looked at', async () => {
  const id = 'a'.repeat(64);
  writeTree(root, { 'etc/passwd': 'root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n' });
  addProcess(10, { cgroup: '0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0' });
  addProcess(11, { cgroup: '0::/system.slice/slurmstepd.scope/sEKNKTV3WPV500/step_0' });
  addProcess(12, { cgroup: `0::/kubepods/burstable/pod0a1b2c3d-0000-1111-2222-333344445555/${id}`, uid: 0 });
  addProcess(13, { cgroup: `0::/system.slice/docker-${id}.scope`, uid: 1001 });
  addProcess(14, { cgroup: '0::/user.slice/user-1000.slice/session-3.scope' });
  const watch = watchOf();
  watch.take([gpu(0, 10, 11), gpu(1, 12), gpu(2, 13, 14, 99), gpu(3)]);
  await clock.advance(500);
  expect(told).toHaveLength(1);
  expect(told[0]?.holders.map(({ uuid, pid, user, owner }) => [uuid, pid, user, owner])).toEqual([
    ['GPU-0', 10, 'alice', { kind: 'slurm', job: '7', sluid: '', step: '0' }],
    ['GPU-0', 11, 'alice', { kind: 'slurm', job: '', sluid: 'sEKNKTV3WPV500', step: '0' }],
    ['GPU-1', 12, 'root', { kind: 'kubernetes', pod_uid: '0a1b2c3d-0000-1111-2222-333344445555', container_id: id }],
    ['GPU-2', 13, '', { kind: 'container', runtime: 'docker', container_id: id }],
    ['GPU-2', 14, 'alice', { kind: 'user' }],
    ['GPU-2', 99, '', { kind: 'hidden' }],
  ]);
  expect(told[0]).toMatchObject({ seen: ['GPU-0', 'GPU-1', 'GPU-2', 'GPU-3'], pods: null, hints: [] });
  watch.stop();
});

test('without cgroups slurmstepd above tells the job; a user who calls a process so does not', async () => {
  addProcess(30, { cmdline: 'slurmstepd: [2.0]', uid: 0, parent: 1 });
  addProcess(31, { parent: 30 });
  addProcess(32, { parent: 31 });
  addProcess(40, { cmdline: 'slurmstepd: [3.0]', uid: 1000, parent: 1 });
  addProcess(41, { parent: 40 });
  const watch = watchOf();
  watch.take([gpu(0, 32, 41)]);
  await clock.advance(500);
  expect(told[0]?.holders.map(({ owner }) => owner)).toEqual([
    { kind: 'slurm', job: '2', sluid: '', step: '0' },
    { kind: 'user' },
  ]);
  watch.stop();
});

test('told when it changes, and each minute; a number that another process got is looked at anew', async () => {
  addProcess(10, { cgroup: '0::/system.slice/slurmstepd.scope/job_7/step_0' });
  const watch = watchOf();
  watch.take([gpu(0, 10)]);
  await clock.advance(500);
  await clock.advance(30_000);
  expect(told).toHaveLength(1);
  await clock.advance(40_000);
  expect(told).toHaveLength(2);
  addProcess(10, { cgroup: '0::/system.slice/slurmstepd.scope/job_8/step_0', start: 900 });
  await clock.advance(10_000);
  expect(told.at(-1)?.holders[0]?.owner).toMatchObject({ job: '8' });
  watch.take([gpu(0)]);
  await clock.advance(500);
  expect(told.at(-1)).toMatchObject({ holders: [], seen: ['GPU-0'] });
  const count = told.length;
  watch.stop();
  await clock.advance(120_000);
  expect(told).toHaveLength(count);
});

test('a user of a directory is asked for once, and named when the answer comes', async () => {
  addProcess(10, { uid: 77_001 });
  const commands = new PlayedCommands(() => printed('carol:*:77001:100:Carol:/home/carol:/bin/bash\n'));
  const watch = watchOf({ commands });
  watch.take([gpu(0, 10)]);
  await clock.advance(500);
  expect(told[0]?.holders[0]).toMatchObject({ uid: 77_001, user: '' });
  await clock.advance(500);
  expect(told[1]?.holders[0]).toMatchObject({ user: 'carol' });
  await clock.advance(20_000);
  expect(commands.lines).toEqual(['getent passwd 77001']);
  watch.stop();
});

test('minor numbers of the driver; what a prolog wrote down', async () => {
  writeTree(root, {
    'proc/driver/nvidia/gpus/0000:3b:00.0/information':
      'Model: \t\t Tesla V100\nDevice Minor: \t 3\nGPU Excluded:\t No\n',
    'proc/driver/nvidia/gpus/0000:5e:00.0/information': 'Model: \t\t Unknown\n',
    'run/gpustat/0': '4711 1000\n',
    'run/gpustat/1.2': '12\n13\n',
    'run/gpustat/GPU-61a65011-6571-a6d2-5ab8-66cbb6f7f9c3': '99',
    'run/gpustat/2': '',
    'run/gpustat/README': '5\n',
    'run/gpustat/3': '../../etc\n',
  });
  const watch = watchOf();
  await clock.advance(500);
  expect(told[0]?.devices).toEqual([{ pci_bus_id: '0000:3b:00.0', minor: 3 }]);
  expect(told[0]?.hints).toEqual([
    { gpu: '0', job: '4711' },
    { gpu: '1.2', job: '12' },
    { gpu: '1.2', job: '13' },
    { gpu: 'GPU-61a65011-6571-a6d2-5ab8-66cbb6f7f9c3', job: '99' },
  ]);
  watch.stop();
});

test('a process began so long after the node; a MIG instance of a pod is its GPU once nvidia-smi has said so', async () => {
  writeTree(root, { 'proc/stat': 'cpu 1 1 1\nbtime 1790000000\n' });
  addProcess(10, { start: 250 });
  const list =
    'GPU 0: NVIDIA A100 (UUID: GPU-a)\n  MIG 3g.20gb Device 0: (UUID: MIG-1)\nGPU 1: NVIDIA A100 (UUID: GPU-b)\n';
  const commands = new PlayedCommands(() => printed(list));
  const parents = new MigParents({
    ...{ nvidiaSmi: 'nvidia-smi', commands, monotonicMs: () => clock.monotonicMs() },
    onFound: () => {
      watch.lookSoon();
    },
  });
  const devices = ['MIG-1', 'MIG-9', 'MIG-GPU-0a1b/1/0', 'GPU-b'];
  const watch = watchOf({
    gpuOfDevice: (device) => parents.gpuOf(device),
    pods: () => [{ namespace: 'n', pod: 'p', container: 'c', devices }],
  });
  watch.take([gpu(0, 10)]);
  await clock.advance(500);
  expect(told[0]?.holders[0]?.started_ms).toBe(1_790_000_002_500);
  expect(told[0]?.pods?.[0]?.devices).toEqual(['MIG-1', 'MIG-9', 'GPU-0a1b', 'GPU-b']);
  await clock.advance(500);
  expect(told[1]?.pods?.[0]?.devices).toEqual(['GPU-a', 'MIG-9', 'GPU-0a1b', 'GPU-b']);
  await clock.advance(30_000);
  expect(commands.lines).toEqual(['nvidia-smi -L']);
  watch.stop();
});

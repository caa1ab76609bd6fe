// Whose each GPU is: what was granted, what is used, and by whom.
import type { GpuHolder, Owners, ProcessOwner } from '#agent/contract';
import { describe, expect, test } from 'vitest';
import { recordOfSlurm } from '../../../server/jobs/job-record.ts';
import { join, keyOf, type Joined } from '../../../server/jobs/join.ts';
import { parseJobs, parseNodes } from '../../../server/jobs/slurm/scontrol.ts';

const jobLine = (id: number, gres: string, more: { user?: string; tres?: string; state?: string } = {}): string =>
  `JobId=${id} JobName=j UserId=${more.user ?? 'alice'}(2001) GroupId=a(1) MCS_label=N/A Account=vision JobState=${more.state ?? 'RUNNING'} Reason=None StartTime=2026-11-23T19:18:16 EndTime=Unknown Partition=gpu NumNodes=1 NumCPUs=4 NumTasks=1 TRES=cpu=4,gres/gpu=${more.tres ?? '1'} Nodes=n1 CPU_IDs=0 Mem=0 GRES=${gres} MinCPUsNode=1`;
const nodeLine = 'NodeName=n1 Gres=gpu:v100:4 NodeHostName=n1 State=MIXED Partitions=gpu';

const gpus = ['0', '1', '2', '3'].map((gpu) => ({ gpu, uuid: `GPU-${gpu}`, pciBusId: '' }));
const uuids = gpus.map(({ uuid }) => uuid);

function owners(holders: readonly Partial<GpuHolder>[], more: Partial<Owners> = {}): Owners {
  const whole = holders.map((one) => ({
    ...{ uuid: 'GPU-0', pid: 100, command: 'python', started_ms: 2000, uid: 2001, user: 'alice' },
    owner: { kind: 'user' } as const,
    ...one,
  }));
  return { devices: [], seen: uuids, holders: whole, pods: null, hints: [], ...more };
}

function slurmJob(job: string): ProcessOwner {
  return { kind: 'slurm', job, sluid: '', step: '0' };
}

function joinOf(seen: Owners | undefined, ...lines: readonly string[]): Joined {
  return join({
    nodes: [{ name: 'n1', gpus, owners: seen }],
    slurm: lines.length === 0 ? undefined : { jobs: parseJobs(lines.join('\n')), nodes: parseNodes(nodeLine) },
    files: () => undefined,
    wallMs: 5000,
    openRun: () => undefined,
  });
}

function of(joined: Joined, at: number) {
  const owner = joined.owners.get(keyOf('n1', `GPU-${at}`));
  return [owner?.kind, ...(owner?.jobs.map(({ scheduler, id, user }) => `${scheduler} ${id} ${user}`) ?? [])];
}

const idle = jobLine(99, '');
const parsed = parseJobs(jobLine(12, 'gpu:v100:1(IDX:0)'))[0] ?? neverEmpty();

function neverEmpty(): never {
  throw new Error('no job');
}

describe('with Slurm', () => {
  test('given and used; given and empty; given to nobody', () => {
    const joined = joinOf(
      owners([{ owner: slurmJob('7') }]),
      jobLine(7, 'gpu:v100:1(IDX:0)'),
      jobLine(8, 'gpu:v100:1(IDX:1)', { user: 'bob' }),
    );
    expect([0, 1, 2].map((at) => of(joined, at))).toEqual([
      ['job', 'slurm 7 alice'],
      ['held', 'slurm 8 bob'],
      ['free'],
    ]);
    expect(joined.unscheduled.size).toBe(0);
  });

  test('where the agent sees no processes nobody says that it is empty', () => {
    expect(of(joinOf(undefined, jobLine(7, 'gpu:v100:1(IDX:0)')), 0)).toEqual(['job', 'slurm 7 alice']);
    expect(of(joinOf(undefined, idle), 0)).toEqual(['free']);
  });

  test('without cgroups the user of the job is enough, another user is a conflict', () => {
    const job = jobLine(7, 'gpu:v100:2(IDX:0-1)', { tres: '2' });
    const joined = joinOf(owners([{}, { uuid: 'GPU-1', pid: 5, uid: 2002, user: 'bob' }]), job);
    expect(of(joined, 0)).toEqual(['job', 'slurm 7 alice']);
    expect(of(joined, 1)).toEqual(['conflict', 'none n1:5 bob']);
    expect(joined.owners.get(keyOf('n1', 'GPU-1'))?.reason).toBe(
      'given to job 7 of alice, used by process n1:5 of bob',
    );
  });

  test('two jobs that use each other’s GPUs: the process says whose it is, and that something is wrong', () => {
    const joined = joinOf(
      owners([{ owner: slurmJob('8') }, { uuid: 'GPU-1', owner: slurmJob('7') }]),
      jobLine(7, 'gpu:v100:1(IDX:0)'),
      jobLine(8, 'gpu:v100:1(IDX:1)', { user: 'bob' }),
    );
    expect([0, 1].map((at) => of(joined, at))).toEqual([
      ['conflict', 'slurm 8 bob'],
      ['conflict', 'slurm 7 alice'],
    ]);
    expect(joined.running.find(({ id }) => id === '8')?.gpus).toEqual([{ node: 'n1', uuid: 'GPU-0' }]);
  });

  test('a process that nobody was given the GPU: of a job without GPUs, of a user, hidden', () => {
    const joined = joinOf(
      owners([
        { owner: slurmJob('99') },
        { uuid: 'GPU-1', pid: 6 },
        { uuid: 'GPU-2', owner: { kind: 'hidden' }, uid: null, user: '' },
      ]),
      jobLine(99, '', { tres: '0' }),
    );
    expect([0, 1, 2, 3].map((at) => of(joined, at))).toEqual([
      ['outside', 'slurm 99 alice'],
      ['outside', 'none n1:6 alice'],
      ['unknown'],
      ['free'],
    ]);
  });

  test('a job whose place Slurm does not tell is found by its process', () => {
    const joined = joinOf(owners([{ uuid: 'GPU-3', owner: slurmJob('7') }]), jobLine(7, 'shard:v100:4(IDX:3)'));
    expect(of(joined, 3)).toEqual(['job', 'slurm 7 alice']);
  });

  test('the name of a cgroup of 26.05 leads to the number', () => {
    const line = jobLine(7, 'gpu:v100:1(IDX:0)').replace('JobId=7', 'JobId=7 SLUID=sEKNKTV3WPV500');
    const sluid = { kind: 'slurm', job: '', sluid: 'sEKNKTV3WPV500', step: '0' } as const;
    expect(of(joinOf(owners([{ owner: sluid }]), line), 0)).toEqual(['job', 'slurm 7 alice']);
  });

  test('one that is stopped stands behind the one that took its GPU', () => {
    const stopped = jobLine(7, 'gpu:v100:1(IDX:0)', { state: 'SUSPENDED' });
    const joined = joinOf(undefined, stopped, jobLine(8, 'gpu:v100:1(IDX:0)'));
    expect(of(joined, 0)).toEqual(['job', 'slurm 8 alice', 'slurm 7 alice']);
  });
});

describe('without Slurm', () => {
  test('nobody knows of an empty GPU; a process has a user, a container, a job by its cgroup, a prolog’s word', () => {
    const joined = joinOf(
      owners(
        [
          { uuid: 'GPU-1', pid: 6 },
          { uuid: 'GPU-2', owner: { kind: 'container', runtime: 'docker', container_id: 'f'.repeat(64) } },
          { uuid: 'GPU-3', owner: slurmJob('12') },
        ],
        { hints: [{ gpu: '0', job: '4711' }] },
      ),
    );
    expect([0, 1, 2, 3].map((at) => of(joined, at))).toEqual([
      ['held', 'slurm 4711 '],
      ['job', 'none n1:6 alice'],
      ['job', 'container ffffffffffff alice'],
      ['job', 'slurm 12 alice'],
    ]);
    expect([...joined.unscheduled]).toEqual(['n1']);
    expect(of(joinOf(owners([])), 0)).toEqual(['unknown']);
    expect(of(joinOf(undefined), 0)).toEqual(['unknown']);
  });

  test('a process began when its node says, but never later than now; what is known already stays', () => {
    const startOf = (started_ms: number | null, seen?: number) =>
      join({
        nodes: [{ name: 'n1', gpus, owners: owners([{ started_ms }]) }],
        ...{
          slurm: undefined,
          files: () => undefined,
          wallMs: 5000,
          openRun: () => (seen === undefined ? undefined : recordOfSlurm(parsed, seen)),
        },
      }).running.map(({ startMs }) => startMs);
    expect([startOf(2000), startOf(9000), startOf(null), startOf(2000, 1000)]).toEqual([
      [2000],
      [5000],
      [5000],
      [1000],
    ]);
  });

  test('one job on several nodes is one record, with what Slurm told of it before', () => {
    const node = (name: string) => ({
      name,
      gpus: [{ gpu: '0', uuid: `${name}-0`, pciBusId: '' }],
      owners: owners([{ uuid: `${name}-0`, owner: slurmJob('12') }], { seen: [`${name}-0`] }),
    });
    const { running } = join({
      nodes: [node('a'), node('b')],
      slurm: undefined,
      files: () => undefined,
      wallMs: 9,
      openRun: () => ({ ...recordOfSlurm(parsed, 4), user: 'alice' }),
    });
    expect(running).toMatchObject([
      { id: '12', startMs: 4, nodes: 2, gpus: { length: 2 }, user: 'alice', account: 'vision', isListed: false },
    ]);
  });
});

describe('Kubernetes', () => {
  const pods = [
    { namespace: 'ml', pod: 'train-0', container: 'c', devices: ['GPU-0', 'GPU-1'] },
    { namespace: 'ml', pod: 'share-a', container: 'c', devices: ['GPU-2'] },
    { namespace: 'web', pod: 'share-b', container: 'c', devices: ['GPU-2'] },
  ];
  const inPod = { kind: 'kubernetes', pod_uid: 'u', container_id: 'c' } as const;

  test('a pod has its GPUs, used or empty; shared ones have several; all else is free', () => {
    const joined = joinOf(owners([{ owner: inPod }], { pods }));
    expect([0, 1, 2, 3].map((at) => of(joined, at))).toEqual([
      ['job', 'kubernetes ml/train-0 '],
      ['held', 'kubernetes ml/train-0 '],
      ['held', 'kubernetes ml/share-a ', 'kubernetes web/share-b '],
      ['free'],
    ]);
    expect(joined.running.find(({ id }) => id === 'ml/train-0')).toMatchObject({ account: 'ml', gpus: { length: 2 } });
    expect(joined.unscheduled.size).toBe(0);
  });

  test('an agent that may not ask the kubelet sees a pod by its cgroup', () => {
    expect(of(joinOf(owners([{ owner: inPod }])), 0)).toEqual(['job', 'kubernetes u alice']);
  });
});

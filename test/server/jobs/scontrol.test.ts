// What `scontrol show` of a Slurm 22.05 said, recorded by us: two nodes of eight GPUs.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expandNodes } from '../../../server/jobs/slurm/host-list.ts';
import { SlurmError } from '../../../server/jobs/slurm/model.ts';
import { parseJobs, parseNodes, parseReservations } from '../../../server/jobs/slurm/scontrol.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../../fixtures/slurm', name), 'utf8');
const jobs = parseJobs(fixture('jobs-22.05.txt'));
const job = (id: string) => jobs.find((one) => one.id === id);

describe('jobs', () => {
  test('running ones with the GPUs of each node', () => {
    expect(job('2')).toMatchObject({
      ...{ user: 'alice', account: 'vision', partition: 'gpu', name: 'resnet50', state: 'RUNNING', nodes: 2, cpus: 16 },
      startMs: Date.parse('2026-11-23T19:18:16Z'),
      requestedGpus: 4,
      gpus: [
        { node: 'hgx01', places: [0, 1] },
        { node: 'hgx02', places: [3, 4] },
      ],
    });
    expect(job('1')?.gpus).toEqual([{ node: 'hgx02', places: [0, 1, 2] }]);
    expect(job('7')?.gpus).toEqual([]);
  });

  test('names with blanks, tasks of arrays, a GPU held by nobody', () => {
    expect(job('4')).toMatchObject({
      name: 'bert sweep',
      displayId: '3_0',
      arrayJobId: '3',
      gpus: [{ node: 'hgx02', places: [5] }],
    });
    expect(job('10')).toMatchObject({ name: 'jupyter', user: 'bob', gpus: [{ node: 'hgx01', places: [5] }] });
  });

  test('waiting and failed ones have none', () => {
    expect(job('8')).toMatchObject({ state: 'PENDING', reason: 'Resources', requestedGpus: 16, gpus: [] });
    expect(job('9')).toMatchObject({ state: 'FAILED', gpus: [], endMs: Date.parse('2026-11-23T19:18:18Z') });
  });

  test('none at all', () => {
    expect(parseJobs('No jobs in the system\n')).toEqual([]);
  });

  test.each(['Slurm load error', 'JobId=x JobName=y', '\nslurm_load_jobs error: Unable to contact'])(
    '%j is refused',
    (text) => {
      expect(() => parseJobs(text)).toThrow(SlurmError);
    },
  );

  test.each([
    ['JobName=resnet50', 'JobName=evil JobState=PENDING Partition=none', 'alice'],
    // It may hide its user, but frame nobody.
    ['JobName=resnet50', 'JobName=x UserId=bob(2002) GroupId=bob(2002) MCS_label=N/A', ''],
    ['Comment=exp=42', 'Comment=x UserId=bob(2002) GroupId=bob(2002) MCS_label=N/A', ''],
    ['Comment=exp=42', 'Comment=x Account=nlp   Nodes=hgx01 CPU_IDs=0 Mem=0 GRES=gpu:v100:8(IDX:0-7)', 'alice'],
    ['WorkDir=/srv', 'WorkDir=/srv JobState=FAILED EndTime=2020-01-01T00:00:00', 'alice'],
  ])('%s as %s', (was, is, user) => {
    const line = fixture('jobs-22.05.txt').split('\n')[1]?.replace(was, is) ?? '';
    const [forged] = parseJobs(line);
    expect(forged?.user).toBe(user);
    if (user === '') return;
    expect({ ...forged, name: '' }).toEqual({ ...job('2'), name: '' });
  });

  test('requests as later versions write them', () => {
    const pending = (more: string): string =>
      `JobId=5 JobName=j UserId=a(1) GroupId=a(1) MCS_label=N/A JobState=PENDING NumNodes=2-2 NumCPUs=8 NumTasks=4 ${more}`;
    const asked = (more: string) =>
      parseJobs(pending(more)).map(({ requestedGpus, gpuType }) => [requestedGpus, gpuType])[0];
    expect(asked('TresPerNode=gres/gpu:h100:4')).toEqual([8, 'h100']);
    expect(asked('TresPerNode=gres:gpu:4')).toEqual([8, '']);
    expect(asked('TresPerJob=gres/gpu:3')).toEqual([3, '']);
    expect(asked('TresPerTask=gres/gpu:a100:1')).toEqual([4, 'a100']);
    expect(asked('TresPerNode=gres/gpu')).toEqual([2, '']);
    expect(asked('ReqTRES=cpu=8,gres/gpu=6,gres/gpu:a100=6 AllocTRES=(null)')).toEqual([6, 'a100']);
    expect(asked('TresPerNode=gres/shard:4')).toEqual([0, '']);
  });

  test('parts of a heterogeneous job', () => {
    const line =
      'JobId=11 HetJobId=10 HetJobOffset=1 HetJobIdSet=10-11 JobName=j UserId=a(1) GroupId=a(1) MCS_label=N/A';
    expect(parseJobs(line)[0]?.displayId).toBe('10+1');
  });
});

test('why a node is drained, and who wrote it', () => {
  const line = fixture('nodes-22.05.txt').split('\n')[0] ?? '';
  const [drained] = parseNodes(
    `${line.replace('State=MIXED', 'State=MIXED+DRAIN')} Reason=fan 3 [broken] State=IDLE [root@2026-11-23T10:00:00]`,
  );
  expect(drained).toMatchObject({
    state: 'MIXED+DRAIN',
    reason: 'fan 3 [broken] State=IDLE',
    partitions: ['gpu'],
    host: 'vm',
  });
});

test('a reserved node without a reason has that of its reservation', () => {
  const [reserved] = parseNodes('NodeName=n1 State=IDLE+RESERVED ReservationName=course Partitions=gpu BootTime=x');
  expect(reserved?.reason).toBe('reservation course');
});

test('of reservations the active ones count', () => {
  const line = (name: string, nodes: string, state: string): string =>
    `ReservationName=${name} StartTime=2026-11-23T10:00:00 Nodes=${nodes} NodeCnt=2 Flags=MAINT Users=root State=${state} Watts=n/a`;
  const text = [line('upgrade', 'n[1-2]', 'ACTIVE'), line('later', 'n[2-3]', 'INACTIVE')].join('\n');
  expect([...parseReservations(text)]).toEqual([
    ['n1', 'upgrade'],
    ['n2', 'upgrade'],
  ]);
  expect(parseReservations('No reservations in the system\n').size).toBe(0);
});

test('nodes with their state', () => {
  const nodes = parseNodes(fixture('nodes-22.05.txt'));
  expect(nodes.map(({ name, state, gres }) => [name, state, gres])).toEqual([
    ['hgx01', 'MIXED', 'gpu:v100:8'],
    ['hgx02', 'MIXED', 'gpu:v100:8'],
  ]);
});

test.each([
  ['hgx[01-03,07],login1', ['hgx01', 'hgx02', 'hgx03', 'hgx07', 'login1']],
  ['r[1-2]n[08-09]', ['r1n08', 'r1n09', 'r2n08', 'r2n09']],
  ['one', ['one']],
  ['', []],
])('%s', (list, names) => {
  expect(expandNodes(list)).toEqual(names);
});

test.each(['n[1-999999999]', 'n[1-9999][1-9999]', 'n[1-60000,1-60000]', 'n[1-60000],m[1-60000]'])(
  'a list that would fill the memory is refused: %s',
  (list) => {
    expect(() => expandNodes(list)).toThrow(SlurmError);
  },
);

test('whatever scontrol says, it is read or refused', () => {
  const whole = fixture('jobs-22.05.txt');
  fc.assert(
    fc.property(fc.nat(whole.length), fc.nat(200), fc.string(), (at, length, text) => {
      try {
        parseJobs(whole.slice(0, at) + text + whole.slice(at + length));
      } catch (error) {
        if (!(error instanceof SlurmError)) throw error;
      }
    }),
  );
});

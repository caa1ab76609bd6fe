// Who has which GPU, from what Slurm says and what agents show.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { findScontrol } from '../../../server/jobs/find-scontrol.ts';
import { createScontrolSource } from '../../../server/jobs/slurm/scontrol-source.ts';
import { JobTable } from '../../../server/jobs/job-table.ts';
import { SlurmPoller } from '../../../server/jobs/slurm/poller.ts';
import { parseJobs, parseNodes } from '../../../server/jobs/slurm/scontrol.ts';
import { attribution, summarizeJobs, summarizeUsers } from '../../../server/jobs/summary.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { gpuSeries, SetClock, StandInNode } from '../stand-in.ts';
import { silentLog } from '../../../server/log.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../../fixtures/slurm', name), 'utf8');
const WALL_MS = Date.parse('2026-11-23T19:19:00Z');

function tableOf(gpus = 8) {
  const fleet = new Fleet(new Ledger());
  const clock = new SetClock();
  const nodes = ['hgx01', 'hgx02'].map((name) => new StandInNode(name, { clock, fleet }));
  const sample = (): void => {
    for (const one of nodes) {
      const series = Array.from({ length: gpus }, (_, gpu) =>
        gpuSeries({ busy: 50, processes: 1, gpu: String(gpu), uuid: `${one.node.name}-${gpu}` }),
      ).flat();
      one.sample(series);
    }
  };
  sample();
  const table = new JobTable(fleet);
  table.take(
    {
      jobs: parseJobs(fixture('jobs-22.05.txt')),
      nodes: parseNodes(fixture('nodes-22.05.txt')),
      answeredMs: 1000,
      problem: undefined,
    },
    WALL_MS,
  );
  return { fleet, table, clock, sample };
}

test('each GPU is of the job that was given its place', () => {
  const { table, fleet } = tableOf();
  const owner = (node: string, gpu: number): string | undefined => table.jobOf(node, `${node}-${gpu}`)?.displayId;
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((gpu) => owner('hgx01', gpu))).toEqual([
    '2',
    '2',
    '6',
    '6',
    '6',
    '10',
    undefined,
    undefined,
  ]);
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((gpu) => owner('hgx02', gpu))).toEqual([
    '1',
    '1',
    '1',
    '2',
    '2',
    '3_0',
    '3_1',
    undefined,
  ]);
  expect(table.find('10')?.kind).toBe('notebook');
  expect(table.pending.map(({ id }) => id)).toEqual(['3', '8']);
  expect(attribution(table, fleet, 2000)).toMatchObject({ gpus: 16, attributed: 16, problem: null });
  expect(summarizeUsers(table, fleet).map(({ user, jobs, gpus }) => [user, jobs, gpus])).toEqual([
    ['alice', 2, 7],
    ['bob', 4, 6],
  ]);
});

test('an answer that is old says nothing of now', () => {
  const { table, fleet } = tableOf();
  expect(table.allocations(100_000)?.jobs).toHaveLength(6);
  expect(table.allocations(200_000)).toBeUndefined();
  expect(attribution(table, fleet, 200_000).attributed).toBe(0);
});

test('a job that Slurm no longer lists has ended, and is kept for a day', () => {
  const { table, fleet } = tableOf();
  table.take({ jobs: [], nodes: [], answeredMs: 16_000, problem: undefined }, WALL_MS + 15_000);
  expect(table.jobOf('hgx01', 'hgx01-0')).toBeUndefined();
  expect(table.find('2')?.endMs).toBe(WALL_MS + 15_000);
  expect(summarizeJobs(table, fleet)).toHaveLength(6);
  table.take({ jobs: [], nodes: [], answeredMs: 17_000, problem: undefined }, WALL_MS + 25 * 3_600_000);
  expect(table.records).toEqual([]);
});

const holder = { pid: 5, command: 'python', started_ms: 1, uid: 2001, user: 'alice' };
const ofJob = (job: string) => ({ kind: 'slurm', job, sluid: '', step: '0' }) as const;

test('a Slurm that falls silent: what agents see goes on under the name that Slurm gave it', () => {
  const { table, fleet, clock, sample } = tableOf();
  const jobs = parseJobs(fixture('jobs-22.05.txt'));
  const nodes = parseNodes(fixture('nodes-22.05.txt'));
  table.take({ jobs, nodes, answeredMs: clock.ms, problem: undefined }, WALL_MS);
  table.takeOwners('hgx01', {
    ...{ devices: [], seen: ['hgx01-0', 'hgx01-6'], pods: null, hints: [] },
    holders: [{ ...holder, uuid: 'hgx01-0', owner: ofJob('2') }],
  });
  const owner = (gpu: number, nowMs: number) => table.ownerOf('hgx01', `hgx01-${gpu}`, nowMs);
  const soon = clock.ms + 2000;
  table.renew(soon, WALL_MS + 2000);
  expect([owner(0, soon).kind, owner(1, soon).kind, owner(6, soon).kind]).toEqual(['job', 'job', 'free']);
  // Two minutes later, and its agent still reports.
  const late = (clock.ms += 200_000);
  sample();
  table.renew(late, WALL_MS + 200_000);
  expect(owner(0, late).jobs).toMatchObject([{ id: '2', user: 'alice', account: 'vision', gpus: { length: 1 } }]);
  expect(owner(1, late)).toMatchObject({ kind: 'unknown', jobs: [] });
  expect(owner(6, late)).toMatchObject({ kind: 'unknown' });
  expect(attribution(table, fleet, late)).toMatchObject({ attributed: 1, gpus: 16 });
  expect(table.allocations(late)?.jobs.map(({ id }) => id)).toEqual(['2']);
  expect(table.allocations(late)?.unscheduled?.size).toBe(2);
  expect(table.find('6')?.endMs).toBeUndefined();
});

test('time on a shared GPU is of the first that has it: of the one that runs, where another is stopped', () => {
  const { table, fleet } = tableOf();
  const [line = ''] = fixture('jobs-22.05.txt').split('\n').slice(1);
  const jobs = parseJobs(
    `${line.replace('JobState=RUNNING', 'JobState=SUSPENDED')}\n${line.replace('JobId=2', 'JobId=77')}`,
  );
  table.take({ jobs, nodes: parseNodes(fixture('nodes-22.05.txt')), answeredMs: 2000, problem: undefined }, WALL_MS);
  const given = table.allocations(3000)?.jobs.map(({ id, gpus }) => [id, gpus.length]);
  expect(given).toEqual([
    ['2', 0],
    ['77', 4],
  ]);
  expect(table.find('2')?.gpus).toHaveLength(4);
  expect(attribution(table, fleet, 3000).attributed).toBe(16);
});

test('who waits wants the models of the nodes that it could run on', () => {
  const wanted = (change: (line: string) => string): readonly string[] => {
    const { table } = tableOf();
    const line =
      fixture('jobs-22.05.txt')
        .split('\n')
        .find((one) => one.startsWith('JobId=8 ')) ?? '';
    const nodes = parseNodes(fixture('nodes-22.05.txt'));
    table.take({ jobs: parseJobs(change(line)), nodes, answeredMs: 2000, problem: undefined }, WALL_MS);
    return [...(table.allocations(3000)?.wantedModels ?? [])];
  };
  expect(wanted((line) => line)).toEqual(['Tesla V100']);
  expect(wanted((line) => line.replace('gres:gpu:8', 'gres:gpu:v100:8'))).toEqual(['Tesla V100']);
  expect(wanted((line) => line.replace('gres:gpu:8', 'gres:gpu:h100:8'))).toEqual([]);
  expect(wanted((line) => line.replace('Partition=gpu', 'Partition=other'))).toEqual([]);
  expect(wanted((line) => line.replace('Reason=Resources', 'Reason=Dependency'))).toEqual([]);
});

test('GPUs that no agent shows are counted', () => {
  expect(tableOf(4).table.find('2')).toMatchObject({ unknownGpus: 1, gpus: { length: 3 } });
});

test('nodes that are drained are out as planned', () => {
  const { table } = tableOf();
  const drained = parseNodes(fixture('nodes-22.05.txt').replace('State=MIXED', 'State=MIXED+DRAIN'));
  table.take({ jobs: [], nodes: drained, answeredMs: 1, problem: undefined }, WALL_MS);
  expect(table.allocations(2)?.planned).toEqual(new Set(['hgx01']));
});

test.each([
  [
    { kind: 'done', exitCode: 1, stdout: '', stderr: 'Unable to contact slurm controller' },
    /ended with 1: Unable to contact/,
  ],
  [{ kind: 'timed_out' }, /did not answer in time/],
  [{ kind: 'not_started', code: 'ENOENT', message: 'no such file' }, /cannot be started: no such file/],
  [{ kind: 'done', exitCode: 0, stdout: 'nonsense', stderr: '' }, /does not begin with/],
] as const)('a scontrol that fails is told, and asked again: %#', async (result, problem) => {
  const states: (string | undefined)[] = [];
  let answer: unknown = result;
  const poller = new SlurmPoller({
    ...{ intervalMs: 15_000, nowMs: () => 5, log: silentLog },
    source: createScontrolSource({
      ...{ scontrol: 'scontrol', slurmConf: undefined },
      runner: { run: () => Promise.resolve(answer as never) },
    }),
    onAnswer: ({ problem: told }) => states.push(told),
  });
  await poller.ask();
  expect(states[0]).toMatch(problem);
  answer = { kind: 'done', exitCode: 0, stdout: 'No jobs in the system', stderr: '' };
  await poller.ask();
  expect(states[1]).toBeUndefined();
});

test('scontrol is looked for on the path, or where it is said to be', () => {
  expect(findScontrol('off', '/bin')).toBeUndefined();
  expect(findScontrol('auto', '/nowhere')).toBeUndefined();
  expect(findScontrol('/opt/slurm/bin/scontrol', undefined)).toBe('/opt/slurm/bin/scontrol');
  expect(findScontrol('/usr/bin', undefined)).toBe('/usr/bin/scontrol');
});

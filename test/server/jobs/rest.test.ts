// What slurmrestd of a Slurm 22.05 said, recorded by us beside scontrol's word; the shapes of later versions; the way to ask.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SlurmError } from '../../../server/jobs/slurm/model.ts';
import { createRestSource } from '../../../server/jobs/slurm/rest-client.ts';
import { readRestJobs, readRestNodes } from '../../../server/jobs/slurm/rest.ts';
import { parseJobs, parseNodes } from '../../../server/jobs/slurm/scontrol.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../../fixtures/slurm', name), 'utf8');
const parsed = (name: string): unknown => JSON.parse(fixture(name));

describe('slurmrestd', () => {
  test('tells of jobs what scontrol tells', () => {
    const byTool = new Map(parseJobs(fixture('jobs-22.05.txt')).map((job) => [job.id, job]));
    const jobs = readRestJobs(parsed('rest-jobs-22.05.json'));
    expect(jobs.map(({ id }) => id).toSorted()).toEqual([...byTool.keys()].toSorted());
    for (const job of jobs) {
      const other = byTool.get(job.id);
      if (!other) throw new Error(`scontrol does not tell of job ${job.id}`);
      // What has no limit ends in a year by the one, and never by the other; what waits has a guess for its start.
      const guessed = { startMs: undefined, endMs: undefined, timeLimitS: undefined };
      expect({ ...job, ...guessed }).toEqual({ ...other, ...guessed });
      if (job.state !== 'PENDING') expect(job.startMs, job.id).toBe(other.startMs);
      if (other.timeLimitS !== undefined && job.timeLimitS !== undefined)
        expect([job.timeLimitS, job.endMs]).toEqual([other.timeLimitS, other.endMs]);
    }
    expect(jobs.find(({ id }) => id === '2')?.timeLimitS).toBe(4 * 3600);
  });

  test('tells of nodes what scontrol tells', () => {
    expect(readRestNodes(parsed('rest-nodes-22.05.json'))).toEqual(parseNodes(fixture('nodes-22.05.txt')));
  });

  test('later shapes: numbers with a flag, states in a list, a drained node', () => {
    const number = (value: number) => ({ set: true, infinite: false, number: value });
    const [job] = readRestJobs({
      jobs: [
        {
          ...{
            job_id: 9,
            sluid: 'sEKNKTV3WPV500',
            array_job_id: number(8),
            array_task_id: number(3),
            user_name: 'eve',
          },
          ...{ job_state: ['RUNNING', 'CONFIGURING'], start_time: number(1_800_000_000), nodes: 'n[1-2]' },
          ...{
            end_time: { set: false, infinite: false, number: 0 },
            time_limit: { set: true, infinite: true, number: 0 },
          },
          ...{ node_count: number(2), cpus: number(64), gres_detail: ['gpu:h100:2(IDX:0,3)', 'gpu:h100:1(IDX:7)'] },
          ...{ tres_alloc_str: 'cpu=64,gres/gpu:h100=3,gres/gpu=3', restart_cnt: 2 },
        },
      ],
    });
    expect(job).toMatchObject({
      ...{ id: '9', displayId: '8_3', arrayJobId: '8', sluid: 'sEKNKTV3WPV500', user: 'eve', state: 'RUNNING' },
      ...{ startMs: 1_800_000_000_000, endMs: undefined, timeLimitS: undefined, nodes: 2, cpus: 64, restarts: 2 },
      ...{ requestedGpus: 3, gpuType: 'h100' },
      gpus: [
        { node: 'n1', places: [0, 3] },
        { node: 'n2', places: [7] },
      ],
    });
    const [node] = readRestNodes({
      nodes: [{ name: 'n1', state: ['IDLE', 'DRAIN'], reason: 'fan', partitions: ['gpu'] }],
    });
    expect(node).toMatchObject({ state: 'IDLE+DRAIN', reason: 'fan', partitions: ['gpu'] });
  });

  test.each([null, [], {}, { jobs: 5 }, { jobs: [{}] }])('%j is refused', (answer) => {
    expect(() => readRestJobs(answer)).toThrow(SlurmError);
  });
});

describe('asking', () => {
  let folder: string;
  let server: Server | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'whyidle-rest-'));
  });
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function listen(answer: RequestListener): Promise<string> {
    const socket = join(folder, 'rest.sock');
    server = createServer(answer);
    await new Promise<void>((resolve) => server?.listen(socket, resolve));
    return `unix:${socket}`;
  }

  test('the newest version that is spoken, with the token of now', async () => {
    const asked: string[] = [];
    const tokens = new Set<string>();
    const url = await listen((request, response) => {
      asked.push(request.url ?? '');
      tokens.add(`${String(request.headers['x-slurm-user-name'])} ${String(request.headers['x-slurm-user-token'])}`);
      const [, version, what = ''] = /^\/slurm\/v0\.0\.(\d+)\/(.*)$/.exec(request.url ?? '') ?? [];
      if (version !== '40' && version !== '38') response.writeHead(404).end();
      else response.end(what === 'ping' ? '{}' : fixture(`rest-${what}-22.05.json`));
    });
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'SLURM_JWT=abc\n');
    const source = createRestSource({ url, tokenFile, user: 'watcher' });
    expect(await source.jobs()).toHaveLength(10);
    expect(await source.nodes()).toHaveLength(2);
    expect(asked.slice(-3)).toEqual(['/slurm/v0.0.40/ping', '/slurm/v0.0.40/jobs', '/slurm/v0.0.40/nodes']);
    expect([...tokens]).toEqual(['watcher abc']);
    writeFileSync(tokenFile, 'def');
    await source.jobs();
    expect(tokens.has('watcher def')).toBe(true);
  });

  test.each<[string, RequestListener, RegExp]>([
    ['refuses the token', (_, response) => void response.writeHead(401).end(), /refuses the token/],
    ['is something else', (_, response) => void response.writeHead(404).end(), /none of the versions/],
    [
      'speaks no JSON',
      (request, response) => void response.end(request.url?.endsWith('ping') ? '{}' : '<html>'),
      /no JSON/,
    ],
    ['hangs up', (_, response) => void response.destroy(), /cannot be reached/],
  ])('one that %s', async (_, answer, reason) => {
    const source = createRestSource({ url: await listen(answer), tokenFile: undefined, user: undefined });
    const failure = source.jobs();
    await expect(failure).rejects.toThrow(SlurmError);
    await expect(failure).rejects.toThrow(reason);
  });

  test('nobody there; no token to be read', async () => {
    const nobody = { url: `unix:${join(folder, 'nobody')}`, tokenFile: undefined, user: undefined };
    await expect(createRestSource(nobody).jobs()).rejects.toThrow(/cannot be reached/);
    const source = createRestSource({ ...nobody, tokenFile: join(folder, 'none') });
    await expect(source.jobs()).rejects.toThrow(/token in .* cannot be read/);
  });
});

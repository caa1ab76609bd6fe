// From the processes of a node and the words of Slurm and the kubelet to the API and the metrics page, and over a restart: agents read
// trees whose GPUs a stand-in for nvidia-smi shows, with a process on every GPU but the first.
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FleetSummary, JobAnswer, JobsAnswer } from '#server/contract';
import { startAgent, type RunningAgent } from '../../agent/agent.ts';
import { noGpuSources } from '../../agent/collectors/collector.ts';
import { silentLog as silentAgent } from '../../agent/log.ts';
import { silentLog } from '../../server/log.ts';
import { startServer, type RunningServer } from '../../server/main.ts';
import { writeTree } from '../corpus/write-tree.ts';
import { uuidOf } from '../doubles/nvidia-smi/cells.ts';
import { writeNvidiaSmi } from '../doubles/nvidia-smi/program.ts';
import { startKubelet, tells } from '../doubles/pod-resources.ts';
import { defaultConfig } from '../server/stand-in.ts';
import { json, until } from './program.ts';

const fixtures = join(import.meta.dirname, '../fixtures/slurm');
/** The stand-in has it on the second GPU; the following ones count on. */
const FIRST_PID = 4000;

let folder: string;
const closing: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whyidle-attribution-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** By GPU: the cgroup of its process and its user; undefined for a process that cannot be seen. */
type Holders = readonly (readonly [cgroup: string, uid: number] | undefined)[];

async function runAgent(
  server: RunningServer,
  node: string,
  holders: Holders,
  podSocket?: string,
): Promise<RunningAgent> {
  const root = join(folder, node);
  writeTree(root, {
    'etc/passwd': 'alice:x:2001:1::/:/bin/sh\nbob:x:2002:1::/:/bin/sh\n',
    'proc/stat': 'cpu 1 1 1 1\n',
  });
  for (const [at, holder] of holders.entries()) {
    if (!holder) continue;
    const pid = FIRST_PID + at;
    const [cgroup, uid] = holder;
    writeTree(root, {
      [`proc/${pid}/stat`]: `${pid} (python) S 1 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 5 0 0 0\n`,
      [`proc/${pid}/status`]: `PPid:\t1\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`,
      [`proc/${pid}/comm`]: 'python\n',
      [`proc/${pid}/cgroup`]: `0::${cgroup}\n`,
    });
  }
  const agent = await startAgent({
    ...{ node, root, intervalMs: 200, server: server.url, listen: undefined, compat: [], log: silentAgent },
    gpuSources: { ...noGpuSources, nvidiaSmi: writeNvidiaSmi(folder, 'ok') },
    inventoryProbe: undefined,
    owners: { podSocket, hintFolders: [], nvidiaSmi: undefined },
  });
  closing.push(() => agent.stop());
  return agent;
}

async function runServer(): Promise<RunningServer> {
  const scontrol = join(folder, 'scontrol');
  cpSync(fixtures, join(folder, 'slurm'), { recursive: true });
  // Only what it has of this node.
  writeFileSync(scontrol, `#!/bin/sh\nexec cat "${folder}/slurm/$2s-22.05.txt"\n`);
  chmodSync(scontrol, 0o755);
  return startServer({
    config: { ...defaultConfig, 'jobs.scontrol': scontrol },
    folder: join(folder, 'state'),
    webFolder: join(folder, 'no-web'),
    log: silentLog,
  });
}

const job = (id: number): string => `/system.slice/slurmstepd.scope/job_${id}/step_0/user/task_0`;
const container = 'f'.repeat(64);

describe('attribution', () => {
  test('from processes, Slurm and pods to the page and the API, and over a restart', async () => {
    mkdirSync(join(folder, 'kubelet'));
    const socket = join(folder, 'kubelet', 'sock');
    const devices = [{ resource: 'nvidia.com/gpu', ids: [uuidOf(0), uuidOf(1)] }];
    const kubelet = await startKubelet(
      socket,
      tells([{ namespace: 'ml', pod: 'train-0', containers: [{ name: 'main', devices }] }]),
    );
    closing.push(() => kubelet.close());
    let server = await runServer();
    closing.push(() => server.stop());

    await runAgent(server, 'hgx01', [
      ...([
        [job(2), 2001],
        [job(6), 2001],
        [job(6), 2001],
        [job(6), 2001],
        ['/user.slice', 2002],
      ] as const),
      ...([[`/system.slice/docker-${container}.scope`, 2002], undefined] as const),
    ]);
    await runAgent(server, 'pod01', [[`/kubepods/pod0a1b2c3d-0000-1111-2222-333344445555/${container}`, 0]], socket);
    const fleet = () => json<FleetSummary>(`${server.url}/api/v1/fleet`);
    // Six processes of the pods' node cannot be seen, and one of the other's.
    const attribution = await until('attribution', async () => {
      const { attribution: told } = await fleet();
      return told.attributed === 9 ? told : undefined;
    });
    expect(attribution).toEqual({
      ...{ gpus: 16, attributed: 9, problem: 'a process that the agent may not look at' },
      reasons: [{ reason: 'a process that the agent may not look at', gpus: 7, nodes: ['hgx01', 'pod01'] }],
      text: '56 % attributed, 7 GPUs: a process that the agent may not look at',
    });

    const page = await (await fetch(`${server.url}/metrics`)).text();
    const info = [
      ...page.matchAll(
        /^whyidle_gpu_job_info\{node="(\w+)",gpu="(\d)",uuid="[^"]*",job_id="([^"]*)",.*user="([^"]*)",account="([^"]*)",.*scheduler="(\w+)"\} 1$/gm,
      ),
    ];
    expect(info.map(([, ...words]) => words.join(' '))).toEqual([
      ...['hgx01 0 2 alice vision slurm', 'hgx01 1 2 alice vision slurm', 'hgx01 2 6 alice vision slurm'],
      ...['hgx01 3 6 alice vision slurm', 'hgx01 4 6 alice vision slurm', 'hgx01 5 10 bob nlp slurm'],
      ...[`hgx01 6 ${container.slice(0, 12)} bob  container`],
      ...['pod01 0 ml/train-0  ml kubernetes', 'pod01 1 ml/train-0  ml kubernetes'],
    ]);
    expect(page).toContain('\nwhyidle_attribution_coverage_ratio 0.5625\n');
    expect(page.match(/^whyidle_gpu_attributed\{.*\} 1$/gm)).toHaveLength(9);

    const { jobs, pending } = await json<JobsAnswer>(`${server.url}/api/v1/jobs`);
    expect(jobs.filter(({ user }) => user === 'alice').map(({ id, unknown_gpus: unknown }) => [id, unknown])).toEqual([
      ['2', 2],
      ['6', 0],
    ]);
    expect(pending.map(({ display_id: id, requested_gpus: gpus, reason }) => [id, gpus, reason])).toEqual([
      ['3_2', 1, 'JobArrayTaskLimit'],
      ['8', 16, 'Resources'],
    ]);
    const pod = await json<JobAnswer>(`${server.url}/api/v1/jobs/${encodeURIComponent('ml/train-0')}`);
    expect(pod).toMatchObject({ scheduler: 'kubernetes', account: 'ml', gpus: { length: 2 }, runs: { length: 1 } });

    // Slurm loses its memory while the server is down: the job of before is known all the same.
    const { port } = server;
    await server.stop();
    writeFileSync(join(folder, 'slurm/jobs-22.05.txt'), 'No jobs in the system\n');
    writeFileSync(join(folder, 'scontrol'), '#!/bin/sh\nexit 1\n');
    server = await startServer({
      config: {
        ...defaultConfig,
        'jobs.scontrol': join(folder, 'scontrol'),
        'server.listen': { host: '127.0.0.1', port },
      },
      folder: join(folder, 'state'),
      webFolder: join(folder, 'no-web'),
      log: silentLog,
    });
    const before = await json<JobAnswer>(`${server.url}/api/v1/jobs/6`);
    expect(before).toMatchObject({ user: 'alice', state: 'RUNNING', end_ms: null, gpus: { length: 3 } });
    expect(before.held_gpu_seconds).toBeGreaterThan(0);
    // The agents come back and tell again: the cgroups name the jobs that Slurm does not.
    const again = await until('the agents', async () => {
      const { attribution: told } = await fleet();
      return told.attributed >= 7 ? told : undefined;
    });
    expect(again.reasons.map(({ reason }) => reason)).toContain('scontrol ended with 1');
  }, 60_000);
});

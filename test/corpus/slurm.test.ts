// Slurm, kubelet and gres.conf over the recordings of ../shared/corpus/slurm: what each says of jobs, nodes, places and processes.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { podsWithGpus } from '../../agent/owners/pod-watch.ts';
import { findProcessOwner } from '../../agent/owners/process-owner.ts';
import { parseMigParents } from '../../agent/parse/nvidia-smi-list.ts';
import { parsePodResources } from '../../agent/parse/pod-resources.ts';
import { Tree } from '../../agent/sources/tree.ts';
import { parseGresConf } from '../../server/jobs/slurm/gres-conf.ts';
import { SlurmError, type SlurmJob } from '../../server/jobs/slurm/model.ts';
import { readRestJobs, readRestNodes } from '../../server/jobs/slurm/rest.ts';
import { parseJobs, parseNodes } from '../../server/jobs/slurm/scontrol.ts';
import { encodePods } from '../doubles/pod-resources.ts';
import { corpusDirectory, hasCorpus, layOutInto, type LaidOut } from './loader.ts';

const present = hasCorpus('corpus/slurm');
const slurm = join(corpusDirectory, 'slurm');
const ours = join(slurm, 'recorded-22.05-debian12');
const text = (file: string): string => readFileSync(join(slurm, file), 'utf8');
const json = (file: string): unknown => JSON.parse(text(file));

let tree: LaidOut | undefined;
afterEach(() => {
  tree?.remove();
  tree = undefined;
});

const placesOf = (jobs: readonly SlurmJob[], id: string) =>
  jobs.find((job) => job.id === id)?.gpus.map(({ node, places }) => `${node} ${places.join(',')}`);

describe.skipIf(!present)('scontrol', () => {
  it('each world’s jobs with the places of their GPUs', () => {
    const v1 = parseJobs(text('recorded-22.05-debian12/scontrol-show-job-o-d.txt'));
    expect(Object.fromEntries(v1.map(({ id }) => [id, placesOf(v1, id)]))).toEqual({
      1: ['hgx02 0,1,2'],
      2: ['hgx01 0,1', 'hgx02 3,4'],
      3: [],
      4: ['hgx02 5'],
      5: ['hgx02 6'],
      6: ['hgx01 2,3,4'],
      7: [],
      8: [],
      9: [],
      10: ['hgx01 5'],
    });
    const v2 = parseJobs(text('recorded-22.05-debian12/cgroup-v2/scontrol-show-job-o-d.txt'));
    expect(v2.map(({ id }) => placesOf(v2, id))).toEqual([
      ['hgx02 0,1,2'],
      ['hgx01 0,1', 'hgx02 3,4'],
      ['hgx01 2,3,4'],
    ]);
    expect(v2.map(({ account }) => account)).toEqual(['', '', '']);
  });

  it('cut anywhere it is refused, or tells of no GPU that was not given', () => {
    const whole = text('recorded-22.05-debian12/scontrol-show-job-o-d.txt');
    const places = new Set(parseJobs(whole).flatMap(({ id, gpus }) => gpus.map((one) => `${id} ${one.node}`)));
    for (let end = 0; end < whole.length; end += 13) {
      const jobs = orRefused(() => parseJobs(whole.slice(0, end)));
      if (jobs === 'refused') continue;
      for (const { id, gpus } of jobs.slice(0, -1)) {
        for (const { node } of gpus) expect(places.has(`${id} ${node}`), `cut at ${end}`).toBe(true);
      }
    }
  });

  it('nodes of a 24.11 with two types of GPUs; partitions are no nodes', () => {
    const nodes = parseNodes(text('sckyzo/slurm-24.11.7/scontrol_nodes.txt'));
    expect(nodes).toHaveLength(20);
    expect(nodes.find(({ name }) => name === 'nb10')).toEqual({
      ...{ name: 'nb10', host: 'nb10', state: 'IDLE+DYNAMIC_NORM', reason: '', gres: 'gpu:model_a:2,gpu:model_b:2' },
      partitions: ['gpu'],
    });
    expect(nodes.filter(({ gres }) => gres.includes('gpu'))).toHaveLength(10);
    expect(orRefused(() => parseNodes(text('gcm/sample-scontrol-output.txt')))).toBe('refused');
  });
});

describe.skipIf(!present)('JSON', () => {
  const told = (file: string): readonly SlurmJob[] => readRestJobs(json(`recorded-22.05-debian12/${file}`));

  it('slurmrestd in both of its versions and squeue tell the same', () => {
    const rest = told('slurmrestd-v0.0.38-jobs.json');
    expect(told('slurmrestd-v0.0.37-jobs.json')).toEqual(rest);
    expect(told('squeue.json')).toEqual(rest);
    expect(placesOf(rest, '2')).toEqual(['hgx01 0,1', 'hgx02 3,4']);
    const nodes = parseNodes(text('recorded-22.05-debian12/scontrol-show-node-o-d.txt'));
    expect(readRestNodes(json('recorded-22.05-debian12/slurmrestd-v0.0.38-nodes.json'))).toEqual(nodes);
    expect(readRestNodes(json('recorded-22.05-debian12/sinfo.json'))).toEqual(nodes);
  });

  it('a 21.08, whose nodes of a job are an object', () => {
    const jobs = readRestJobs(json('rivos/squeue_out.json'));
    expect(jobs.map(({ state }) => state).toSorted()).toEqual(['PENDING', 'RUNNING']);
    const running = jobs.find(({ state }) => state === 'RUNNING');
    expect(running).toMatchObject({
      ...{ id: '26515966', account: 'account1', partition: 'hw-l', cpus: 1, requestedGpus: 0, gpus: [] },
      ...{ timeLimitS: 30_240 * 60, startMs: 1_684_114_921_000 },
    });
    const states = new Set(readRestNodes(json('rivos/sinfo_out.json')).map(({ state }) => state.split('+')[0]));
    expect(states).toEqual(new Set(['MIXED', 'DOWN', 'ALLOCATED', 'IDLE']));
  });
});

describe.skipIf(!present)('processes', () => {
  /** What Slurm itself wrote down: the processes in the cgroup of each job. */
  function truthOf(): ReadonlyMap<number, string> {
    const lines = text('recorded-22.05-debian12/cgroup-v1/cgroup.procs.txt').split('\n');
    return new Map(
      lines.flatMap((line) => {
        const [, job, pids = ''] = /\/job_(\d+)\/[^:]*cgroup\.procs: (.*)$/.exec(line) ?? [];
        return job === undefined
          ? []
          : pids
              .split(' ')
              .filter(Boolean)
              .map((pid) => [Number(pid), job] as const);
      }),
    );
  }

  function jobOf(root: Tree, pid: number): string | undefined {
    const owner = findProcessOwner(root, pid)?.owner;
    return owner?.kind === 'slurm' ? owner.job : undefined;
  }

  it('cgroup v1: each process is of the job whose cgroup lists it; its user is that of the job', () => {
    const truth = truthOf();
    const root = new Tree(join(ours, 'cgroup-v1'));
    const pids = readdirSync(join(ours, 'cgroup-v1/proc')).map(Number);
    const listed = pids.filter((pid) => truth.has(pid));
    expect(listed.length).toBeGreaterThan(15);
    for (const pid of listed) expect(jobOf(root, pid), String(pid)).toBe(truth.get(pid));
    expect(findProcessOwner(root, 18956)).toMatchObject({
      command: 'sleep',
      uid: 2001,
      owner: { job: '2', step: '0' },
    });
    expect(findProcessOwner(root, 18906)).toMatchObject({ uid: 2002, owner: { job: '1', step: 'batch' } });
  });

  it('without cgroups the slurmstepd above tells the same', () => {
    const truth = truthOf();
    tree = layOutInto((directory) => {
      cpSync(join(ours, 'cgroup-v1/proc'), join(directory, 'proc'), { recursive: true });
      for (const pid of readdirSync(join(directory, 'proc'))) {
        const file = join(directory, 'proc', pid, 'cgroup');
        rmSync(file);
        writeFileSync(file, '0::/\n');
      }
    });
    const root = new Tree(tree.root);
    const pids = readdirSync(join(tree.root, 'proc')).map(Number);
    const users = pids.filter((pid) => truth.has(pid) && findProcessOwner(root, pid)?.uid !== 0);
    expect(users.length).toBeGreaterThan(15);
    for (const pid of users) expect(jobOf(root, pid), String(pid)).toBe(truth.get(pid));
  });

  it('cgroup v2: a rank of job 2 on each of two nodes, both steps of job 3', () => {
    const root = new Tree(join(ours, 'cgroup-v2'));
    const of = (pid: number) => findProcessOwner(root, pid)?.owner;
    expect([341, 343, 380, 381].map(of)).toEqual([
      { kind: 'slurm', job: '2', sluid: '', step: '0' },
      { kind: 'slurm', job: '2', sluid: '', step: '0' },
      { kind: 'slurm', job: '3', sluid: '', step: '0' },
      { kind: 'slurm', job: '3', sluid: '', step: '1' },
    ]);
  });
});

describe.skipIf(!present)('nvidia-smi -L', () => {
  it('the instances of an H100 are parts of it', () => {
    const parents = parseMigParents(
      readFileSync(join(corpusDirectory, 'gpu/captures/h100-mig-590.48/list-L.txt'), 'utf8'),
    );
    expect(parents.get('MIG-00000001-0000-0000-0000-000000000001')).toBe('GPU-00000000-0000-0000-0000-000000000000');
    expect(parents.size).toBeGreaterThanOrEqual(4);
  });
});

describe.skipIf(!present)('ceems', () => {
  it('a list of whole GPUs and parts: a place that is a part is no GPU', () => {
    expect(parseGresConf(text('ceems/gres.conf'))('any')).toEqual([
      ...['/dev/nvidia0', '/dev/nvidia1', '/dev/nvidia-caps/nvidia-cap283', '/dev/nvidia-caps/nvidia-cap319'],
      ...['/dev/nvidia-caps/nvidia-cap391', '/dev/nvidia-caps/nvidia-cap418', '/dev/nvidia-caps/nvidia-cap454'],
      ...['/dev/nvidia-caps/nvidia-cap463', '/dev/nvidia4', '/dev/nvidia5', '/dev/nvidia6', '/dev/nvidia7'],
    ]);
  });

  it('pods, whole and shared', () => {
    const { pod_resources } = v.parse(podsSchema, json('ceems/k8s-nvidia-pod-resources.json'));
    const encoded = encodePods(
      pod_resources.map(({ name, namespace, containers }) => ({
        ...{ pod: name, namespace },
        containers: containers.map((one) => ({
          name: one.name,
          devices: (one.devices ?? []).map(({ resource_name: resource, device_ids: ids }) => ({ resource, ids })),
        })),
      })),
    );
    const pods = podsWithGpus(parsePodResources(encoded));
    const of = (container: string) => pods.filter((pod) => pod.container === container).map(({ devices }) => devices);
    expect(of('cont111')).toEqual([
      ['GPU-f124aa59-d406-d45b-9481-8fcd694e6c9e', 'GPU-61a65011-6571-a6d2-5ab8-66cbb6f7f9c3'],
    ]);
    expect(of('cont211')).toEqual([['MIG-4894e267-46d0-557e-b826-500e978d88d1']]);
    expect(of('cont222')).toEqual([
      ['GPU-61a65011-6571-a6d2-5th8-66cbb6f7f9c3'],
      ['MIG-017c61e4-656c-5059-b7b1-276506580e3c'],
    ]);
    expect(new Set(pods.map(({ namespace, pod }) => `${namespace}/${pod}`))).toEqual(
      new Set(['ns1/pod11', 'ns2/pod21', 'ns2/pod22', 'ns3/pod31']),
    );
  });
});

const podsSchema = v.object({
  pod_resources: v.array(
    v.object({
      name: v.string(),
      namespace: v.string(),
      containers: v.array(
        v.object({
          name: v.string(),
          devices: v.optional(v.array(v.object({ resource_name: v.string(), device_ids: v.array(v.string()) }))),
        }),
      ),
    }),
  ),
});

function orRefused<T>(parse: () => T): T | 'refused' {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SlurmError) return 'refused';
    throw error;
  }
}

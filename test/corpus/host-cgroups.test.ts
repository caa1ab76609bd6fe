// Cgroups of jobs over the recordings of ../shared/corpus/slurm: whose every path is, and what each job used.
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { absent, isAbsent } from '#agent/contract';
import { readCgroup } from '../../agent/collectors/jobs/cgroup.ts';
import { jobs } from '../../agent/collectors/jobs.ts';
import { ownerOfCgroups, parseCgroupFile } from '../../agent/parse/cgroup.ts';
import { ParseError } from '../../agent/parse/parse-error.ts';
import { TaskStatParser } from '../../agent/parse/task-stat.ts';
import { Tree } from '../../agent/sources/tree.ts';
import { readAll, startReading } from '../doubles/reading.ts';
import { corpusDirectory, hasCorpus, layOutInto, type LaidOut } from './loader.ts';
import { unpackTtar } from './ttar.ts';
import { writeTree } from './write-tree.ts';

const present = hasCorpus('corpus/slurm cgroups');
const recorded = join(corpusDirectory, 'slurm/recorded-22.05-debian12');
const text = (file: string): string => readFileSync(join(recorded, file), 'utf8');

let tree: LaidOut | undefined;
afterEach(() => {
  tree?.remove();
  tree = undefined;
});

/** `== path`, then the file's lines. */
function layOutValues(file: string): LaidOut {
  const parts = text(file).split(/^== /m).slice(1);
  const files = parts.map((part) => {
    const end = part.indexOf('\n');
    return [part.slice(0, end), part.slice(end + 1)] as const;
  });
  return (tree = layOutInto((root) => {
    writeTree(root, Object.fromEntries(files));
  }));
}

describe.skipIf(!present).each(['cgroup-v1', 'cgroup-v2'])('%s', (world) => {
  const pids = present ? readdirSync(join(recorded, world, 'proc')) : [];

  it('every process but the daemons is of a job of one of the two nodes', () => {
    const owners = pids.map((pid) => {
      const path = `${world}/proc/${pid}/cgroup`;
      return ownerOfCgroups(parseCgroupFile(text(path), path));
    });
    expect(new Set(owners.map(({ kind }) => kind)).has('slurm')).toBe(true);
    for (const owner of owners) {
      if (owner.kind !== 'slurm') continue;
      expect(owner).toMatchObject({ sluid: undefined, jobId: expect.stringMatching(/^[1-7]$/) as string });
      expect(['hgx01', 'hgx02', undefined]).toContain(owner.node);
    }
  });

  it('their stat files, whole and cut at every byte', () => {
    for (const pid of pids) {
      const path = `${world}/proc/${pid}/stat`;
      const whole = text(path);
      const { startTicks } = new TaskStatParser().parse(Buffer.from(whole), path);
      expect(startTicks, path).toBe(Number(whole.slice(whole.lastIndexOf(')') + 2).split(' ')[19]));
      for (let end = 0; end < whole.length; end++) {
        const start = startOrRefused(whole.slice(0, end));
        expect([startTicks, 'refused'], `${path} ${end}`).toContain(start);
      }
    }
  });
});

function startOrRefused(content: string): number | string {
  try {
    return new TaskStatParser().parse(Buffer.from(content), 'f').startTicks;
  } catch (error) {
    if (error instanceof ParseError) return 'refused';
    throw error;
  }
}

describe.skipIf(!present)('recorded processes', () => {
  it('rank of job 2 on hgx02, cgroup v1', () => {
    const owner = ownerOfCgroups(parseCgroupFile(text('cgroup-v1/proc/18956/cgroup'), 'f'));
    expect(owner).toEqual({ kind: 'slurm', node: 'hgx02', uid: 2001, jobId: '2', sluid: undefined, step: '0' });
  });
});

describe.skipIf(!present)('cgroup_exporter', () => {
  it('jobs of both worlds, and one reading of a step', async () => {
    tree = layOutInto((root) => {
      unpackTtar(readFileSync(join(corpusDirectory, 'slurm/treydock/cgroup_exporter-fixtures.ttar'), 'utf8'), root);
      mkdirSync(join(root, 'sys/fs'), { recursive: true });
      renameSync(join(root, 'fixtures'), join(root, 'sys/fs/cgroup'));
    });
    const reading = startReading(jobs, tree.root);
    await readAll(reading);
    const of = (job: string) =>
      (['job_cpu_seconds_total', 'job_cpus', 'job_memory_bytes', 'job_oom_kills_total'] as const).map((id) =>
        reading.value(id, { job_id: job }),
      );
    expect(of('4')).toEqual([126686, 1, 5660672, 0]);
    // Their kernel counts no kills; nanoseconds.
    expect(of('10')).toEqual([7710, 2, 356352, 'unsupported']);
    expect(of('11').slice(0, 3)).toEqual([33146523011, 40, 6126714880]);
    const step = readCgroup(new Tree(tree.root), '/system.slice/slurmstepd.scope/job_4/step_0/user/task_0');
    expect(isAbsent(step.cpu)).toBe(false);
    expect(readCgroup(new Tree(tree.root), '/system.slice/slurmstepd.scope/job_5').cpu).toEqual(absent('unsupported'));
  });
});

describe.skipIf(!present)('jobs', () => {
  it('cgroup v2: the first node’s job 2, and job 3', async () => {
    const reading = startReading(jobs, layOutValues('cgroup-v2/values.txt').root);
    await readAll(reading);
    const of = (job: string) =>
      (
        [
          'job_cpu_seconds_total',
          'job_cpu_throttled_seconds_total',
          'job_cpus',
          'job_pressure_cpu_waiting_seconds_total',
          'job_pressure_io_stalled_seconds_total',
          'job_memory_bytes',
          'job_oom_kills_total',
        ] as const
      ).map((id) => reading.value(id, { job_id: job }));
    expect(of('2')).toEqual([872590, 0, 2, 186312, 0, 6189056, 0]);
    const shown = new Set(reading.snapshot.series.map(({ labels }) => labels[0]));
    expect([...shown].toSorted()).toEqual(expect.arrayContaining(['1', '2', '3']));
    // The recording has no io.stat of the jobs: not zero, but not known.
    expect(reading.value('job_io_read_bytes_total', { job_id: '2' })).toBe('unsupported');
  });

  it('cgroup v1: time in nanoseconds, no pressure', async () => {
    const reading = startReading(jobs, layOutValues('cgroup-v1/values.txt').root);
    await readAll(reading);
    const cpu = ['1', '2', '4', '5', '6', '7'].map((job) => reading.value('job_cpu_seconds_total', { job_id: job }));
    expect(cpu).toEqual([2374, 14929, 2019, 2037, 28868, 1702]);
    expect(reading.value('job_pressure_io_stalled_seconds_total', { job_id: '6' })).toBe('unsupported');
    expect(reading.value('job_oom_kills_total', { job_id: '6' })).toBe(0);
  });
});

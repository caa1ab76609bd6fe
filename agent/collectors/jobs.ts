// Jobs of Slurm by their cgroups: pressure, CPU, memory and disk traffic of each, from its start to its end.
// Documentation/admin-guide/cgroup-v2.rst; Slurm's cgroup plugins for where a job's cgroup is.
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, Reader, ReadLane, ReadResult } from './collector.ts';
import { CGROUP_ROOT } from './jobs/cgroup-use.ts';
import { findJobCgroups } from './jobs/find.ts';
import { Job } from './jobs/job.ts';

export const jobs: Collector = { area: 'jobs', start: (context) => new JobsReader(context) };

class JobsReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #jobs = new Map<string, Job>();

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('jobs', context);
  }

  discover(): void {
    this.#find();
  }

  read(lane: ReadLane): ReadResult {
    switch (lane) {
      case 'fast':
        for (const job of this.#jobs.values()) job.readFast();
        return 'ok';
      case 'medium':
        this.#find();
        for (const job of this.#jobs.values()) job.readMedium();
        return 'ok';
      case 'slow':
        return 'ok';
    }
  }

  stop(): void {
    for (const job of this.#jobs.keys()) this.#remove(job);
    this.#presence.remove();
  }

  /** Jobs begin and end all day: a few directories are listed every five ticks. */
  #find(): void {
    const { tree } = this.#context;
    const { paths, hasSlurm } = findJobCgroups(tree);
    for (const [name, job] of this.#jobs) if (paths.get(name) !== job.path) this.#remove(name);
    for (const [name, path] of paths) if (!this.#jobs.has(name)) this.#add(name, path);
    this.#presence.set(
      hasSlurm ? undefined : tree.exists(CGROUP_ROOT) ? 'not_present' : 'unsupported',
      'no cgroup of slurmd is here',
    );
  }

  /** What is new has its values from the start. */
  #add(name: string, path: string): void {
    const job = new Job(this.#context, name, path);
    this.#jobs.set(name, job);
    job.readFast();
    job.readMedium();
  }

  #remove(name: string): void {
    this.#jobs.get(name)?.remove();
    this.#jobs.delete(name);
  }
}

// A stand-in for Slurm's scontrol: a shell script over two files that hold what the queue of the simulated cluster is now.
// The lines are those of scontrol 22.05 with -o -d.
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeHardware } from '../hardware.ts';
import type { Job, JobKind } from '../jobs.ts';
import type { JobQueue, RunningJob } from '../queue.ts';

const NONE = 'No jobs in the system\n';
const names: Readonly<Record<JobKind, string>> = {
  training: 'resnet50',
  distributed: 'gpt pretrain',
  communication_bound: 'moe pretrain',
  storage_bound: 'imagenet scan',
  cpu_bound: 'augment heavy',
  too_few_workers: 'speech train',
  light: 'tuning',
  notebook: 'jupyter',
  empty: 'shell',
};
const accounts = ['vision', 'nlp', 'robotics', 'physics'] as const;

/** Makes the folder with a scontrol that knows of no job yet. Gives the program. */
export function prepareScontrol(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'scontrol');
  writeFileSync(join(folder, 'job'), NONE);
  writeFileSync(join(folder, 'node'), '');
  writeFileSync(program, `#!/bin/sh\n# show job|node, from files beside it\nexec cat "$(dirname "$0")/$2"\n`);
  chmodSync(program, 0o755);
  return program;
}

export class ScontrolFiles {
  readonly #folder: string;
  readonly #nodes: readonly NodeHardware[];
  readonly #beganMs: number;

  constructor(folder: string, nodes: readonly NodeHardware[], beganMs: number) {
    this.#folder = folder;
    this.#nodes = nodes;
    this.#beganMs = beganMs;
  }

  update({ running, waiting }: Pick<JobQueue, 'running' | 'waiting'>): void {
    const lines = [...[...running].map((job) => this.#running(job)), ...waiting.map((job) => this.#waiting(job))];
    this.#write('job', lines.length === 0 ? NONE : `${lines.join('\n')}\n`);
    this.#write('node', this.#nodes.map((node) => `${nodeLine(node)}\n`).join(''));
  }

  #running(job: RunningJob): string {
    const gpus = job.places.reduce((sum, place) => sum + place.gpus.length, 0);
    const groups = job.places.map(
      ({ node, gpus: own }) =>
        `  Nodes=${this.#nodes[node]?.name ?? ''} CPU_IDs=0-${own.length * 5 - 1} Mem=0 GRES=gpu:v100:${own.length}(IDX:${own.join(',')})`,
    );
    const times = `StartTime=${this.#time(job.startS)} EndTime=${this.#time(job.endS)}`;
    const tres = `TRES=cpu=${gpus * 5},node=${job.places.length},billing=${gpus * 5},gres/gpu=${gpus}`;
    return `${head(job, 'RUNNING', 'None')} ${times} NumNodes=${job.places.length} NumCPUs=${gpus * 5} ${tres} JOB_GRES=gpu:v100:${gpus} ${groups.join(' ')} `;
  }

  #waiting(job: Job): string {
    return `${head(job, 'PENDING', 'Resources')} StartTime=Unknown EndTime=Unknown NumNodes=${job.nodes} NumCPUs=${job.nodes * job.gpusPerNode * 5} TresPerNode=gres:gpu:${job.gpusPerNode} `;
  }

  #time(timeS: number): string {
    return new Date(this.#beganMs + timeS * 1000).toISOString().slice(0, 19);
  }

  /** Whoever reads it sees the old or the new one. */
  #write(name: string, text: string): void {
    const file = join(this.#folder, name);
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }
}

function head(job: Job, state: string, reason: string): string {
  const account = accounts[job.user.length % accounts.length] ?? '';
  return `JobId=${job.id} JobName=${names[job.kind]} UserId=${job.user}(${2000 + job.user.length}) GroupId=users(100) MCS_label=N/A Priority=1 Nice=0 Account=${account} QOS=normal JobState=${state} Reason=${reason} Partition=gpu`;
}

function nodeLine({ name, gpus, cpus }: NodeHardware): string {
  return `NodeName=${name} Arch=x86_64 CPUTot=${cpus} Gres=gpu:v100:${gpus.length} State=MIXED Partitions=gpu`;
}

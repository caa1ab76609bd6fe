// What the kernel tells of a node's jobs while they run: Slurm's cgroups, and the processes that hold GPUs with their loaders.
// cgroups(7), Documentation/admin-guide/cgroup-v2.rst, proc_pid_stat(5), Documentation/scheduler/sched-stats.rst.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { GpuProcess } from '../gpu-model.ts';
import type { NodeHardware } from '../hardware.ts';
import type { LocalWork } from '../host-model.ts';
import { JobUse, ProcessUse } from '../job-use.ts';
import type { RunningJob } from '../queue.ts';
import type { NodeState } from '../workload.ts';
import { renderSchedStat, renderTaskStat } from './task-stat.ts';
import { listOf } from './pci.ts';
import { TreeWriter } from './tree-writer.ts';

const SCOPE = 'sys/fs/cgroup/system.slice/slurmstepd.scope';
const FIRST_WORKER_PID = 2_000_000;
const WORKERS_PER_GPU = 8;

/** Directories that come and go together. */
interface Entry<U> {
  readonly tree: TreeWriter<U>;
  readonly use: U;
  readonly directories: readonly string[];
}

export class JobFiles {
  readonly #root: string;
  readonly #hardware: NodeHardware;
  readonly #jobs = new Map<number, Entry<JobUse>>();
  readonly #processes = new Map<number, Entry<ProcessUse>>();
  #timeS = 0;

  constructor(root: string, hardware: NodeHardware) {
    this.#root = root;
    this.#hardware = hardware;
  }

  update({ work, gpus, timeS }: NodeState): void {
    const seconds = timeS - this.#timeS;
    this.#timeS = timeS;
    const jobs = new Map(work.map((one) => [one.pace.job.id, one]));
    const processes = new Map(
      work.flatMap((one) =>
        one.gpus.flatMap((gpu) => {
          const process = gpus[gpu]?.process;
          return process ? [[process.pid, { process, work: one, gpu }] as const] : [];
        }),
      ),
    );
    this.#removeOthers(this.#jobs, jobs);
    this.#removeOthers(this.#processes, processes);
    for (const [id, one] of jobs) {
      const known = this.#jobs.get(id);
      known?.use.add(one, seconds);
      const entry = known ?? this.#openJob(one, timeS);
      this.#jobs.set(id, entry);
      entry.tree.update(entry.use);
    }
    for (const [pid, { process, work: one, gpu }] of processes) {
      const known = this.#processes.get(pid);
      known?.use.add(one.pace, { timeS, seconds });
      const entry = known ?? this.#openProcess(process, one, { gpu, timeS });
      this.#processes.set(pid, entry);
      entry.tree.update(entry.use);
    }
  }

  close(): void {
    for (const { tree } of [...this.#jobs.values(), ...this.#processes.values()]) tree.close();
  }

  #removeOthers(known: Map<number, Entry<JobUse> | Entry<ProcessUse>>, wanted: ReadonlyMap<number, unknown>): void {
    for (const [key, { tree, directories }] of known) {
      if (wanted.has(key)) continue;
      tree.close();
      for (const directory of directories) rmSync(join(this.#root, directory), { recursive: true });
      known.delete(key);
    }
  }

  #openJob(work: LocalWork, timeS: number): Entry<JobUse> {
    const { job } = work.pace;
    const tree = new TreeWriter<JobUse>(this.#root);
    const directory = `${SCOPE}/job_${job.id}`;
    const cpus = work.gpus.flatMap((gpu) => this.#hardware.gpus[gpu]?.cpus ?? []).toSorted((a, b) => a - b);
    tree.files(directory, {
      'cpuset.cpus.effective': listOf(cpus),
      'memory.pressure':
        'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0',
      'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0',
    });
    tree.changing(`${directory}/cpu.stat`, renderCpuStat);
    tree.changing(`${directory}/cpu.pressure`, ({ pressureS }) => renderPressure(pressureS.cpu, 0));
    tree.changing(`${directory}/io.pressure`, ({ pressureS }) => renderPressure(pressureS.ioSome, pressureS.ioFull));
    tree.changing(`${directory}/memory.current`, ({ memoryBytes }) => memoryBytes);
    tree.changing(`${directory}/io.stat`, (use) => renderIoStat(use, this.#hardware.drives.length));
    return { tree, use: new JobUse(work, Math.max(0, timeS - job.startS)), directories: [directory] };
  }

  #openProcess(
    { pid, name }: GpuProcess,
    { pace }: LocalWork,
    { gpu, timeS }: { readonly gpu: number; readonly timeS: number },
  ): Entry<ProcessUse> {
    const { job } = pace;
    const tree = new TreeWriter<ProcessUse>(this.#root);
    const use = new ProcessUse(pace, pid, Math.max(0, timeS - job.startS));
    const workers = Array.from({ length: use.tasks.length - 1 }, (_, worker) => workerPid(job, gpu, worker));
    const comm = (name.split('/').at(-1) ?? name).slice(0, 15);
    const startTicks = Math.floor((this.#hardware.upAtStartS + job.startS) * 100);
    const main = `proc/${pid}/task/${pid}`;
    tree.file(`${main}/children`, workers.map((worker) => `${worker} `).join(''));
    tree.file(`proc/${pid}/comm`, `${comm}\n`);
    tree.file(`proc/${pid}/cgroup`, `0::/system.slice/slurmstepd.scope/job_${job.id}/step_0/user/task_0\n`);
    tree.link(`proc/${pid}/stat`, `${main}/stat`);
    for (const [task, directory] of [main, ...workers.map((worker) => `proc/${worker}`)].entries()) {
      const who = task === 0 ? { pid, comm, parent: 1 } : { pid: workers[task - 1] ?? 0, comm: WORKER, parent: pid };
      const useOf = (all: ProcessUse): ReturnType<typeof taskOf> => taskOf(all, task);
      tree.changing(`${directory}/stat`, (all) => renderTaskStat({ ...who, startTicks }, useOf(all)));
      tree.changing(`${directory}/schedstat`, (all) => renderSchedStat(useOf(all)));
    }
    return { tree, use, directories: [pid, ...workers].map((one) => `proc/${one}`) };
  }
}

/** As PyTorch names them. */
const WORKER = 'pt_data_worker';

function taskOf({ tasks }: ProcessUse, task: number): ProcessUse['tasks'][number] {
  return tasks[task] ?? { state: 'S', cpuS: 0, waitS: 0 };
}

function workerPid({ id }: RunningJob, gpu: number, worker: number): number {
  return FIRST_WORKER_PID + (((id * 16 + gpu) * WORKERS_PER_GPU + worker) % 2_000_000);
}

function renderCpuStat({ cpuS, systemS }: JobUse): string {
  const [usage, system] = [Math.floor(cpuS * 1e6), Math.floor(systemS * 1e6)];
  return `usage_usec ${usage}\nuser_usec ${usage - system}\nsystem_usec ${system}\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0`;
}

function renderPressure(someS: number, fullS: number): string {
  const line = (name: string, seconds: number): string =>
    `${name} avg10=0.00 avg60=0.00 avg300=0.00 total=${Math.floor(seconds * 1e6)}`;
  return `${line('some', someS)}\n${line('full', fullS)}`;
}

/** The striped volume and the drives it passes everything on to. */
function renderIoStat({ readBytes, writtenBytes }: JobUse, drives: number): string {
  const line = (device: string, share: number): string => {
    const [read, written] = [Math.floor(readBytes * share), Math.floor(writtenBytes * share)];
    return `${device} rbytes=${read} wbytes=${written} rios=${Math.ceil(read / 262_144)} wios=${Math.ceil(written / 262_144)} dbytes=0 dios=0`;
  };
  const members = Array.from({ length: drives }, (_, drive) => line(`259:${drive}`, 1 / drives));
  return [line('9:0', 1), ...members].join('\n');
}

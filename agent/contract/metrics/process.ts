// Processes that hold GPUs with those that work for them, and the cgroups of jobs.
import { rowsOf, type MetricRow } from './row.ts';

const process = rowsOf('process');
const gpu = ['gpu', 'uuid', 'pci_bus_id'] as const;

export const processRows = {
  gpu_owner_main_thread_ratio: process.gauge('ratio', {
    labels: gpu,
    help: 'CPU share of the main thread of the process that holds the GPU',
    title: 'Main thread',
    source: 'proc/PID/task/PID/schedstat',
    scale: 1000,
  }),
  gpu_workers: process.gauge('count', {
    labels: gpu,
    help: 'Helper threads and processes of the GPU that work',
    title: 'Workers',
    source: 'proc/PID/task',
  }),
  gpu_worker_seconds_total: process.counter('seconds', {
    labels: [...gpu, 'state'],
    help: 'Time of the workers by state: running, waiting for a CPU, blocked by I/O, slack',
    title: 'Worker time',
    source: 'proc/PID/stat, schedstat, state at 5 Hz',
    scale: 1000,
  }),
} as const satisfies Record<string, MetricRow>;

const jobs = rowsOf('jobs');
const job = ['job_id'] as const;
const pressure = (title: string, help: string, source: string) =>
  jobs.counter('seconds', { labels: job, help, title, source, scale: 1_000_000 });
const amount = { labels: job, lane: 'medium' } as const;

export const jobRows = {
  job_pressure_cpu_waiting_seconds_total: pressure(
    'Job CPU waiting',
    'Time in which some process of the job waited for a CPU',
    'cgroup cpu.pressure some',
  ),
  job_pressure_io_waiting_seconds_total: pressure(
    'Job I/O waiting',
    'Time in which some process of the job waited for I/O',
    'cgroup io.pressure some',
  ),
  job_pressure_io_stalled_seconds_total: pressure(
    'Job I/O stalled',
    'Time in which all processes of the job waited for I/O',
    'cgroup io.pressure full',
  ),
  job_pressure_memory_waiting_seconds_total: pressure(
    'Job memory waiting',
    'Time in which some process of the job waited for memory',
    'cgroup memory.pressure some',
  ),
  job_pressure_memory_stalled_seconds_total: pressure(
    'Job memory stalled',
    'Time in which all processes of the job waited for memory',
    'cgroup memory.pressure full',
  ),
  job_cpu_seconds_total: jobs.counter('seconds', {
    labels: job,
    help: 'CPU time of the job on this node',
    title: 'Job CPU time',
    source: 'cgroup cpu.stat usage_usec',
    scale: 1_000_000,
  }),
  job_cpu_throttled_seconds_total: jobs.counter('seconds', {
    labels: job,
    help: 'Time for which the job was held at its CPU limit',
    title: 'Job CPU throttled',
    source: 'cgroup cpu.stat throttled_usec',
    scale: 1_000_000,
  }),
  job_cpus: jobs.gauge('count', {
    ...amount,
    help: 'CPUs that the job may use on this node',
    title: 'Job CPUs',
    source: 'cgroup cpuset.cpus.effective',
  }),
  job_memory_bytes: jobs.gauge('bytes', {
    ...amount,
    help: 'Memory of the job on this node, with its page cache',
    title: 'Job memory',
    source: 'cgroup memory.current',
  }),
  job_oom_kills_total: jobs.counter('count', {
    ...amount,
    help: 'Processes of the job killed for want of memory',
    title: 'Job OOM kills',
    source: 'cgroup memory.events oom_kill',
  }),
  job_io_read_bytes_total: jobs.counter('bytes', {
    ...amount,
    help: 'Data the job read from local disks',
    title: 'Job disk reads',
    source: 'cgroup io.stat rbytes',
  }),
  job_io_written_bytes_total: jobs.counter('bytes', {
    ...amount,
    help: 'Data the job wrote to local disks',
    title: 'Job disk writes',
    source: 'cgroup io.stat wbytes',
  }),
} as const satisfies Record<string, MetricRow>;

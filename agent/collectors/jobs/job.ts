// Series of one job, as long as its cgroup is there.
import { bytes, isAbsent } from '#agent/contract';
import type { CounterSeries, GaugeSeries, SeriesGroup } from '../../snapshot.ts';
import type { CollectorContext } from '../collector.ts';
import type { CgroupAmount, CgroupTimes, OpenCgroup } from './cgroup-use.ts';
import { openCgroup } from './cgroup.ts';

const timeRows = {
  cpu: 'job_cpu_seconds_total',
  throttled: 'job_cpu_throttled_seconds_total',
  cpuWaiting: 'job_pressure_cpu_waiting_seconds_total',
  ioWaiting: 'job_pressure_io_waiting_seconds_total',
  ioStalled: 'job_pressure_io_stalled_seconds_total',
  memoryWaiting: 'job_pressure_memory_waiting_seconds_total',
  memoryStalled: 'job_pressure_memory_stalled_seconds_total',
} as const;
const times = Object.keys(timeRows) as (keyof typeof timeRows)[]; // exactly the keys written above

export class Job {
  readonly path: string;
  readonly #context: CollectorContext;
  readonly #cgroup: OpenCgroup;
  readonly #group: SeriesGroup;
  readonly #times: readonly (readonly [keyof CgroupTimes, CounterSeries])[];
  readonly #cpus: GaugeSeries<'count'>;
  readonly #memory: GaugeSeries<'bytes'>;
  readonly #oomKills: CounterSeries;
  readonly #read: CounterSeries;
  readonly #written: CounterSeries;

  constructor(context: CollectorContext, job: string, path: string) {
    this.path = path;
    this.#context = context;
    this.#cgroup = openCgroup(context, path);
    const group = (this.#group = context.snapshot.group());
    const labels = { job_id: job };
    this.#times = times.map((time) => [time, group.counter(timeRows[time], labels)]);
    this.#cpus = group.gauge('job_cpus', labels);
    this.#memory = group.gauge('job_memory_bytes', labels);
    this.#oomKills = group.counter('job_oom_kills_total', labels);
    this.#read = group.counter('job_io_read_bytes_total', labels);
    this.#written = group.counter('job_io_written_bytes_total', labels);
  }

  readFast(): void {
    const read = this.#cgroup.readTimes();
    for (const [time, series] of this.#times) setCount(series, read[time]);
  }

  readMedium(): void {
    const { cpus, memoryBytes, oomKills, readBytes, writtenBytes } = this.#cgroup.readUse();
    this.#cpus.put(cpus);
    this.#memory.put(isAbsent(memoryBytes) ? memoryBytes : bytes(memoryBytes));
    setCount(this.#oomKills, oomKills);
    setCount(this.#read, readBytes);
    setCount(this.#written, writtenBytes);
  }

  remove(): void {
    this.#cgroup.close();
    this.#context.snapshot.remove(this.#group);
  }
}

function setCount(series: CounterSeries, value: CgroupAmount): void {
  if (isAbsent(value)) series.absent(value.reason);
  else series.set(value);
}

// How often CPUs were slowed down for heat: sys/devices/system/cpu/cpu*/thermal_throttle. Documentation/ABI/testing/sysfs-devices-system-cpu.
// All threads of a core tell the core's count and all CPUs of a package the package's: each is counted once.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { parseCount } from '../../parse/bytes.ts';
import type { CounterSeries, SeriesGroup } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';
import type { CollectorContext } from '../collector.ts';
import { ParsedFile } from '../parsed-file.ts';

const DIRECTORY = 'sys/devices/system/cpu';

type Count = ParsedFile<number>;

export class CpuThrottles {
  readonly group: SeriesGroup;
  readonly #context: CollectorContext;
  readonly #core: CounterSeries;
  readonly #package: CounterSeries;
  #cores: readonly Count[] = [];
  #packages: readonly Count[] = [];
  #online = '';

  constructor(context: CollectorContext) {
    this.#context = context;
    const group = (this.group = context.snapshot.group());
    this.#core = group.counter('cpu_throttles_total', { kind: 'core' });
    this.#package = group.counter('cpu_throttles_total', { kind: 'package' });
  }

  setOnline(cpus: readonly number[]): void {
    const online = cpus.join();
    if (online === this.#online) return;
    this.close();
    this.#online = online;
    const { cores, packages } = findCounts(this.#context.tree, cpus);
    const open = (path: string): Count =>
      new ParsedFile(this.#context, path, { parse: (bytes, source) => Number(parseCount(bytes, source)) });
    this.#cores = cores.map(open);
    this.#packages = packages.map(open);
  }

  read(): void {
    setSum(this.#core, this.#cores);
    setSum(this.#package, this.#packages);
  }

  close(): void {
    for (const count of [...this.#cores, ...this.#packages]) count.close();
    this.#cores = this.#packages = [];
    this.#online = '';
  }
}

interface Found {
  readonly cores: readonly string[];
  readonly packages: readonly string[];
}

/** The file of the first CPU of every core and package. CPUs that do not say where they are stand for themselves. */
function findCounts(tree: Tree, cpus: readonly number[]): Found {
  const cores = new Map<string, string>();
  const packages = new Map<string, string>();
  for (const cpu of cpus) {
    const directory = `${DIRECTORY}/cpu${cpu}`;
    if (!tree.exists(`${directory}/thermal_throttle`)) continue;
    const core = tree.word(`${directory}/topology/core_id`) ?? `cpu${cpu}`;
    const socket = tree.word(`${directory}/topology/physical_package_id`) ?? '';
    for (const [found, key, name] of [
      [cores, `${socket}/${core}`, 'core_throttle_count'],
      [packages, socket, 'package_throttle_count'],
    ] as const) {
      const path = `${directory}/thermal_throttle/${name}`;
      if (!found.has(key) && tree.exists(path)) found.set(key, path);
    }
  }
  return { cores: [...cores.values()], packages: [...packages.values()] };
}

/** A part that cannot be read makes the sum unknown. A CPU that went offline is gone from the sum at the next discovery. */
function setSum(series: CounterSeries, counts: readonly Count[]): void {
  let sum: number | Absence = counts.length === 0 ? absent('unsupported') : 0;
  for (const count of counts) {
    const value = count.read();
    if (isAbsent(value)) sum = value;
    else if (!isAbsent(sum)) sum += value;
  }
  if (isAbsent(sum)) series.absent(sum.reason);
  else series.set(sum);
}

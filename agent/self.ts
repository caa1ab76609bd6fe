// What the agent says about itself: what it is and what it costs. getrusage(2) through process.cpuUsage.
import { bytes, type Quantity } from '#agent/contract';
import { build } from './build.ts';
import type { CounterSeries, GaugeSeries, Snapshot } from './snapshot.ts';

export interface OwnUsage {
  /** User and system time. */
  readonly cpuMicroseconds: number;
  readonly resident: Quantity<'bytes'>;
}

export function readOwnUsage(): OwnUsage {
  const { user, system } = process.cpuUsage();
  return { cpuMicroseconds: user + system, resident: bytes(process.memoryUsage.rss()) };
}

export class SelfMetrics {
  readonly #cpu: CounterSeries;
  readonly #memory: GaugeSeries<'bytes'>;
  readonly #readUsage: () => OwnUsage;

  constructor(snapshot: Snapshot, readUsage = readOwnUsage) {
    const group = snapshot.group();
    group.info('build_info', build);
    this.#cpu = group.counter('agent_cpu_seconds_total', { process: 'main' });
    this.#memory = group.gauge('agent_memory_bytes', { process: 'main' });
    this.#readUsage = readUsage;
  }

  read(): void {
    const { cpuMicroseconds, resident } = this.#readUsage();
    this.#cpu.set(cpuMicroseconds);
    this.#memory.set(resident);
  }
}

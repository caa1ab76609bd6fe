// What the agent's children cost, summed by what they are for. A child that lives for less than a few seconds may go unseen.
import { bytes } from '#agent/contract';
import type { CommandRunner } from './command.ts';
import { driverKinds } from './collectors/gpu/sources.ts';
import { readProcessCost } from './command/process-state.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup, Snapshot } from './snapshot.ts';

const EVERY_READS = 5;

interface Purpose {
  readonly cpu: CounterSeries;
  readonly memory: GaugeSeries<'bytes'>;
  cpuMicroseconds: number;
}

export class ChildCosts {
  readonly #commands: Pick<CommandRunner, 'running'>;
  readonly #group: SeriesGroup;
  readonly #purposes = new Map<string, Purpose>();
  /** CPU time by child, as last seen. */
  #last = new Map<number, number>();
  #reads = 0;

  constructor(snapshot: Snapshot, commands: Pick<CommandRunner, 'running'>) {
    this.#commands = commands;
    this.#group = snapshot.group();
  }

  read(): void {
    if (this.#reads++ % EVERY_READS !== 0) return;
    const seen = new Map<number, number>();
    const resident = new Map<string, number>();
    for (const { kind, pid } of this.#commands.running()) {
      const cost = readProcessCost(pid);
      if (!cost) continue;
      const name = driverKinds.has(kind) ? 'gpu' : 'probe';
      this.#purposeOf(name).cpuMicroseconds += Math.max(0, cost.cpuMicroseconds - (this.#last.get(pid) ?? 0));
      resident.set(name, (resident.get(name) ?? 0) + cost.residentBytes);
      seen.set(pid, cost.cpuMicroseconds);
    }
    this.#last = seen;
    for (const [name, { cpu, memory, cpuMicroseconds }] of this.#purposes) {
      cpu.set(cpuMicroseconds);
      memory.set(bytes(resident.get(name) ?? 0));
    }
  }

  #purposeOf(name: string): Purpose {
    const known = this.#purposes.get(name);
    if (known) return known;
    const purpose: Purpose = {
      cpu: this.#group.counter('agent_cpu_seconds_total', { process: name }),
      memory: this.#group.gauge('agent_memory_bytes', { process: name }),
      cpuMicroseconds: 0,
    };
    this.#purposes.set(name, purpose);
    return purpose;
  }
}

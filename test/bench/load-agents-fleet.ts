// Load agents in several processes, as one.
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from './load-agents-agent.ts';
import { sumOf, type LoadReport } from './load-agents-counts.ts';
import type { LoadCommand, LoadOptions } from './load-agents.ts';

const program = fileURLToPath(new URL('load-agents.ts', import.meta.url));

export interface FleetOptions {
  readonly target: Target;
  readonly agents: number;
  readonly processes: number;
  readonly connectsPerSecond: number;
  readonly returns: boolean;
}

export class LoadFleet {
  readonly agents: number;
  readonly #children: ChildProcess[] = [];
  readonly #reports = new Map<ChildProcess, LoadReport>();

  constructor({ agents, processes, target, connectsPerSecond, returns }: FleetOptions) {
    this.agents = agents;
    for (let at = 0; at < processes; at++) {
      const count = Math.floor(agents / processes) + (at < agents % processes ? 1 : 0);
      const rate = connectsPerSecond / processes;
      const options: LoadOptions = { target, count, namePrefix: `load${at}-`, connectsPerSecond: rate, returns };
      const child = fork(program, [JSON.stringify(options)]);
      child.on('message', (report: LoadReport) => this.#reports.set(child, report));
      this.#children.push(child);
    }
  }

  get report(): ReturnType<typeof sumOf> {
    return sumOf([...this.#reports.values()]);
  }

  tell(command: LoadCommand): void {
    for (const child of this.#children) child.send(command);
  }

  /** Throws if it does not come to pass. */
  async until(what: string, isTrue: (report: LoadReport) => boolean, timeoutMs: number): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    while (!isTrue(this.report)) {
      if (performance.now() > endMs)
        throw new Error(
          `not within ${timeoutMs / 1000} s: ${what}; ${JSON.stringify({ ...this.report, ackMs: [], ack: [] })}`,
        );
      await sleep(10);
    }
  }

  /** Counts begin anew. */
  async reset(): Promise<void> {
    this.tell('reset');
    this.#reports.clear();
    await this.until('a report', () => this.#reports.size === this.#children.length, 10_000);
  }

  /** A report younger than this call. */
  async fresh(): Promise<ReturnType<typeof sumOf>> {
    this.tell('report');
    this.#reports.clear();
    await this.until('a report', () => this.#reports.size === this.#children.length, 10_000);
    return this.report;
  }

  stop(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

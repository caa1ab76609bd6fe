// What a page showed tick by tick: the agent's own CPU time, another one at each of its ticks, tells them apart.
import type { AgentProgram, PageView } from './gpu-agent.ts';
import { until } from './program.ts';

export interface Tick {
  readonly power: number | undefined;
  readonly backend: string | undefined;
  /** Of all CPUs in all modes, in seconds. */
  readonly cpuSeconds: number;
  /** Of areas other than the GPUs. */
  readonly otherOverruns: number;
  readonly page: PageView;
}

export class Watch {
  readonly ticks: Tick[] = [];
  readonly #agent: AgentProgram;
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(agent: AgentProgram, everyMs: number) {
    this.#agent = agent;
    this.#done = this.#run(everyMs);
  }

  /** So many ticks from now. */
  async after(ticks: number): Promise<void> {
    const goal = this.ticks.length + ticks;
    await until(`${ticks} ticks`, () => (this.ticks.length >= goal ? true : undefined));
  }

  async end(): Promise<readonly Tick[]> {
    this.#isOver = true;
    await this.#done;
    return this.ticks;
  }

  async #run(everyMs: number): Promise<void> {
    let mark: number | undefined;
    while (!this.#isOver) {
      const page = await this.#agent.page();
      const now = page.value('agent_cpu_seconds_total', { process: 'main' });
      if (now !== mark) this.ticks.push(tickOf(page));
      mark = now;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}

function tickOf(page: PageView): Tick {
  return {
    power: page.value('gpu_power_watts', { gpu: '0' }),
    backend: page.backend,
    cpuSeconds: page.sum('cpu_seconds_total'),
    otherOverruns: page.sum('collector_overruns_total') - page.sum('collector_overruns_total', { area: 'gpu' }),
    page,
  };
}

/** The most ticks one after another that brought no new reading. */
export function longestLoss(ticks: readonly Tick[]): number {
  let [longest, now] = [0, 0];
  for (const [index, { power }] of ticks.entries()) {
    const isNew = power !== undefined && power !== ticks[index - 1]?.power;
    now = isNew ? 0 : now + 1;
    longest = Math.max(longest, now);
  }
  return longest;
}

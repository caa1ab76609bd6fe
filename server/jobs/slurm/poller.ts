// Asks Slurm who was given what, every 15 s unless it is said, and every fourth time which nodes are out of service. Read-only.
import type { Log } from '../../log.ts';
import { SlurmError, type SlurmAnswers, type SlurmSource } from './model.ts';

export interface SlurmState extends SlurmAnswers {
  /** When Slurm last answered, by our unjumping clock. */
  readonly answeredMs: number | undefined;
  /** Why it does not; undefined while it does. */
  readonly problem: string | undefined;
}

export interface PollerParts {
  readonly source: SlurmSource;
  readonly intervalMs: number;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly onAnswer: (state: SlurmState) => void;
}

const NODES_EVERY = 4;

export class SlurmPoller {
  readonly #parts: PollerParts;
  #state: SlurmState = { jobs: [], nodes: [], answeredMs: undefined, problem: 'Slurm was not asked yet' };
  #timer: NodeJS.Timeout | undefined;
  #rounds = 0;
  #asking = false;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  get state(): SlurmState {
    return this.#state;
  }

  start(): void {
    void this.ask();
    this.#timer = setInterval(() => void this.ask(), this.#parts.intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One round; never two at once. */
  async ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const { source, nowMs } = this.#parts;
    try {
      // One that has just started may not know its nodes yet.
      const areNodesDue = this.#rounds++ % NODES_EVERY === 0 || this.#state.nodes.length === 0;
      const nodes = areNodesDue ? await source.nodes() : this.#state.nodes;
      const jobs = await source.jobs();
      this.#tell({ jobs, nodes, answeredMs: nowMs(), problem: undefined });
    } catch (error) {
      if (!(error instanceof SlurmError)) throw error;
      this.#tell({ ...this.#state, problem: error.message });
      this.#rounds = 0;
    } finally {
      this.#asking = false;
    }
  }

  #tell(state: SlurmState): void {
    const { log, source } = this.#parts;
    if (state.problem !== this.#state.problem) {
      if (state.problem === undefined)
        log.info('Slurm answers', { by: source.name, jobs: state.jobs.length, nodes: state.nodes.length });
      else log.warn('Slurm does not answer', { reason: state.problem });
    }
    this.#state = state;
    this.#parts.onAnswer(state);
  }
}

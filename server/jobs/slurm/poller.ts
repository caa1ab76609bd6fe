// Asks Slurm every 15 s who was given what, and every minute which nodes are out of service. Read-only: `scontrol show`.
import type { CommandRunner } from '#agent/command';
import type { Log } from '../../log.ts';
import { parseJobs, parseNodes, ScontrolError, type SlurmJob, type SlurmNode } from './scontrol.ts';

export interface SlurmState {
  readonly jobs: readonly SlurmJob[];
  readonly nodes: readonly SlurmNode[];
  /** When Slurm last answered, by our unjumping clock. */
  readonly answeredMs: number | undefined;
  /** Why it does not; undefined while it does. */
  readonly problem: string | undefined;
}

export interface PollerParts {
  readonly scontrol: string;
  readonly slurmConf: string | undefined;
  readonly runner: Pick<CommandRunner, 'run'>;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly onAnswer: (state: SlurmState) => void;
}

const JOBS_EVERY_MS = 15_000;
const NODES_EVERY = 4;
const PATIENCE_MS = 10_000;
/** 0.5 MB for 500 jobs. */
const MOST_BYTES = 256 * 1024 * 1024;

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
    this.#timer = setInterval(() => void this.ask(), JOBS_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One round; never two at once. */
  async ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const nodes = this.#rounds++ % NODES_EVERY === 0 ? parseNodes(await this.#show('node')) : this.#state.nodes;
      const jobs = parseJobs(await this.#show('job'));
      this.#tell({ jobs, nodes, answeredMs: this.#parts.nowMs(), problem: undefined });
    } catch (error) {
      if (!(error instanceof ScontrolError)) throw error;
      this.#tell({ ...this.#state, problem: error.message });
      this.#rounds = 0;
    } finally {
      this.#asking = false;
    }
  }

  #tell(state: SlurmState): void {
    const { log } = this.#parts;
    if (state.problem !== this.#state.problem) {
      if (state.problem === undefined)
        log.info('Slurm answers', { jobs: state.jobs.length, nodes: state.nodes.length });
      else log.warn('Slurm does not answer', { reason: state.problem });
    }
    this.#state = state;
    this.#parts.onAnswer(state);
  }

  /** Throws ScontrolError. */
  async #show(what: 'job' | 'node'): Promise<string> {
    const { scontrol, slurmConf, runner } = this.#parts;
    const result = await runner.run({
      kind: `scontrol ${what}`,
      file: scontrol,
      args: ['show', what, '-o', '-d', ...(what === 'job' ? ['--all'] : [])],
      env: { TZ: 'UTC', ...(slurmConf !== undefined && { SLURM_CONF: slurmConf }) },
      timeoutMs: PATIENCE_MS,
      maxBytes: MOST_BYTES,
    });
    switch (result.kind) {
      case 'done':
        if (result.exitCode === 0) return result.stdout;
        throw new ScontrolError(`scontrol ended with ${result.exitCode}: ${result.stderr.trim().slice(0, 200)}`);
      case 'not_started':
        throw new ScontrolError(`scontrol cannot be started: ${result.message}`);
      case 'timed_out':
      case 'stuck':
        throw new ScontrolError('scontrol did not answer in time');
      case 'killed':
        throw new ScontrolError(`scontrol was killed by ${result.signal}`);
      case 'too_much_output':
        throw new ScontrolError('scontrol says too much');
    }
  }
}

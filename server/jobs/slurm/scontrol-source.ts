// Asks Slurm by `scontrol show`, which only reads.
import type { CommandRunner } from '#agent/command';
import { SlurmError, type SlurmSource } from './model.ts';
import { parseJobs, parseNodes } from './scontrol.ts';

export interface ScontrolOptions {
  readonly scontrol: string;
  readonly slurmConf: string | undefined;
  readonly runner: Pick<CommandRunner, 'run'>;
}

const PATIENCE_MS = 10_000;
/** 0.5 MB for 500 jobs. */
const MOST_BYTES = 256 * 1024 * 1024;

export function createScontrolSource(options: ScontrolOptions): SlurmSource {
  return {
    name: 'scontrol',
    jobs: async () => parseJobs(await show(options, 'job')),
    nodes: async () => parseNodes(await show(options, 'node')),
  };
}

/** Throws SlurmError. */
async function show({ scontrol, slurmConf, runner }: ScontrolOptions, what: 'job' | 'node'): Promise<string> {
  const result = await runner.run({
    kind: `scontrol ${what}`,
    file: scontrol,
    args: ['show', what, '-o', '-d', ...(what === 'job' ? ['--all'] : [])],
    env: { TZ: 'UTC', SLURM_TIME_FORMAT: 'standard', ...(slurmConf !== undefined && { SLURM_CONF: slurmConf }) },
    timeoutMs: PATIENCE_MS,
    maxBytes: MOST_BYTES,
  });
  switch (result.kind) {
    case 'done':
      if (result.exitCode === 0) return result.stdout;
      throw new SlurmError(
        `scontrol ended with ${result.exitCode}: ${result.stderr.trim().slice(0, 200)}`.replace(/: $/, ''),
      );
    case 'not_started':
      throw new SlurmError(`scontrol cannot be started: ${result.message}`);
    case 'timed_out':
    case 'stuck':
      throw new SlurmError('scontrol did not answer in time');
    case 'killed':
      throw new SlurmError(`scontrol was killed by ${result.signal}`);
    case 'too_much_output':
      throw new SlurmError('scontrol says too much');
  }
}

// The poller of Slurm, if there is a scontrol to ask.
import type { CommandRunner } from '#agent/command';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config.ts';
import type { Log } from '../log.ts';
import { findScontrol } from './find-scontrol.ts';
import type { JobTable } from './job-table.ts';
import { SlurmPoller } from './slurm/poller.ts';

export interface PollerContext {
  readonly config: Pick<ServerConfig, 'jobs.scontrol' | 'jobs.slurm_conf'>;
  readonly runner: Pick<CommandRunner, 'run'>;
  readonly jobs: JobTable;
  readonly clock: Clock;
  readonly log: Log;
}

export function createPoller({ config, runner, jobs, clock, log }: PollerContext): SlurmPoller | undefined {
  const scontrol = findScontrol(config['jobs.scontrol'], process.env['PATH']);
  if (scontrol === undefined) return undefined;
  return new SlurmPoller({
    scontrol,
    slurmConf: config['jobs.slurm_conf'] ?? process.env['SLURM_CONF'],
    runner,
    nowMs: () => clock.nowMs(),
    log,
    onAnswer: (state) => {
      jobs.take(state, clock.wallMs());
    },
  });
}

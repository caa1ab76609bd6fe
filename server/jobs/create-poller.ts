// The poller of Slurm, if there is somebody to ask: a slurmrestd that is named, else scontrol.
import type { CommandRunner } from '#agent/command';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config.ts';
import type { Log } from '../log.ts';
import { findScontrol } from './find-scontrol.ts';
import type { JobTable } from './job-table.ts';
import type { SlurmSource } from './slurm/model.ts';
import { SlurmPoller } from './slurm/poller.ts';
import { createRestSource } from './slurm/rest-client.ts';
import { createScontrolSource } from './slurm/scontrol-source.ts';

type JobSettings = Pick<
  ServerConfig,
  'jobs.scontrol' | 'jobs.slurm_conf' | 'jobs.slurm_url' | 'jobs.slurm_token_file' | 'jobs.slurm_user' | 'jobs.interval'
>;

export interface PollerContext {
  readonly config: JobSettings;
  readonly runner: Pick<CommandRunner, 'run'>;
  readonly jobs: JobTable;
  readonly clock: Clock;
  readonly log: Log;
}

export function createPoller({ config, runner, jobs, clock, log }: PollerContext): SlurmPoller | undefined {
  const source = createSource(config, runner);
  if (!source) return undefined;
  return new SlurmPoller({
    source,
    intervalMs: config['jobs.interval'],
    nowMs: () => clock.nowMs(),
    log,
    onAnswer: (state) => {
      jobs.take(state, clock.wallMs());
    },
  });
}

function createSource(config: JobSettings, runner: Pick<CommandRunner, 'run'>): SlurmSource | undefined {
  const url = config['jobs.slurm_url'];
  if (url !== undefined) {
    return createRestSource({ url, tokenFile: config['jobs.slurm_token_file'], user: config['jobs.slurm_user'] });
  }
  const scontrol = findScontrol(config['jobs.scontrol'], process.env['PATH']);
  if (scontrol === undefined) return undefined;
  return createScontrolSource({ scontrol, slurmConf: slurmConfOf(config), runner });
}

export function slurmConfOf(config: Pick<ServerConfig, 'jobs.slurm_conf'>): string | undefined {
  return config['jobs.slurm_conf'] ?? process.env['SLURM_CONF'];
}

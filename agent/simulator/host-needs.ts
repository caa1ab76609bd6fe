// What the processes of one GPU need of its host, and how long they wait for it: cores for the loader and for the thread that
// feeds the GPU, data, CPUs.
import type { Pace } from './pace.ts';

export function loaderCoresOf({ job, phase, speed }: Pace): number {
  return phase === 'run' ? Math.min(job.needs.loaderCores * speed, job.needs.workers) : 0;
}

export function mainThreadCoresOf({ phase, speed }: Pace): number {
  switch (phase) {
    case 'run':
      return 0.25 + 0.4 * speed;
    case 'startup':
      return 0.9;
    case 'burst':
      return 1.1;
    case 'checkpoint':
      return 0.8;
    case 'idle':
      return 0.006;
    case 'none':
      return 0;
  }
}

/** Workers that wait for data. */
export function blockedPerGpu(pace: Pace): number {
  if (pace.phase === 'checkpoint') return 0.5;
  if (pace.phase !== 'run' || pace.job.needs.dataset === 'none') return 0;
  return waitsForStorage(pace)
    ? Math.max(pace.job.needs.workers - pace.job.needs.loaderCores * pace.speed, 0.5) * 0.985
    : 0.01;
}

/** Shares of time in which something of a job waits, where it has this share of what can wait. */
export function jobPressureOf(pace: Pace, share: number): { readonly cpu: number; readonly io: number } {
  const { phase, limit, speed, job } = pace;
  if (phase === 'checkpoint') return { cpu: 0, io: 0.15 };
  if (phase !== 'run') return { cpu: 0, io: 0 };
  const cpu = limit === 'cpu' ? Math.min(0.99, 0.35 + 0.6 * (1 - speed)) : 0;
  const starved = waitsForStorage(pace) ? (1 - speed) * (0.6 + 0.35 * share) : 0;
  return { cpu, io: Math.max(starved, job.needs.dataset === 'none' ? 0 : 0.008) };
}

function waitsForStorage({ limit }: Pace): boolean {
  return limit === 'local_storage' || limit === 'shared_storage';
}

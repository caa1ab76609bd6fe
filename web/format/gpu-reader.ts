// How GPUs are read on a node, and since when they are not, in words.
import type { GpuReaderSummary, Outage } from '#server/contract';
import { showClock } from './time.ts';

const names: Readonly<Record<string, string>> = {
  nvml: 'NVML',
  nvidia_smi: 'nvidia-smi',
  dcgm_exporter: 'dcgm-exporter',
  dcgmi: 'dcgmi',
  gpm: 'GPM',
};

const nameOf = (word: string): string => names[word] ?? word;

/** `nvidia-smi, profiling by dcgm-exporter`; null while nobody has delivered yet. */
export function readerText({ backend, profiling }: GpuReaderSummary): string | null {
  if (backend === '') return null;
  const by = profiling === '' || profiling === 'none' ? 'no profiling' : `profiling by ${nameOf(profiling)}`;
  return `${nameOf(backend)}, ${by}`;
}

/** `7 of 8 GPUs`; null where the agent does not count. */
export function countText({ gpus_seen, gpus_expected }: GpuReaderSummary): string | null {
  if (gpus_seen === null && gpus_expected === null) return null;
  const most = gpus_expected ?? gpus_seen ?? 0;
  return `${gpus_seen ?? 'none'} of ${most} ${most === 1 ? 'GPU' : 'GPUs'}`;
}

/** Whether GPUs are missing that are on the bus. */
export function lacksGpus({ gpus_seen, gpus_expected }: GpuReaderSummary): boolean {
  return gpus_expected !== null && (gpus_seen ?? 0) < gpus_expected;
}

/** The same for the row of one GPU, where room is dear. */
export function shortOutageSince({ kind, text, since_ms }: Outage): string {
  const short = { driver_hangs: 'driver hangs', gpu_lost: 'lost', not_read: text }[kind];
  return `${short} since ${showClock(since_ms)}`;
}

/** `GPU driver not answering since 14:32:05` */
export function outageSince({ text, since_ms }: Outage): string {
  return `${text} since ${showClock(since_ms)}`;
}

// The sentences of alerts: who, what, for how long, and the readings that show it.
import type { FleetGpu } from '../fleet/gpu.ts';

export function heldIdleText(gpu: FleetGpu, forMs: number): string {
  return `${nameOf(gpu)} is held idle for ${renderDuration(forMs)}: ${readings(gpu)}`;
}

export function underusedText(gpu: FleetGpu, forMs: number): string {
  return `${nameOf(gpu)} is underused for ${renderDuration(forMs)}: ${readings(gpu)}`;
}

export function nodeDownText(node: string, forMs: number, gpus: number): string {
  const judged = gpus === 0 ? '' : `; its ${gpus === 1 ? 'GPU is' : `${gpus} GPUs are`} not observed`;
  return `${node} delivers nothing for ${renderDuration(forMs)}${judged}`;
}

export function driverHangsText(node: string, forMs: number, gpus: number): string {
  const out = gpus === 0 ? '' : `; its ${gpus === 1 ? 'GPU is' : `${gpus} GPUs are`} out`;
  return `${node}: GPU driver not answering for ${renderDuration(forMs)}${out}`;
}

export function gpuLostText(node: string, gpu: string, forMs: number): string {
  return `${node} GPU ${gpu} is lost for ${renderDuration(forMs)}: the driver no longer reaches it`;
}

export function gpusMissingText(node: string, seen: number, expected: number): string {
  return `${node}: the driver answers for ${seen} of ${expected} GPUs`;
}

export interface XidFacts {
  readonly code: number;
  readonly title: string;
  readonly advice: string;
}

export function xidText(node: string, gpu: string, { code, title, advice }: XidFacts): string {
  return `${node} GPU ${gpu}: Xid ${code}, ${title}. ${advice}`;
}

/** `40 s`, `14 min`, `3 h 20 min`, `2 d 5 h`. */
export function renderDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (seconds < 60) return `${seconds} s`;
  if (minutes < 60) return `${minutes} min`;
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function nameOf(gpu: FleetGpu): string {
  return `${gpu.node.name} GPU ${gpu.gpu}`;
}

/** Only what can be read now. */
function readings(gpu: FleetGpu): string {
  const { processes, memoryUsed, account } = gpu;
  const parts = [
    Number.isNaN(processes) ? [] : [processes === 1 ? '1 process' : `${processes} processes`],
    Number.isNaN(account.minuteBusy) ? [] : [`${Math.round(account.minuteBusy * 100)} % busy`],
    Number.isNaN(memoryUsed) ? [] : [`${renderGigabytes(memoryUsed)} held`],
  ].flat();
  return parts.join(', ');
}

function renderGigabytes(bytes: number): string {
  return bytes >= 10e9 ? `${Math.round(bytes / 1e9)} GB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

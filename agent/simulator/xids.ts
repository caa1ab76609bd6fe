// The Xids of a span of time: GPUs that fall off their bus, pages that are given up, jobs that end with an error.
import { retiredBy, xidAtEndOf, type FaultPlan } from './faults.ts';
import type { GpuPlace } from './wanted-faults.ts';
import { processIdOf, processNameOf } from './gpu-model.ts';
import type { Culprit, XidCode } from './kernel-log.ts';
import type { RunningJob } from './queue.ts';
import { noiseAt } from './random.ts';

export interface Xid extends GpuPlace {
  readonly xid: XidCode;
  readonly timeS: number;
  readonly culprit: Culprit | undefined;
}

interface Span {
  readonly fromS: number;
  readonly toS: number;
}

/** In order of time, after `fromS` and up to `toS`. */
export function xidsBetween(faults: FaultPlan, ended: readonly RunningJob[], span: Span): readonly Xid[] {
  const found = [
    ...lossesIn(faults, span),
    ...retirementsIn(faults, span),
    ...(faults.jobErrors ? ended.flatMap(jobError) : []),
  ];
  return found.toSorted((a, b) => a.timeS - b.timeS);
}

function lossesIn({ outages }: FaultPlan, { fromS, toS }: Span): readonly Xid[] {
  return outages
    .filter((outage) => outage.fromS > fromS && outage.fromS <= toS)
    .map(({ node, gpu, fromS: timeS }) => ({ node, gpu, xid: 79, timeS, culprit: undefined }));
}

function retirementsIn({ wornMemory }: FaultPlan, { fromS, toS }: Span): readonly Xid[] {
  if (!wornMemory) return [];
  const { node, gpu, firstS, errorEveryS, errorsPerPage } = wornMemory;
  const [before, now] = [retiredBy(wornMemory, fromS), retiredBy(wornMemory, toS)];
  return Array.from({ length: now - before }, (_, index) => ({
    node,
    gpu,
    xid: 63,
    timeS: firstS + ((before + index + 1) * errorsPerPage - 1) * errorEveryS,
    culprit: undefined,
  }));
}

function jobError(job: RunningJob): readonly Xid[] {
  const xid = xidAtEndOf(job);
  const place = job.places[Math.floor(noiseAt(job.stream, 1302) * job.places.length)];
  const gpu = place?.gpus[Math.floor(noiseAt(job.stream, 1303) * place.gpus.length)];
  if (xid === undefined || !place || gpu === undefined) return [];
  // The kernel cuts the names of tasks to 15 letters and knows no directories.
  const name = (processNameOf(job).split('/').at(-1) ?? '').slice(0, 15);
  return [{ node: place.node, gpu, xid, timeS: job.endS, culprit: { pid: processIdOf(job, gpu), name } }];
}

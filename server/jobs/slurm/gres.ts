// Generic resources as Slurm writes them: `gpu:v100:3(IDX:0-1,4)` of jobs, `gres/gpu=4` in lists of resources.
import { expandNumbers } from './host-list.ts';

/** Places of whole GPUs; shards and MPS are no whole GPUs and give none. */
export function placesIn(gres: string): readonly number[] {
  return gres.split(/,(?![^(]*\))/).flatMap((part) => {
    const [, list] = /^gpu(?::[^()]*)?\(IDX:([\d,-]+)\)$/.exec(part) ?? [];
    return list === undefined ? [] : expandNumbers(list).map(Number);
  });
}

export interface GpuRequest {
  /** Resources as accounted: `cpu=16,node=2,gres/gpu=4`. */
  readonly tres: string;
  readonly perJob: string;
  readonly perNode: string;
  readonly perTask: string;
  readonly nodes: number;
  readonly tasks: number;
}

/** GPUs a job asked for, and of which type. Sites that do not account GPUs leave them out of `tres`. */
export function requestedGpus(request: GpuRequest): { readonly count: number; readonly type: string } {
  const [perJob, perNode, perTask] = [request.perJob, request.perNode, request.perTask].map(readRequest);
  const type = [perJob, perNode, perTask].find((one) => one?.type !== undefined)?.type ?? typeInTres(request.tres);
  const [, accounted] = /\bgres\/gpu=(\d+)/.exec(request.tres) ?? [];
  if (accounted !== undefined) return { count: Number(accounted), type };
  if (perJob) return { count: perJob.count, type };
  if (perNode) return { count: perNode.count * (request.nodes || 1), type };
  return { count: (perTask?.count ?? 0) * (request.tasks || 1), type };
}

function typeInTres(tres: string): string {
  return /\bgres\/gpu:([^=,:]+)=/.exec(tres)?.[1] ?? '';
}

/** `gres:gpu:v100:2`, `gres/gpu:2`, `gres:gpu`; of several types the sum, and the type only where there is one. */
function readRequest(text: string): { readonly count: number; readonly type: string | undefined } | undefined {
  const parts = [...text.matchAll(/(?:^|,)(?:gres[:/])?gpu(?::([A-Za-z][^:=,()]*))?(?:[:=](\d+))?(?=,|\(|$)/g)];
  if (parts.length === 0) return undefined;
  const types = new Set(parts.map(([, type]) => type));
  return {
    count: parts.reduce((sum, [, , count]) => sum + Number(count ?? 1), 0),
    type: types.size === 1 ? [...types][0] : undefined,
  };
}

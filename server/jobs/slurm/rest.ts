// Jobs and nodes as slurmrestd tells them, `/slurm/vX/jobs` and `/nodes`. The shapes drift from version to version: a state is a word
// or a list, a number is bare or {set, infinite, number}, of 21.08 up to 26.05.
import { placesIn, requestedGpus } from './gres.ts';
import { expandNodes } from './host-list.ts';
import { SlurmError, type NodeGpus, type SlurmJob, type SlurmNode } from './model.ts';

type Fields = Readonly<Record<string, unknown>>;

export function readRestJobs(answer: unknown): readonly SlurmJob[] {
  return listIn(answer, 'jobs').map(readJob);
}

export function readRestNodes(answer: unknown): readonly SlurmNode[] {
  return listIn(answer, 'nodes').map((node) => ({
    name: text(node['name']),
    host: text(node['hostname']),
    state: [...words(node['state']), ...words(node['state_flags'])].map((word) => word.toUpperCase()).join('+'),
    reason: text(node['reason']) || (text(node['reservation']) && `reservation ${text(node['reservation'])}`),
    gres: text(node['gres']),
    partitions: words(node['partitions']),
  }));
}

function listIn(answer: unknown, key: string): readonly Fields[] {
  const list = isFields(answer) ? answer[key] : undefined;
  if (!Array.isArray(list)) throw new SlurmError(`slurmrestd's answer has no ${key}`);
  return list.filter(isFields);
}

function readJob(job: Fields): SlurmJob {
  const id = number(job['job_id']);
  if (id === undefined) throw new SlurmError('slurmrestd tells of a job without a number');
  const array = number(job['array_job_id']) ?? 0;
  const task = number(job['array_task_id']);
  const het = number(job['het_job_id']) ?? 0;
  const nodes = number(job['node_count']) ?? NaN;
  const asked = requestedGpus({
    tres: text(job['tres_alloc_str']) || text(job['tres_req_str']),
    perJob: text(job['tres_per_job']),
    perNode: text(job['tres_per_node']),
    perTask: text(job['tres_per_task']),
    nodes,
    tasks: number(job['tasks']) ?? NaN,
  });
  const minutes = number(job['time_limit']);
  return {
    id: String(id),
    sluid: text(job['sluid']),
    displayId:
      array > 0 && task !== undefined
        ? `${array}_${task}`
        : het > 0
          ? `${het}+${number(job['het_job_offset']) ?? 0}`
          : String(id),
    arrayJobId: array > 0 ? String(array) : '',
    name: text(job['name']),
    user: text(job['user_name']),
    account: text(job['account']),
    partition: text(job['partition']),
    state: words(job['job_state'])[0] ?? '',
    reason: text(job['state_reason']).replace(/^None$/, ''),
    startMs: timeOf(job['start_time']),
    endMs: timeOf(job['end_time']),
    timeLimitS: minutes === undefined ? undefined : minutes * 60,
    restarts: number(job['restart_cnt']) ?? 0,
    nodes,
    cpus: number(job['cpus']) ?? NaN,
    requestedGpus: asked.count,
    gpuType: asked.type,
    gpus: gpusOf(job),
  };
}

/** One entry per node, in the order of the list of nodes. */
function gpusOf(job: Fields): readonly NodeGpus[] {
  const details = words(job['gres_detail']);
  const nodes = expandNodes(text(job['nodes']));
  if (details.length !== nodes.length) return [];
  return nodes.flatMap((node, at) => {
    const places = placesIn(details[at] ?? '');
    return places.length === 0 ? [] : [{ node, places }];
  });
}

function timeOf(value: unknown): number | undefined {
  const seconds = number(value);
  return seconds === undefined || seconds === 0 ? undefined : seconds * 1000;
}

function number(value: unknown): number | undefined {
  if (isFields(value))
    return value['set'] === false || value['infinite'] === true ? undefined : number(value['number']);
  const found = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function words(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.filter((word) => typeof word === 'string');
  return text(value) === '' ? [] : [text(value)];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// `scontrol show job -o -d` and `scontrol show node -o -d`, a record a line. Times in UTC: the tool is run so.
// Names of jobs hold blanks: a value goes on until the next known key. scontrol(1).

export class ScontrolError extends Error {
  override name = 'ScontrolError';
}

/** GPUs of one node that a job was given, by their place in the node's list of generic resources. */
export interface NodeGpus {
  readonly node: string;
  readonly places: readonly number[];
}

export interface SlurmJob {
  /** As the kernel's cgroups have it; an array's task has one of its own. */
  readonly id: string;
  /** As people know it: `3_0` for the first task of array 3. */
  readonly name: string;
  readonly displayId: string;
  readonly arrayJobId: string;
  readonly user: string;
  readonly account: string;
  readonly partition: string;
  /** RUNNING, PENDING, COMPLETED … */
  readonly state: string;
  readonly reason: string;
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  readonly timeLimit: string;
  readonly nodes: number;
  readonly cpus: number;
  readonly requestedGpus: number;
  readonly gpus: readonly NodeGpus[];
}

export interface SlurmNode {
  readonly name: string;
  /** MIXED, IDLE+DRAIN … */
  readonly state: string;
  readonly reason: string;
  readonly gres: string;
}

/** Keys before and after values that hold blanks; where a value ends. */
const KEY = /(?:^|\s)([A-Z][A-Za-z/:_]*)=/g;

export function parseJobs(text: string): readonly SlurmJob[] {
  return linesOf(text, 'JobId=').map(parseJob);
}

export function parseNodes(text: string): readonly SlurmNode[] {
  return linesOf(text, 'NodeName=').map((line) => {
    const value = valuesOf(line);
    const name = value('NodeName');
    return { name, state: value('State'), reason: orEmpty(value('Reason')), gres: orEmpty(value('Gres')) };
  });
}

function linesOf(text: string, begins: string): readonly string[] {
  if (/^No (?:jobs|nodes) in the system/.test(text)) return [];
  return text.split('\n').flatMap((line, at) => {
    const trimmed = line.trim();
    if (trimmed === '') return [];
    if (!trimmed.startsWith(begins)) {
      throw new ScontrolError(`line ${at + 1} does not begin with ${begins}: ${trimmed.slice(0, 60)}`);
    }
    return [trimmed];
  });
}

/** The first value of a key; a later one of the same name belongs to a group of nodes. */
function valuesOf(line: string): (key: string) => string {
  const found = new Map<string, string>();
  const keys = [...line.matchAll(KEY)];
  for (const [at, match] of keys.entries()) {
    const [whole, key = ''] = match;
    const end = keys[at + 1]?.index ?? line.length;
    if (!found.has(key)) found.set(key, line.slice(match.index + whole.length, end).trim());
  }
  return (key) => found.get(key) ?? '';
}

function parseJob(line: string): SlurmJob {
  const value = valuesOf(line);
  const id = value('JobId');
  if (!/^\d+$/.test(id)) throw new ScontrolError(`a job without a number: ${line.slice(0, 60)}`);
  const array = value('ArrayJobId');
  const task = value('ArrayTaskId');
  return {
    id,
    displayId: array !== '' && /^\d+$/.test(task) ? `${array}_${task}` : id,
    arrayJobId: array,
    name: orEmpty(value('JobName')),
    user: value('UserId').replace(/\(\d+\)$/, ''),
    account: orEmpty(value('Account')),
    partition: orEmpty(value('Partition')),
    state: value('JobState'),
    reason: orEmpty(value('Reason')).replace(/^None$/, ''),
    startMs: timeOf(value('StartTime')),
    endMs: timeOf(value('EndTime')),
    timeLimit: value('TimeLimit'),
    nodes: Number(/^\d+/.exec(value('NumNodes'))?.[0] ?? NaN),
    cpus: Number(value('NumCPUs') || NaN),
    requestedGpus: requestedGpus(line),
    gpus: gpusOf(line),
  };
}

function orEmpty(text: string): string {
  return text === '(null)' || text === 'N/A' ? '' : text;
}

function timeOf(text: string): number | undefined {
  const ms = Date.parse(`${text}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `Nodes=hgx[01-02] CPU_IDs=0-3 Mem=0 GRES=gpu:v100:2(IDX:0-1)`, once per group of nodes with the same GPUs. */
const GROUP = /\sNodes=(\S+) CPU_IDs=\S* Mem=\S* GRES=(\S*)/g;

function gpusOf(line: string): readonly NodeGpus[] {
  return [...line.matchAll(GROUP)].flatMap(([, nodes = '', gres = '']) => {
    const places = gres.split(/,(?![^(]*\))/).flatMap((part) => placesOf(part));
    return places.length === 0 ? [] : expandNodes(nodes).map((node) => ({ node, places }));
  });
}

/** `gpu:v100:3(IDX:0-1,4)`; shards and MPS are no whole GPUs and give none. */
function placesOf(gres: string): readonly number[] {
  const [, list] = /^gpu(?::[^()]*)?\(IDX:([\d,-]+)\)$/.exec(gres) ?? [];
  return list === undefined ? [] : expandNumbers(list).map(Number);
}

function requestedGpus(line: string): number {
  const [, allocated] = /\bgres\/gpu=(\d+)/.exec(line) ?? [];
  if (allocated !== undefined) return Number(allocated);
  const [, perNode] = /\bTresPerNode=gres:gpu(?::[a-zA-Z][^:\s]*)?:(\d+)/.exec(line) ?? [];
  const [, perJob] = /\bTresPerJob=gres:gpu(?::[a-zA-Z][^:\s]*)?:(\d+)/.exec(line) ?? [];
  const [, nodes = '1'] = /\bNumNodes=(\d+)/.exec(line) ?? [];
  return perJob !== undefined ? Number(perJob) : perNode === undefined ? 0 : Number(perNode) * Number(nodes);
}

/** More names than any cluster has nodes. */
const MOST_NAMES = 100_000;

/** `hgx[01-02,05],login1`. Zeros in front are kept. */
export function expandNodes(list: string): readonly string[] {
  return list.split(/,(?![^[]*\])/).flatMap((part) => expandPart(part));
}

function expandPart(part: string): readonly string[] {
  const [, before, inside, after] = /^([^[\]]*)\[([^\]]*)\](.*)$/.exec(part) ?? [];
  if (before === undefined || inside === undefined || after === undefined) return part === '' ? [] : [part];
  return expandNumbers(inside).flatMap((number) =>
    expandPart(after)
      .map((rest) => `${before}${number}${rest}`)
      .concat(after === '' ? [`${before}${number}`] : []),
  );
}

function expandNumbers(list: string): readonly string[] {
  return list.split(',').flatMap((range) => {
    const [, from, to] = /^(\d+)-(\d+)$/.exec(range) ?? [];
    if (from === undefined || to === undefined) return [range];
    const count = Number(to) - Number(from) + 1;
    if (!(count >= 0 && count <= MOST_NAMES)) throw new ScontrolError(`a list of nodes that is too long: ${range}`);
    return Array.from({ length: count }, (_, at) => String(Number(from) + at).padStart(from.length, '0'));
  });
}

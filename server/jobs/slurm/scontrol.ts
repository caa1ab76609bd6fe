// `scontrol show job -o -d` and `scontrol show node -o -d`, a record a line. Times in UTC: the tool is run so. scontrol(1).
// Names of jobs and comments are the users': they hold blanks, and may look like keys. What counts is told before or between them.
import { placesIn, requestedGpus } from './gres.ts';
import { expandNodes } from './host-list.ts';
import { SlurmError, type NodeGpus, type SlurmJob, type SlurmNode } from './model.ts';

export function parseJobs(text: string): readonly SlurmJob[] {
  return linesOf(text, 'JobId=').map(parseJob);
}

export function parseNodes(text: string): readonly SlurmNode[] {
  return linesOf(text, 'NodeName=').map((line) => {
    const value = valuesOf(line);
    return {
      name: value('NodeName'),
      host: value('NodeHostName'),
      state: value('State'),
      reason: reasonOf(line) || reservationOf(value('ReservationName')),
      gres: orEmpty(value('Gres')),
      partitions: value('Partitions').split(',').filter(Boolean),
    };
  });
}

/** `scontrol show reservation -o`: the name of the active one by node. */
export function parseReservations(text: string): ReadonlyMap<string, string> {
  if (text.startsWith('No reservations in the system')) return new Map();
  const active = linesOf(text, 'ReservationName=')
    .map(valuesOf)
    .filter((value) => value('State') === 'ACTIVE');
  return new Map(
    active.flatMap((value) => expandNodes(value('Nodes')).map((node) => [node, value('ReservationName')] as const)),
  );
}

/** Written by people, it ends the record; in brackets who wrote it, and when. */
function reasonOf(line: string): string {
  return (/ Reason=(.*)$/.exec(line)?.[1] ?? '').replace(/ \[[^[\]]*@[^[\]]*\].*$/, '').trim();
}

/** What is told where no person wrote a reason. */
export function reservationOf(name: string): string {
  return name === '' ? '' : `reservation ${name}`;
}

function linesOf(text: string, begins: string): readonly string[] {
  if (/^No (?:jobs|nodes) in the system/.test(text)) return [];
  return text.split('\n').flatMap((line, at) => {
    const trimmed = line.trim();
    if (trimmed === '') return [];
    if (!trimmed.startsWith(begins)) {
      throw new SlurmError(`line ${at + 1} does not begin with ${begins}: ${trimmed.slice(0, 60)}`);
    }
    return [trimmed];
  });
}

const KEY = /(?:^|\s)([A-Z][A-Za-z/:_]*)=/g;

/** The first value of a key: a later one of the same name is in somebody's comment, or of a group of nodes. */
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
  const { head, name, user, rest } = takeApart(line);
  const id = head('JobId');
  if (!/^\d+$/.test(id)) throw new SlurmError(`a job without a number: ${line.slice(0, 60)}`);
  const value = valuesOf(rest);
  const arrayJobId = head('ArrayJobId');
  const nodes = Number(/^\d+/.exec(value('NumNodes'))?.[0] ?? NaN);
  const asked = requestedGpus({
    tres: ['AllocTRES', 'TRES', 'ReqTRES'].map((key) => orEmpty(value(key))).find((one) => one !== '') ?? '',
    perJob: lastOf(rest, 'TresPerJob'),
    perNode: lastOf(rest, 'TresPerNode'),
    perTask: lastOf(rest, 'TresPerTask'),
    nodes,
    tasks: Number(value('NumTasks')),
  });
  return {
    id,
    sluid: head('SLUID'),
    displayId: displayIdOf(id, head),
    arrayJobId,
    name: orEmpty(name),
    user,
    account: orEmpty(value('Account')),
    partition: orEmpty(value('Partition')),
    state: value('JobState'),
    reason: orEmpty(value('Reason')).replace(/^None$/, ''),
    startMs: timeOf(value('StartTime')),
    endMs: timeOf(value('EndTime')),
    timeLimitS: secondsOf(value('TimeLimit')),
    restarts: Number(value('Restarts') || 0),
    nodes,
    cpus: Number(value('NumCPUs') || NaN),
    requestedGpus: asked.count,
    gpuType: asked.type,
    gpus: gpusOf(rest),
  };
}

function displayIdOf(id: string, head: (key: string) => string): string {
  const [array, task, het] = [head('ArrayJobId'), head('ArrayTaskId'), head('HetJobId')];
  if (array !== '' && /^\d+$/.test(task)) return `${array}_${task}`;
  return het !== '' && het !== '0' ? `${het}+${head('HetJobOffset')}` : id;
}

interface Parts {
  /** What stands before the name. */
  readonly head: (key: string) => string;
  readonly name: string;
  readonly user: string;
  /** What stands behind the user. */
  readonly rest: string;
}

const USER = / UserId=(\S+)\(\d+\) GroupId=\S+ MCS_label=\S+/g;

/** A name or a comment that holds a user of its own makes the true one unknown: better nobody than the wrong one. */
function takeApart(line: string): Parts {
  const named = line.indexOf(' JobName=');
  const head = valuesOf(named === -1 ? line : line.slice(0, named));
  const users = [...line.matchAll(USER)];
  const [first] = users;
  if (named === -1 || !first) return { head, name: '', user: '', rest: line };
  const name = line.slice(named + ' JobName='.length, first.index);
  const last = users.at(-1) ?? first;
  const user = users.length === 1 ? (first[1] ?? '') : '';
  return { head, name, user, rest: line.slice(last.index + last[0].length) };
}

function lastOf(line: string, key: string): string {
  const at = line.lastIndexOf(` ${key}=`);
  return at === -1 ? '' : (/^\S*/.exec(line.slice(at + key.length + 2))?.[0] ?? '');
}

function orEmpty(text: string): string {
  return text === '(null)' || text === 'N/A' ? '' : text;
}

function timeOf(text: string): number | undefined {
  const ms = Date.parse(`${text}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `365-00:00:00`, `04:00:00`, `UNLIMITED`. */
function secondsOf(text: string): number | undefined {
  const [, days = '0', hours, minutes, seconds] = /^(?:(\d+)-)?(\d+):(\d+):(\d+)$/.exec(text) ?? [];
  return hours === undefined
    ? undefined
    : Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** `Nodes=hgx[01-02] CPU_IDs=0-3 Mem=0 GRES=gpu:v100:2(IDX:0-1)`, once per group of nodes with the same GPUs. */
const GROUP = /\sNodes=(\S+) CPU_IDs=\S* Mem=\S* GRES=(\S*)/g;

/** The groups stand before the first thing that a user may write. */
function gpusOf(rest: string): readonly NodeGpus[] {
  const end = rest.indexOf(' MinCPUsNode=');
  return [...(end === -1 ? rest : rest.slice(0, end)).matchAll(GROUP)].flatMap(([, nodes = '', gres = '']) => {
    const places = placesIn(gres);
    return places.length === 0 ? [] : expandNodes(nodes).map((node) => ({ node, places }));
  });
}

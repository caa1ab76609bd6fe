// `whyidle why [TARGET] [--json]`: what a GPU, node, job or the whole fleet waits for, asked of a server.
// TARGET is a node, NODE/GPU, a UUID, a job, a user, a cause or an incident; none is the whole fleet.
import { flagSwitch, renderFlags, resolveSettings, UsageError, type Settings } from '#agent/contract';
import { leaves, type GpusAnswer, type GpuSummary, type Incident, type IncidentsAnswer } from '#server/contract';
import * as v from 'valibot';
import { duration } from '../incidents/words.ts';
import { askServer } from './ask.ts';
import { wantsHelp } from './wants-help.ts';

const settings = {
  'why.server': {
    schema: v.pipe(v.string(), v.url('it is no URL')),
    default: 'http://127.0.0.1:8420',
    defaultText: 'http://127.0.0.1:8420',
    flag: 'server',
    argument: 'URL',
    help: 'which server to ask',
  },
  'why.json': { schema: flagSwitch, default: false, flag: 'json', help: 'print JSON' },
} as const satisfies Settings;

export async function runWhy(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) {
    process.stdout.write(
      `Usage: whyidle why [TARGET] [FLAGS]\n\nWhat a GPU, node, job or the whole fleet waits for. TARGET is a node, NODE/GPU, a UUID, a job, a user, a cause\nor an incident. Ends with 1 where something is lost.\n\n${renderFlags(settings)}\n`,
    );
    return 0;
  }
  const { values, positionals } = resolveSettings(settings, { env: process.env, args });
  const [target, further] = positionals;
  if (further !== undefined) throw new UsageError(`${further} is not understood: one target at a time`);
  const server = values['why.server'];
  const [gpus, incidents] = await Promise.all([
    askServer<GpusAnswer>(new URL('/api/v1/gpus', server)),
    askServer<IncidentsAnswer>(new URL('/api/v1/incidents', server)),
  ]);
  for (const answer of [gpus, incidents]) if ('error' in answer) return failed(answer.error.message);
  if ('error' in gpus || 'error' in incidents) return 2;
  const told = tell(target, gpus.gpus, incidents.incidents);
  if (!told)
    return failed(`nothing called ${target ?? ''} is known to ${server}: try a node, NODE/GPU, a job or a user`);
  process.stdout.write(
    values['why.json'] ? `${JSON.stringify({ schema_version: 1, target: target ?? null, ...told })}\n` : render(told),
  );
  return told.incidents.length > 0 ? 1 : 0;
}

interface Told {
  readonly gpus: readonly GpuSummary[];
  readonly incidents: readonly Incident[];
}

/** undefined where the target matches nothing. */
export function tell(
  target: string | undefined,
  gpus: readonly GpuSummary[],
  all: readonly Incident[],
): Told | undefined {
  const open = all.filter(({ state }) => state === 'open');
  if (target === undefined) return { gpus, incidents: open };
  const one = all.find(({ id }) => id === target);
  if (one) return { gpus: gpus.filter((gpu) => isVictim(one, gpu)), incidents: [one] };
  const matching = gpus.filter((gpu) => matches(gpu, target));
  const byCause = open.filter(({ cause }) => cause === target || cause.startsWith(`${target}.`));
  if (matching.length === 0 && byCause.length === 0) return undefined;
  const incidents = open.filter(
    (incident) =>
      byCause.includes(incident) ||
      incident.culprit?.node === target ||
      matching.some((gpu) => isVictim(incident, gpu)),
  );
  return { gpus: matching, incidents };
}

function matches({ node, gpu, uuid, job_id, user, cause }: GpuSummary, target: string): boolean {
  return [node, `${node}/${gpu}`, `${node}:${gpu}`, uuid, job_id, user, cause].includes(target);
}

function isVictim({ gpus }: Incident, { node, uuid }: GpuSummary): boolean {
  return gpus.some((one) => one.node === node && one.uuid === uuid);
}

function render({ gpus, incidents }: Told): string {
  const classes = [...Map.groupBy(gpus, (gpu) => gpu.class)].sort(([, a], [, b]) => b.length - a.length);
  const summary = classes.map(([leaf, some]) => `${some.length} ${leaves[leaf].title}`).join(', ');
  const head = gpus.length === 0 ? '' : `${gpus.length} GPUs: ${summary}.\n`;
  if (incidents.length === 0) return `${head}Nothing is lost that whyidle can name.\n`;
  return `${head}\n${incidents.map(renderIncident).join('\n')}`;
}

function renderIncident({
  id,
  title,
  severity,
  owner,
  confidence,
  text,
  evidence,
  ruled_out,
  lost_gpu_seconds,
}: Incident): string {
  const line = ({ title: name, text: value, against }: Incident['evidence'][number]): string =>
    `  ${name}: ${value}${against ? ` (${against.kind} ${against.text})` : ''}\n`;
  const out =
    ruled_out.length === 0
      ? ''
      : `  not it: ${ruled_out.map(({ title: name, text: value }) => `${name} ${value}`).join(', ')}\n`;
  return `${severity.toUpperCase()} ${title} [${id}], owner ${owner}, confidence ${confidence}, ${duration(lost_gpu_seconds)} of GPU time lost so far\n  ${text}\n${evidence.map(line).join('')}${out}`;
}

function failed(message: string): number {
  process.stderr.write(`whyidle: ${message}\n`);
  return 2;
}

// `whyidle query METRIC [--labels L] [--from T] [--to T] [--step S] [--json]`: readings of the past, asked of a server.
import { flagSwitch, renderFlags, resolveSettings, UsageError, type Settings } from '#agent/contract';
import type { ApiError, QueryAnswer } from '#server/contract';
import * as v from 'valibot';
import { askServer } from './ask.ts';
import { wantsHelp } from './wants-help.ts';

const text = v.pipe(v.string(), v.minLength(1, 'it is empty'));

const settings = {
  'query.server': {
    schema: v.pipe(v.string(), v.url('it is no URL')),
    default: 'http://127.0.0.1:8420',
    defaultText: 'http://127.0.0.1:8420',
    flag: 'server',
    argument: 'URL',
    help: 'which server to ask',
  },
  'query.labels': {
    schema: text,
    default: undefined,
    flag: 'labels',
    argument: 'NAME=VALUE,…',
    help: 'only series with these labels',
  },
  'query.from': {
    schema: text,
    default: undefined,
    defaultText: 'an hour before --to',
    flag: 'from',
    argument: 'TIME',
    help: '2026-11-26T10:00Z, -2h',
  },
  'query.to': {
    schema: text,
    default: undefined,
    defaultText: 'now',
    flag: 'to',
    argument: 'TIME',
    help: 'the end of the range',
  },
  'query.step': {
    schema: text,
    default: undefined,
    defaultText: 'by the width',
    flag: 'step',
    argument: 'TIME',
    help: 'time between points; raw = every reading',
  },
  'query.json': { schema: flagSwitch, default: false, flag: 'json', help: 'print the JSON of /api/v1/query' },
} as const satisfies Settings;

export async function runQuery(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) {
    process.stdout.write(
      `Usage: whyidle query METRIC [FLAGS]\n\nReadings of one metric over time, from the history of a server. Ends with 1 where there are none.\n\n${renderFlags(settings)}\n`,
    );
    return 0;
  }
  const { values, positionals } = resolveSettings(settings, { env: process.env, args });
  const [metric, further] = positionals;
  if (metric === undefined)
    throw new UsageError('say which metric: whyidle query gpu_power_watts --labels node=node07');
  if (further !== undefined) throw new UsageError(`${further} is not understood: this command takes one metric`);
  const url = new URL('/api/v1/query', values['query.server']);
  const words = {
    metric,
    labels: values['query.labels'],
    from: values['query.from'],
    to: values['query.to'],
    step: values['query.step'],
  };
  for (const [name, value] of Object.entries(words)) if (value !== undefined) url.searchParams.set(name, value);
  const answer = await askServer<QueryAnswer>(url);
  if ('error' in answer) return refused(answer);
  process.stdout.write(values['query.json'] ? `${JSON.stringify(answer)}\n` : renderTable(answer));
  return answer.series.some(({ times_ms }) => times_ms.length > 0) ? 0 : 1;
}

function refused({ error: { message, hint } }: ApiError): number {
  process.stderr.write(`whyidle: ${message}${hint === undefined ? '' : ` (${hint})`}\n`);
  return 2;
}

/** Tab-separated: a line per point, then what is known to be lost. */
export function renderTable({ series, gaps, unit, kind, resolution }: QueryAnswer): string {
  const what = kind === 'counter' ? `${unit} per second` : unit;
  const head = `time\tlabels\tmean\tmin\tmax\treadings\t(${what}, ${resolution})\n`;
  const points = series.flatMap(({ labels, times_ms, mean, min, max, count }) => {
    const named = Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(',');
    return times_ms.map((time, at) =>
      [new Date(time).toISOString(), named, ...[mean, min, max].map((column) => column[at] ?? '-'), count[at]].join(
        '\t',
      ),
    );
  });
  const lost = gaps.map(
    ({ node, from_ms, to_ms, readings, reason }) =>
      `# lost on ${node}: ${new Date(from_ms).toISOString()} to ${new Date(to_ms).toISOString()}, ${readings} readings, ${reason}`,
  );
  return `${head}${[...points, ...lost].map((line) => `${line}\n`).join('')}`;
}

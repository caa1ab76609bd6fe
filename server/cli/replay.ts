// `whyidle replay FILE.csv[.gz] … [--labels labels.json] [--json]`: judges recorded series, without a server.
import { flagSwitch, renderFlags, resolveSettings, UsageError, type Settings } from '#agent/contract';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import { isEntry } from '../replay/labels.ts';
import { replay, type Recording, type ReplayReport } from '../replay/replay.ts';
import { SeriesError } from '../replay/series.ts';
import { wantsHelp } from './wants-help.ts';

const settings = {
  'replay.labels': {
    schema: v.pipe(v.string(), v.minLength(1, 'it is empty')),
    default: undefined,
    flag: 'labels',
    argument: 'FILE',
    help: 'constants of the machine, and the truth to score against',
  },
  'replay.json': {
    schema: flagSwitch,
    default: false,
    flag: 'json',
    help: 'print JSON, with the verdict of every slot',
  },
} as const satisfies Settings;

/** A day of a large node is far below. */
const MOST_BYTES = 1024 ** 3;

export async function runReplay(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) {
    process.stdout.write(
      `Usage: whyidle replay FILE.csv[.gz] … [FLAGS]\n\nJudges recorded series as the server would have, as fast as it can. Ends with 1 where something was found.\n\n${renderFlags(settings)}\n`,
    );
    return Promise.resolve(0);
  }
  const { values, positionals } = resolveSettings(settings, { env: process.env, args });
  if (positionals.length === 0) throw new UsageError('say which file: whyidle replay FILE.csv.gz');
  try {
    const labels = values['replay.labels'] === undefined ? undefined : readLabels(values['replay.labels']);
    const report = replay(positionals.map((file) => readRecording(file, labels)));
    process.stdout.write(values['replay.json'] ? `${JSON.stringify(report)}\n` : renderReport(report));
    return report.episodes.some(({ cause }) => cause !== 'none') ? 1 : 0;
  } catch (error) {
    if (!(error instanceof UnreadableFile) && !(error instanceof SeriesError)) throw error;
    process.stderr.write(`whyidle: ${error.message}\n`);
    return 2;
  }
}

class UnreadableFile extends Error {}

function readRecording(file: string, labels: Labels | undefined): Recording {
  const name = basename(file).replace(/\.csv(\.gz)?$/, '');
  const entry = labels?.[name];
  if (labels && !isEntry(entry)) throw new UnreadableFile(`the labels say nothing of ${name}`);
  return { file, text: readText(file), entry: isEntry(entry) ? entry : undefined };
}

type Labels = Readonly<Record<string, unknown>>;

function readLabels(file: string): Labels {
  const text = readText(file);
  try {
    const labels: unknown = JSON.parse(text);
    if (isEntry(labels)) return labels;
  } catch {
    // Told below.
  }
  throw new UnreadableFile(`${file} is no JSON object of labels by name`);
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    return (isGzip(bytes) ? gunzipSync(bytes, { maxOutputLength: MOST_BYTES }) : bytes).toString('utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnreadableFile(`${file} cannot be read: ${reason}`, { cause: error });
  }
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Tab-separated, a line per episode. */
export function renderReport({ episodes, macro_f1 }: ReplayReport): string {
  const head = 'file\tcause\towner\tconfidence\tfrom s\tto s\tspeed-up\tculprit\texpected\tright\n';
  const lines = episodes.map((one) =>
    [
      ...[basename(one.file), one.cause, one.owner, one.confidence, one.onset_s ?? '-', one.end_s ?? '-'],
      ...[one.predicted_speedup.toFixed(2), one.culprit ?? '-', one.expected ?? '-'],
      one.correct === undefined ? '-' : one.correct ? 'yes' : 'NO',
    ].join('\t'),
  );
  const score = macro_f1 === undefined ? '' : `# macro F1 ${macro_f1.toFixed(3)}\n`;
  return `${head}${lines.map((line) => `${line}\n`).join('')}${score}`;
}

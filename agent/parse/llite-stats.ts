// `stats` of a Lustre client (llite): lines `name N samples [unit] min max sum sumsq`; what never happened has no line.
// Lustre manual, "Monitoring client activity"; lustre/obdclass/lprocfs_counters.c.
import type { Steps } from '#agent/contract';
import { ParseError } from './parse-error.ts';
import { stepsOf } from './steps.ts';

export interface LliteStats {
  /** undefined until the first read. */
  readonly readBytes: Steps | undefined;
  readonly writtenBytes: Steps | undefined;
  readonly operations: ReadonlyMap<string, Steps>;
}

interface Line {
  readonly name: string;
  readonly samples: Steps;
  readonly unit: string;
  readonly sum: Steps | undefined;
}

/** Counts, requests, microseconds: what such a line counts is an operation. */
const operationUnits: ReadonlySet<string> = new Set(['regs', 'reqs', 'usecs', 'usec']);
const clock = /^(?:snapshot_time|start_time|elapsed_time)\b/;

/** A line without its end was cut and counts for nothing. */
export function parseLliteStats(text: string, source: string): LliteStats {
  const complete = text.split('\n').slice(0, -1);
  if (complete.length === 0) throw new ParseError(source, text, 'lines "name N samples [unit]"');
  const lines = complete.flatMap((line) => {
    const plain = line.trimEnd();
    return plain === '' || clock.test(plain) ? [] : [parseLine(plain, source)];
  });
  const sumOf = (name: string) => lines.find((line) => line.name === name)?.sum;
  return {
    readBytes: sumOf('read_bytes'),
    writtenBytes: sumOf('write_bytes'),
    operations: new Map(
      lines.flatMap(({ name, samples, unit }) => (operationUnits.has(unit) ? [[name, samples] as const] : [])),
    ),
  };
}

function parseLine(line: string, source: string): Line {
  const match = /^([a-z]\w{0,40})\s+(\d+) samples \[(\w+)\](?:\s+(\d+)\s+(\d+)\s+(\d+)(?:\s+\d+)?)?$/.exec(line);
  const samples = stepsOf(match?.[2] ?? '');
  const [, name = '', , unit = '', , , sum = ''] = match ?? [];
  if (samples === undefined || (unit === 'bytes' && sum === '')) {
    throw new ParseError(source, line, '"name N samples [unit] min max sum"');
  }
  return { name, samples, unit, sum: unit === 'bytes' ? stepsOf(sum) : undefined };
}

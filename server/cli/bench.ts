// `whyidle bench detect [--seed N] [--episodes N] [--signals full|nvml|noproc] [--shift FILE.json] [--json]`: how often we are right.
import { RangeError as ShiftError, scenarioNames, shiftRanges, type Ranges } from '#agent/simulator';
import { flagSwitch, renderFlags, resolveSettings, UsageError, type Settings } from '#agent/contract';
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { benchDetect, signalSets } from '../bench/detect.ts';
import { renderDetect } from '../bench/render.ts';
import { wantsHelp } from './wants-help.ts';

const whole = (least: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, 'it is no whole number'),
    v.transform(Number),
    v.minValue(least, `it is below ${least}`),
    v.maxValue(1_000_000, 'it is above 1,000,000'),
  );

/** Of each scenario, unless told otherwise. */
const EACH = 40;

const settings = {
  'bench.seed': { schema: whole(0), default: 1, defaultText: '1', flag: 'seed', argument: 'N', help: 'which episodes' },
  'bench.episodes': {
    schema: whole(1),
    default: EACH * scenarioNames.length,
    defaultText: `${EACH} of each scenario`,
    flag: 'episodes',
    argument: 'N',
    help: 'how many, one scenario after the other',
  },
  'bench.signals': {
    schema: v.picklist(signalSets, 'it is none of full, nvml, noproc'),
    default: 'full',
    defaultText: 'full',
    flag: 'signals',
    argument: 'SET',
    help: 'full; nvml = no profiling counters; noproc = no processes seen',
  },
  'bench.shift': {
    schema: v.pipe(v.string(), v.minLength(1, 'it is empty')),
    default: undefined,
    flag: 'shift',
    argument: 'FILE',
    help: 'JSON of parameter ranges that replace the usual ones',
  },
  'bench.json': { schema: flagSwitch, default: false, flag: 'json', help: 'print JSON' },
} as const satisfies Settings;

export async function runBench(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) {
    process.stdout.write(
      `Usage: whyidle bench detect [FLAGS]\n\nJudges simulated episodes whose cause is known, and says how often it was right.\n\n${renderFlags(settings)}\n`,
    );
    return Promise.resolve(0);
  }
  const { values, positionals } = resolveSettings(settings, { env: process.env, args });
  const [what, further] = positionals;
  if (what !== 'detect' || further !== undefined) throw new UsageError('say what: whyidle bench detect');
  const report = benchDetect({
    seed: values['bench.seed'],
    episodes: values['bench.episodes'],
    signals: values['bench.signals'],
    ranges: values['bench.shift'] === undefined ? undefined : readShift(values['bench.shift']),
  });
  process.stdout.write(values['bench.json'] ? `${JSON.stringify(report)}\n` : renderDetect(report));
  return 0;
}

function readShift(file: string): Ranges {
  try {
    return shiftRanges(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (!(error instanceof ShiftError || error instanceof SyntaxError || 'code' in error)) throw error;
    throw new UsageError(`--shift ${file}: ${error.message}`);
  }
}

// `whyidle fabric [--tools DIR] [--once] [--json] [--window TIME]`: the InfiniBand subnet this host can see, and what is wrong
// with it. No server is asked. Counters are judged by what they gain between two readings, never by their totals.
import { pathToFileURL } from 'node:url';
import {
  durationMs,
  fabricSweepSchema,
  flagSwitch,
  renderFlags,
  resolveSettings,
  UsageError,
  type FabricSweep,
  type Settings,
} from '#agent/contract';
import * as v from 'valibot';
import { judgeFabric } from '../fabric/findings.ts';
import { FabricHistory } from '../fabric/history.ts';
import { buildFabricModel } from '../fabric/model.ts';
import { findPlaces } from './dist.ts';
import { renderFabricJson, renderFabricText, type FabricReport } from './fabric-report.ts';
import { wantsHelp } from './wants-help.ts';

const settings = {
  'fabric.tools': {
    schema: v.pipe(v.string(), v.minLength(1, 'it is empty')),
    default: undefined,
    defaultText: 'the PATH',
    flag: 'tools',
    argument: 'DIR',
    help: 'where infiniband-diags are',
  },
  'fabric.once': {
    schema: flagSwitch,
    default: false,
    flag: 'once',
    help: 'report once and end; else again and again until Ctrl-C',
  },
  'fabric.window': {
    schema: v.pipe(
      durationMs,
      v.minValue(100, 'the shortest window is 100ms'),
      v.maxValue(600_000, 'the longest window is 10m'),
    ),
    default: 10_000,
    defaultText: '10s',
    flag: 'window',
    argument: 'TIME',
    help: 'time between two readings of the counters',
  },
  'fabric.json': { schema: flagSwitch, default: false, flag: 'json', help: 'print JSON' },
} as const satisfies Settings;

/** Growth shows between two. */
const ROUNDS = 2;

export async function runFabric(args: readonly string[]): Promise<number> {
  if (wantsHelp(args)) {
    process.stdout.write(
      `Usage: whyidle fabric [FLAGS]\n\nSweeps the InfiniBand subnet that this host can see and says what is wrong with it. Changes nothing.\nEnds with 1 where a finding is a warning or worse, with 2 where the fabric cannot be read.\n\n${renderFlags(settings)}\n`,
    );
    return 0;
  }
  const { values, positionals } = resolveSettings(settings, { env: {}, args });
  if (positionals[0] !== undefined)
    throw new UsageError(`${positionals[0]} is not understood: this command takes flags only`);
  const render = values['fabric.json'] ? renderFabricJson : renderFabricText;
  const judge = new Judge();
  const readSweeps = await loadReader();
  const count = values['fabric.once'] ? ROUNDS : Infinity;
  await readSweeps({ tools: values['fabric.tools'], count, intervalMs: values['fabric.window'] }, (sweep) => {
    const report = judge.take(v.parse(fabricSweepSchema, sweep));
    if (report) process.stdout.write(render(report));
  });
  return judge.foundSomething ? 1 : 0;
}

/** Sweeps of one subnet, judged from the second on. */
class Judge {
  readonly #history = new FabricHistory();
  foundSomething = false;

  take(sweep: FabricSweep): FabricReport | undefined {
    this.#history.add(sweep);
    if (this.#history.sweeps < ROUNDS) return undefined;
    const model = buildFabricModel(sweep);
    const findings = judgeFabric(model, this.#history, { totals: false });
    this.foundSomething = findings.some(({ severity }) => severity !== 'info');
    return { model, findings };
  }
}

type ReadSweeps = (
  request: { readonly tools: string | undefined; readonly count: number; readonly intervalMs: number },
  onSweep: (sweep: unknown) => void,
) => Promise<void>;

/** The agent's own bundle, loaded at run time so that the agent stays deployable alone. */
async function loadReader(): Promise<ReadSweeps> {
  const program: unknown = await import(/* @vite-ignore */ pathToFileURL(findPlaces().agentProgram).href);
  if (typeof program !== 'object' || program === null || !('sweepSubnet' in program))
    throw new Error('the agent program reads no fabric');
  const { sweepSubnet } = program;
  if (typeof sweepSubnet !== 'function') throw new Error('the agent program reads no fabric');
  return async (request, onSweep) => {
    await Reflect.apply(sweepSubnet, undefined, [request, onSweep]);
  };
}

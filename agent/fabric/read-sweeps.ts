// `sweep` of the agent's program, and what `whyidle fabric` reads with: some sweeps of the subnet, one after the other.
import {
  durationMs,
  positiveInteger,
  resolveSettings,
  UsageError,
  type FabricSweep,
  type Settings,
} from '#agent/contract';
import * as v from 'valibot';
import { systemClock } from '../clock.ts';
import { createCommandRunner } from '../command.ts';
import { createSweeper } from './sweep.ts';
import { fabricEnvironment, findFabricTools } from './tools.ts';

const settings = {
  'sweep.tools': {
    schema: v.string(),
    default: undefined,
    flag: 'tools',
    argument: 'DIR',
    help: 'where infiniband-diags are',
  },
  'sweep.count': { schema: positiveInteger, default: 1, flag: 'count', argument: 'N', help: 'how many' },
  'sweep.interval': {
    schema: durationMs,
    default: 10_000,
    flag: 'interval',
    argument: 'TIME',
    help: 'from one to the next',
  },
} as const satisfies Settings;

const TOPOLOGY_INTERVAL_MS = 300_000;

export interface SweepRequest {
  readonly tools: string | undefined;
  readonly count: number;
  readonly intervalMs: number;
}

/** Throws CannotStart without tools, FabricUnreadable where they tell nothing. */
export async function readSweeps(
  { tools: folder, count, intervalMs }: SweepRequest,
  onSweep: (sweep: FabricSweep) => void,
): Promise<void> {
  const tools = findFabricTools({ folder, path: process.env['PATH'] ?? '' });
  const commands = createCommandRunner();
  const env = fabricEnvironment(process.env);
  const sweeper = createSweeper({ tools, commands, env, clock: systemClock, topologyIntervalMs: TOPOLOGY_INTERVAL_MS });
  const clean = (): void => {
    commands.stopAll();
    sweeper.close();
  };
  const interrupt = (signal: NodeJS.Signals): void => {
    clean();
    process.kill(process.pid, signal);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    for (let round = 0; round < count; round++) {
      if (round > 0) await new Promise((resolve) => setTimeout(resolve, intervalMs));
      onSweep(await sweeper.read());
    }
  } finally {
    process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
    clean();
  }
}

/** `sweep [--tools DIR] [--count N] [--interval TIME]`: a line of JSON for each. */
export async function printSweeps(args: readonly string[], write: (text: string) => void): Promise<number> {
  const { values, positionals } = resolveSettings(settings, { env: {}, args });
  if (positionals[0] !== undefined)
    throw new UsageError(`${positionals[0]} is not understood: this command takes flags only`);
  const { 'sweep.tools': tools, 'sweep.count': count, 'sweep.interval': intervalMs } = values;
  await readSweeps({ tools, count, intervalMs }, (sweep) => {
    write(`${JSON.stringify(sweep)}\n`);
  });
  return 0;
}

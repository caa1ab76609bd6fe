// The agent's fabric sweeper, where its settings ask for one and this host can.
import type { FabricSweep } from '#agent/contract';
import { CannotStart } from '../cannot-start.ts';
import type { Clock } from '../clock.ts';
import type { CommandRunner } from '../command.ts';
import type { Log } from '../log.ts';
import { FabricSweeper } from './fabric-sweeper.ts';
import { createSweeper } from './sweep.ts';
import { fabricEnvironment, findFabricTools, umadProblem } from './tools.ts';

export interface FabricOptions {
  /** Folder of infiniband-diags; undefined for the PATH. */
  readonly tools: string | undefined;
  readonly intervalMs: number;
  readonly topologyIntervalMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface FabricParts {
  readonly commands: CommandRunner;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSweep: (sweep: FabricSweep) => void;
}

/** Says in the log why there is none; the agent goes on without. */
export function startFabric(options: FabricOptions, parts: FabricParts): FabricSweeper | undefined {
  const env = fabricEnvironment(options.env);
  // A simulated subnet has no device files.
  const problem = env['LD_PRELOAD'] === undefined && options.tools === undefined ? umadProblem() : undefined;
  if (problem !== undefined) {
    parts.log.warn(`the fabric is not read: ${problem}`);
    return undefined;
  }
  try {
    const tools = findFabricTools({ folder: options.tools, path: options.env['PATH'] ?? '' });
    const { commands, clock, log, onSweep } = parts;
    const { topologyIntervalMs, intervalMs } = options;
    const sweeper = createSweeper({ tools, commands, clock, env, topologyIntervalMs });
    const fabric = new FabricSweeper({ sweeper, clock, log, intervalMs, onSweep });
    fabric.start();
    return fabric;
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    parts.log.warn(`the fabric is not read: ${error.message}`);
    return undefined;
  }
}

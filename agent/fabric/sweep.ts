// A reader of the subnet that this host can see, with a scratch folder of its own that goes when it is closed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FabricSweep } from '#agent/contract';
import type { Clock } from '../clock.ts';
import type { CommandRunner } from '../command.ts';
import { Tree } from '../sources/tree.ts';
import { readGidPrefix } from './gid-prefix.ts';
import { SubnetReader } from './subnet-reader.ts';
import { ToolRunner } from './tool-runner.ts';
import type { FabricTools } from './tools.ts';

export interface SweepOptions {
  readonly tools: FabricTools;
  readonly commands: CommandRunner;
  readonly clock: Clock;
  /** Variables that the tools get besides those of every child. */
  readonly env: Readonly<Record<string, string>>;
  readonly topologyIntervalMs: number;
}

export interface Sweeper {
  /** Throws FabricUnreadable where there is nothing to tell. */
  read(): Promise<FabricSweep>;
  close(): void;
}

export function createSweeper({ tools, commands, clock, env, topologyIntervalMs }: SweepOptions): Sweeper {
  const cwd = mkdtempSync(join(tmpdir(), 'whyidle-fabric-'));
  const tree = new Tree();
  const runner = new ToolRunner({ commands, clock, env, cwd });
  const reader = new SubnetReader({
    ...{ tools, clock, topologyIntervalMs, runner },
    prefixOf: (portGuid) => readGidPrefix(tree, portGuid),
  });
  return {
    read: () => reader.read(),
    close: () => {
      runner.close();
      tree.close();
      // A tool that was just killed may have left something behind our back.
      rmSync(cwd, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    },
  };
}

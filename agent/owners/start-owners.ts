// Assembles the watch of who has the GPUs, with the kubelet's word where there is one.
import type { Owners } from '#agent/contract';
import { existsSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import type { CommandRunner } from '../command.ts';
import type { Log } from '../log.ts';
import type { Tree } from '../sources/tree.ts';
import { MigParents } from './mig-parents.ts';
import { OwnerWatch } from './owner-watch.ts';
import { PodWatch } from './pod-watch.ts';

export interface OwnerOptions {
  /** Socket of the kubelet; undefined where none may be asked. */
  readonly podSocket: string | undefined;
  readonly hintFolders: readonly string[];
  /** Asked for the GPUs of MIG instances; undefined where none may be started. */
  readonly nvidiaSmi: string | undefined;
}

export interface OwnerParts {
  readonly tree: Tree;
  readonly commands: CommandRunner;
  readonly clock: Clock;
  readonly log: Log;
  readonly onTell: (owners: Owners) => void;
}

export interface RunningOwners {
  readonly watch: OwnerWatch;
  stop(): void;
}

export function startOwners({ podSocket, hintFolders, nvidiaSmi }: OwnerOptions, parts: OwnerParts): RunningOwners {
  const { tree, commands, clock, log, onTell } = parts;
  const pods =
    podSocket === undefined
      ? undefined
      : new PodWatch({
          list: async () => {
            const { listPodResources } = await import('./pod-resources.ts');
            return listPodResources(podSocket);
          },
          isThere: () => existsSync(podSocket),
          ...{ clock, log },
          onChange: () => {
            watch.lookSoon();
          },
        });
  const migParents = new MigParents({
    ...{ nvidiaSmi, commands, monotonicMs: () => clock.monotonicMs() },
    onFound: () => {
      watch.lookSoon();
    },
  });
  const watch = new OwnerWatch({
    ...{ tree, hintFolders, clock, onTell },
    // Below a root no program of the host is asked.
    commands: tree.isHost ? commands : undefined,
    pods: () => pods?.pods,
    gpuOfDevice: (device) => migParents.gpuOf(device),
  });
  watch.start();
  pods?.start();
  return {
    watch,
    stop: () => {
      pods?.stop();
      watch.stop();
    },
  };
}

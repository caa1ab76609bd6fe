// Which GPU a MIG instance is part of: pods are given instances, and nvidia-smi knows them. Asked only where a pod has an unknown one.
import type { CommandRunner } from '../command.ts';
import { parseMigParents } from '../parse/nvidia-smi-list.ts';

const PATIENCE_MS = 10_000;
const ASK_EVERY_MS = 60_000;

export interface MigParentsOptions {
  /** undefined where none may be started. */
  readonly nvidiaSmi: string | undefined;
  readonly commands: Pick<CommandRunner, 'run'>;
  readonly monotonicMs: () => number;
  readonly onFound: () => void;
}

export class MigParents {
  readonly #options: MigParentsOptions;
  #parents: ReadonlyMap<string, string> = new Map();
  #askedMs = -Infinity;

  constructor(options: MigParentsOptions) {
    this.#options = options;
  }

  /** The GPU that a device is, or is part of; the device itself where that is not known, or not yet. */
  gpuOf(device: string): string {
    if (!device.startsWith('MIG-')) return device;
    // Drivers before 470 named an instance by its GPU: MIG-GPU-UUID/1/0.
    const named = /^MIG-(GPU-[\da-f-]+)\//.exec(device)?.[1] ?? this.#parents.get(device);
    if (named === undefined) void this.#ask();
    return named ?? device;
  }

  async #ask(): Promise<void> {
    const { nvidiaSmi, commands, monotonicMs, onFound } = this.#options;
    const nowMs = monotonicMs();
    if (nvidiaSmi === undefined || nowMs - this.#askedMs < ASK_EVERY_MS) return;
    this.#askedMs = nowMs;
    const request = { kind: 'nvidia-smi -L', file: nvidiaSmi, args: ['-L'], timeoutMs: PATIENCE_MS };
    const result = await commands.run(request);
    if (result.kind !== 'done' || result.exitCode !== 0) return;
    this.#parents = parseMigParents(result.stdout);
    if (this.#parents.size > 0) onFound();
  }
}

// Processes that hold GPUs, and what those who work for them do: run, wait for a CPU, are blocked by I/O, or have nothing to do.
// proc/PID/stat, schedstat, task; proc_pid_stat(5). Which processes hold a GPU is told by the collector of GPUs.
import { AreaPresence } from './area.ts';
import type { Collector, CollectorContext, GpuProcesses, Reader, ReadLane, ReadResult } from './collector.ts';
import { GpuWorkers, type OwnerState } from './process/gpu-workers.ts';
import { GpuOwner } from './process/owner.ts';

export const process: Collector = { area: 'process', start: (context) => new ProcessReader(context) };

const MAX_OWNERS = 64;
const MAX_WORKERS = 512;
/** Helpers that one pass looks at, of all processes together. */
const MAX_HELPERS = 1024;
const LOOK_EVERY_MS = 200;
/** The first passes look at threads too, so that workers are known soon after their process began. */
const FULL_SCANS = 3;

class ProcessReader implements Reader {
  readonly #context: CollectorContext;
  readonly #presence: AreaPresence;
  readonly #owners = new Map<number, { readonly owner: GpuOwner; scans: number }>();
  readonly #gpus = new Map<string, GpuWorkers>();
  #cancelLook: (() => void) | undefined;

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#presence = new AreaPresence('process', context);
  }

  discover(): void {
    this.#presence.set(this.#context.gpuProcesses().length > 0 ? undefined : 'not_present');
  }

  read(lane: ReadLane): ReadResult {
    switch (lane) {
      case 'fast':
        this.#readOwners();
        return 'ok';
      case 'medium':
        this.#scan(false);
        return 'ok';
      case 'slow':
        this.#scan(true);
        return 'ok';
    }
  }

  stop(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    this.#keepOnly([]);
    this.#presence.remove();
  }

  #readOwners(): void {
    const { gpuProcesses, snapshot, monotonicMs } = this.#context;
    const gpus = gpuProcesses();
    if (gpus.length > 0) this.#presence.set(undefined);
    this.#keepOnly(gpus);
    const nowMs = monotonicMs();
    const states = new Map([...this.#owners].map(([pid, { owner }]) => [pid, stateOf(owner, nowMs)]));
    for (const gpu of gpus) {
      const shown = this.#gpus.get(gpu.uuid) ?? new GpuWorkers(snapshot, gpu);
      this.#gpus.set(gpu.uuid, shown);
      shown.show(gpu.pids.flatMap((pid) => states.get(pid) ?? []));
    }
    this.#planLook();
  }

  /** Lets go of what is not listed any more, and takes up what is new. */
  #keepOnly(gpus: readonly GpuProcesses[]): void {
    const pids = new Set(gpus.flatMap((gpu) => gpu.pids));
    const uuids = new Set(gpus.map(({ uuid }) => uuid));
    for (const [pid, { owner }] of this.#owners) {
      if (pids.has(pid)) continue;
      owner.close();
      this.#owners.delete(pid);
    }
    for (const [uuid, gpu] of this.#gpus) {
      if (uuids.has(uuid)) continue;
      gpu.remove();
      this.#gpus.delete(uuid);
    }
    for (const pid of pids) {
      if (this.#owners.has(pid) || this.#owners.size >= MAX_OWNERS) continue;
      this.#owners.set(pid, { owner: new GpuOwner(this.#context.tree, pid), scans: 0 });
    }
  }

  #scan(isSlow: boolean): void {
    const nowMs = this.#context.monotonicMs();
    const most = Math.floor(MAX_HELPERS / Math.max(1, this.#owners.size));
    for (const entry of this.#owners.values()) {
      entry.owner.scan({
        ...{ nowMs, most, room: MAX_WORKERS - this.#workers() },
        isOwner: (pid) => this.#owners.has(pid),
        withThreads: isSlow || entry.scans < FULL_SCANS,
      });
      entry.scans++;
    }
  }

  #workers(): number {
    return [...this.#owners.values()].reduce((sum, { owner }) => sum + owner.workers, 0);
  }

  /** Looks go on while there is a worker to look at, and begin again with the next tick that finds one. */
  #planLook(): void {
    if (this.#cancelLook || this.#workers() === 0) return;
    this.#cancelLook = this.#context.after(LOOK_EVERY_MS, () => {
      this.#cancelLook = undefined;
      for (const { owner } of this.#owners.values()) owner.look();
      this.#planLook();
    });
  }
}

function stateOf(owner: GpuOwner, nowMs: number): OwnerState {
  const reading = owner.read(nowMs);
  return { reading, workers: owner.workers };
}

// Series per process of one GPU, where they are switched on.
import { absent, bytes, isAbsent, ratio } from '#agent/contract';
import type { GpuIdentity, GpuProcessUse } from '../../parse/gpu/sheet.ts';
import type { GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';

const MOST_PROCESSES = 256;

interface Shown {
  readonly memory: GaugeSeries<'bytes'>;
  readonly sm: GaugeSeries<'ratio'>;
}

export class ProcessSeries {
  readonly #snapshot: Snapshot;
  readonly #identity: GpuIdentity;
  readonly #group: SeriesGroup;
  #shown: readonly Shown[] = [];
  #known = '';

  constructor(snapshot: Snapshot, identity: GpuIdentity) {
    this.#snapshot = snapshot;
    this.#identity = identity;
    this.#group = snapshot.group();
  }

  show(told: readonly GpuProcessUse[] | undefined): void {
    if (told === undefined) return;
    const processes = onceEach(told);
    const known = processes.map(({ pid, name }) => `${pid} ${name}`).join('\0');
    if (known !== this.#known) {
      this.#known = known;
      this.#group.clear();
      this.#shown = processes.map((process) => this.#add(process));
    }
    for (const [index, { memoryBytes, smUtilization }] of processes.entries()) {
      const shown = this.#shown[index];
      shown?.memory.put(isAbsent(memoryBytes) ? memoryBytes : bytes(memoryBytes));
      shown?.sm.put(smUtilization === undefined ? absent('unsupported') : ratio(smUtilization));
    }
  }

  remove(): void {
    this.#snapshot.remove(this.#group);
  }

  #add({ pid, name }: GpuProcessUse): Shown {
    const labels = { ...this.#identity, pid: String(pid), name };
    return {
      memory: this.#group.gauge('gpu_process_memory_bytes', labels),
      sm: this.#group.gauge('gpu_process_sm_utilization_ratio', labels),
    };
  }
}

/** Who computes and draws is told as both, with the same memory. */
function onceEach(processes: readonly GpuProcessUse[]): readonly GpuProcessUse[] {
  const byPid = new Map<number, GpuProcessUse>();
  for (const process of processes) {
    const known = byPid.get(process.pid);
    if (known ? isAbsent(known.memoryBytes) : byPid.size < MOST_PROCESSES) byPid.set(process.pid, process);
  }
  return [...byPid.values()];
}

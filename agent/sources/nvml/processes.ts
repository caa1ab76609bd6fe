// Processes on a GPU: how many of each kind, and on request each with its memory and its share of the SMs.
// Authority: nvml.h, nvmlProcessInfo_t, nvmlProcessUtilizationSample_t.
import { readFileSync } from 'node:fs';
import type { GpuProcessUse } from '../../parse/gpu/sheet.ts';
import type { CallsLike } from './calls.ts';
import { column, type Group } from './columns.ts';
import { Question, type Device } from './question.ts';
import { FUNCTION_NOT_FOUND, INSUFFICIENT_SIZE, NOT_FOUND, SUCCESS } from './return-codes.ts';
import { processUtilization, processV1, processV2, readCount } from './structs.ts';

type ListCall = CallsLike<'nvmlDeviceGetComputeRunningProcesses_v3'>;
interface Version {
  readonly name: ListCall;
  readonly layout: typeof processV1;
}
const versionsOf = (name: 'Compute' | 'Graphics' | 'MPSCompute'): readonly Version[] => [
  { name: `nvmlDeviceGet${name}RunningProcesses_v3`, layout: processV2 },
  { name: `nvmlDeviceGet${name}RunningProcesses_v2`, layout: processV2 },
  { name: `nvmlDeviceGet${name}RunningProcesses`, layout: processV1 },
];
const lists = [
  { kind: 'compute', versions: versionsOf('Compute') },
  { kind: 'graphics', versions: versionsOf('Graphics') },
  { kind: 'mps', versions: versionsOf('MPSCompute') },
] as const;

const FIRST_ROOM = 64;
const MOST_PROCESSES = 4096;

/** As it is printed: -1 where the driver does not tell the memory. */
export type ProcessUse = Omit<GpuProcessUse, 'memoryBytes'> & { readonly memoryBytes: number };

export class Processes implements Group {
  readonly columns = lists.map(({ kind }) => column('gpu_processes', { kind }));
  readonly #lists: readonly ProcessList[];
  readonly #shares: Shares;

  constructor(device: Device) {
    this.#lists = lists.map(({ kind, versions }) => new ProcessList(device, kind, versions));
    this.#shares = new Shares(device);
  }

  read(cells: (number | string)[], at: number): void {
    for (const [index, list] of this.#lists.entries()) cells[at + index] = list.question.ask() ?? list.count;
  }

  /** Of those that the last reading found. */
  describe(): readonly ProcessUse[] {
    const shares = this.#shares.read();
    return this.#lists.flatMap((list) => list.describe(shares));
  }
}

class ProcessList {
  readonly question: Question;
  readonly #kind: GpuProcessUse['kind'];
  readonly #count = Buffer.alloc(4);
  #layout = processV2;
  #memory = Buffer.alloc(0);
  /** How many the last answer holds. */
  count = 0;

  constructor(device: Device, kind: GpuProcessUse['kind'], versions: readonly Version[]) {
    this.#kind = kind;
    const calls = versions.map(({ name, layout }) => ({ call: device.nvml.bind(name), layout }));
    let place = 0;
    this.question = new Question(device, () => {
      // The newest that the driver has.
      for (; place < calls.length; place++) {
        const { call, layout } = calls[place] ?? {};
        if (!call || !layout) break;
        this.#layout = layout;
        const code = this.#fetch((count, memory) => call(device.handle, count, memory));
        if (code !== FUNCTION_NOT_FOUND) return code;
      }
      return FUNCTION_NOT_FOUND;
    });
  }

  describe(shares: ReadonlyMap<number, number>): readonly ProcessUse[] {
    return Array.from({ length: this.count }, (_, index) => {
      const at = index * this.#layout.size;
      const pid = this.#memory.readUInt32LE(at + this.#layout.pid);
      const memory = readCount(this.#memory, at + this.#layout.usedMemory);
      const smUtilization = shares.get(pid);
      return {
        pid,
        name: nameOf(pid),
        kind: this.#kind,
        // All ones: under MIG the driver does not tell everybody.
        memoryBytes: typeof memory === 'number' ? memory : -1,
        ...(smUtilization === undefined ? {} : { smUtilization }),
      };
    });
  }

  #fetch(call: (count: Buffer, memory: Buffer) => number): number {
    if (this.#memory.length === 0) this.#memory = Buffer.alloc(FIRST_ROOM * this.#layout.size);
    for (;;) {
      const room = this.#memory.length / this.#layout.size;
      this.#count.writeUInt32LE(room);
      const code = call(this.#count, this.#memory);
      this.count = code === SUCCESS ? Math.min(this.#count.readUInt32LE(0), room) : 0;
      if (code !== INSUFFICIENT_SIZE || room >= MOST_PROCESSES) return code;
      this.#memory = Buffer.alloc(2 * room * this.#layout.size);
    }
  }
}

/** Shares of the SMs since the last look, by process. */
class Shares {
  readonly #question: Question;
  readonly #count = Buffer.alloc(4);
  readonly #memory = Buffer.alloc(128 * processUtilization.size);
  #lastSeenUs = 0;

  constructor(device: Device) {
    const get = device.nvml.bind('nvmlDeviceGetProcessUtilization');
    this.#question = new Question(device, () => {
      this.#count.writeUInt32LE(this.#memory.length / processUtilization.size);
      const code = get(device.handle, this.#memory, this.#count, this.#lastSeenUs);
      if (code !== NOT_FOUND) return code;
      // Nobody used the GPU since then.
      this.#count.writeUInt32LE(0);
      return SUCCESS;
    });
  }

  read(): ReadonlyMap<number, number> {
    const shares = new Map<number, number>();
    if (this.#question.ask() !== undefined) return shares;
    const count = Math.min(this.#count.readUInt32LE(0), this.#memory.length / processUtilization.size);
    for (let index = 0; index < count; index++) {
      const at = index * processUtilization.size;
      const percent = this.#memory.readUInt32LE(at + processUtilization.smUtil);
      const pid = this.#memory.readUInt32LE(at + processUtilization.pid);
      const timestampUs = Number(this.#memory.readBigUInt64LE(at + processUtilization.timestampUs));
      this.#lastSeenUs = Math.max(this.#lastSeenUs, timestampUs);
      if (pid !== 0 && percent <= 100) shares.set(pid, percent / 100);
    }
    return shares;
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}

// The reader in this process, over the stand-in library, ticked by hand: its lines become sheets as in the agent.
import { isAbsent } from '#agent/contract';
import type { GpuSheet, GpuValueId } from '../../../../agent/parse/gpu/sheet.ts';
import { openNvml } from '../../../../agent/sources/nvml/library.ts';
import { Reader } from '../../../../agent/sources/nvml/reader.ts';
import { Sheets } from '../../../../agent/sources/nvml/sheets.ts';
import type { NvmlGpu } from '../../../../agent/simulator/render/nvml-layout.ts';
import { NvmlDouble } from '../../../doubles/nvml/double.ts';

const START_NS = 1_000_000_000_000n;

type DoubleOptions = ConstructorParameters<typeof NvmlDouble>[1];

/** Time stands still for reader and library unless the test moves it. */
export class PlayedReader {
  readonly double: NvmlDouble;
  readonly reader: Reader;
  readonly #sheets = new Sheets();
  readonly #time: { ms: number };

  private constructor(double: NvmlDouble, reader: Reader, time: { ms: number }) {
    this.double = double;
    this.reader = reader;
    this.#time = time;
  }

  static async start(gpus: readonly NvmlGpu[], options: DoubleOptions = {}, processes = false): Promise<PlayedReader> {
    const time = { ms: 0 };
    const nowNs = (): bigint => START_NS + BigInt(Math.round(time.ms * 1e6));
    const wallMs = (): number => 1_700_000_000_000 + time.ms;
    const double = new NvmlDouble(gpus, { ...options, frozen: true, nowNs, wallMs });
    const nvml = await openNvml(double.library);
    const reader = new Reader(nvml, {
      library: double.library,
      intervalMs: 1000,
      phaseMs: 0,
      processes,
      monotonicMs: () => time.ms,
    });
    return new PlayedReader(double, reader, time);
  }

  /** Lets that much time pass, then reads. */
  tick(passedMs = 1000): readonly GpuSheet[] {
    this.#time.ms += passedMs;
    this.double.state.update(this.gpus);
    for (const line of this.reader.tick()) {
      const taken = this.#sheets.take(line);
      if (taken.kind === 'garbage') throw new Error(`not a line of ours: ${line.slice(0, 200)}`);
    }
    return this.sheets;
  }

  get gpus(): readonly NvmlGpu[] {
    return Array.from({ length: this.reader.roster.slots.length }, (_, index) => this.double.state.gpu(index));
  }

  get sheets(): readonly GpuSheet[] {
    return this.#sheets.sheets;
  }

  /** The value, or the reason why there is none; undefined where there is no such column. */
  value(id: GpuValueId, labels: Readonly<Record<string, string>> = {}, gpu = 0): number | bigint | string | undefined {
    return valueIn(this.sheets[gpu], id, labels);
  }

  remove(): void {
    this.double.remove();
  }
}

export function valueIn(
  sheet: GpuSheet | undefined,
  id: GpuValueId,
  labels: Readonly<Record<string, string>> = {},
): number | bigint | string | undefined {
  const wanted = JSON.stringify(sorted(labels));
  const found = sheet?.values.find(
    ({ column }) => column.id === id && JSON.stringify(sorted(column.labels)) === wanted,
  );
  return found && (isAbsent(found.value) ? found.value.reason : found.value);
}

function sorted(labels: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

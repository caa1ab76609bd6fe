// How busy a GPU is: the mean of the driver's own samples since the last look, so that nothing falls between two ticks;
// else the figure of its short window, as for the memory: samples take the driver a thousand times longer.
// Authority: nvml.h, nvmlDeviceGetSamples, nvmlDeviceGetUtilizationRates.
import { column, ratioOfPercent, type Group } from './columns.ts';
import { Question, type Device } from './question.ts';
import { NOT_FOUND, SUCCESS } from './return-codes.ts';
import { readTyped, sample, utilization } from './structs.ts';

const GPU_UTILIZATION_SAMPLES = 1;
/** Drivers keep about 100; more than this is never asked for. */
const MOST_SAMPLES = 512;

export function utilizationGroup(device: Device, intervalMs: number): Group {
  const rates = Buffer.alloc(utilization.size);
  const getRates = device.nvml.bind('nvmlDeviceGetUtilizationRates');
  const rateQuestion = new Question(device, () => getRates(device.handle, rates));
  const samples = new SampleMean(device, intervalMs);
  return {
    columns: [column('gpu_utilization_ratio'), column('gpu_memory_activity_ratio')],
    read: (cells, at) => {
      const percent = samples.read();
      const missing = rateQuestion.ask();
      cells[at] =
        percent === undefined
          ? (missing ?? ratioOfPercent(rates.readUInt32LE(utilization.gpu)))
          : ratioOfPercent(percent);
      cells[at + 1] = missing ?? ratioOfPercent(rates.readUInt32LE(utilization.memory));
    },
  };
}

class SampleMean {
  readonly #question: Question;
  readonly #intervalUs: number;
  readonly #type = Buffer.alloc(4);
  readonly #count = Buffer.alloc(4);
  #samples = Buffer.alloc(sample.size * 128);
  #lastSeenUs = 0;
  #isEmpty = false;

  constructor(device: Device, intervalMs: number) {
    this.#intervalUs = intervalMs * 1000;
    const getSamples = device.nvml.bind('nvmlDeviceGetSamples');
    this.#question = new Question(device, () => {
      this.#makeRoom(() =>
        getSamples(device.handle, GPU_UTILIZATION_SAMPLES, this.#lastSeenUs, this.#type, this.#count, null),
      );
      const code = getSamples(
        device.handle,
        GPU_UTILIZATION_SAMPLES,
        this.#lastSeenUs,
        this.#type,
        this.#count,
        this.#samples,
      );
      // No sample since the last look is an answer, too.
      this.#isEmpty = code === NOT_FOUND;
      return this.#isEmpty ? SUCCESS : code;
    });
  }

  /** Mean percent; undefined if the driver has no new samples. */
  read(): number | undefined {
    if (this.#question.ask() !== undefined || this.#isEmpty) return undefined;
    const type = this.#type.readUInt32LE(0);
    const count = Math.min(this.#count.readUInt32LE(0), this.#samples.length / sample.size);
    const newestUs = this.#newestOf(count);
    // The first time the driver gives its whole memory: only the last interval is of now.
    const sinceUs = this.#lastSeenUs === 0 ? newestUs - this.#intervalUs : this.#lastSeenUs;
    let sum = 0;
    let used = 0;
    for (let index = 0; index < count; index++) {
      const at = index * sample.size;
      const value = Number(readTyped(this.#samples, at + sample.value, type));
      if (timestampOf(this.#samples, at) <= sinceUs || value > 100) continue;
      sum += value;
      used++;
    }
    this.#lastSeenUs = Math.max(this.#lastSeenUs, newestUs);
    return used === 0 ? undefined : sum / used;
  }

  #newestOf(count: number): number {
    let newestUs = 0;
    for (let index = 0; index < count; index++)
      newestUs = Math.max(newestUs, timestampOf(this.#samples, index * sample.size));
    return newestUs;
  }

  /** The first time the library is asked how many there can be. */
  #makeRoom(ask: () => number): void {
    if (this.#lastSeenUs === 0 && ask() === SUCCESS) {
      const count = Math.min(this.#count.readUInt32LE(0), MOST_SAMPLES);
      if (count * sample.size > this.#samples.length) this.#samples = Buffer.alloc(count * sample.size);
    }
    this.#count.writeUInt32LE(this.#samples.length / sample.size);
  }
}

/** Microseconds since 1970 are exact in a number until the year 2255. */
function timestampOf(memory: Buffer, at: number): number {
  return memory.readUInt32LE(at + sample.timestampUs + 4) * 2 ** 32 + memory.readUInt32LE(at + sample.timestampUs);
}

// One node as it stands: what its agent said it is, its series, and the newest value of each.
import {
  FrameDecoder,
  isReason,
  PRESENT,
  reasonOfState,
  type AbsenceReason,
  type Hello,
  type Inventory,
} from '#agent/contract';
import type { Outage, SeriesView } from '#server/contract';
import { findReaderOutage, type FoundOutage } from '../diagnosis/outage.ts';
import { ClockOffset } from './clock-offset.ts';
import { FrameHistory } from './history.ts';
import { OutageWatch } from './outage-watch.ts';
import { buildSchema, sameSchema, type NodeSchema, type PublishedSeries } from './schema.ts';

/**
 * A reader that has just been started shows no GPU and no answer yet; that is no outage. Without persistence mode the driver
 * takes seconds for each of 16 GPUs.
 */
const STARTING_MS = 45_000;

export interface ReceivedFrame {
  readonly bytes: Uint8Array;
  readonly key: boolean;
  readonly receivedMs: number;
  /** When the sample was taken, placed on the server's clock. */
  readonly timeMs: number;
}

export class FleetNode {
  readonly name: string;
  readonly history = new FrameHistory();
  agentVersion = '';
  inventory: Inventory;
  /** Grows with every new set of series. */
  generation = 0;
  #intervalMs = 1000;
  #schema: NodeSchema = buildSchema([]);
  #decoder = new FrameDecoder(0);
  #receivedMs: number | undefined;
  #sampleMs: number | undefined;
  #spanSeconds = NaN;
  readonly #offset = new ClockOffset();
  readonly #readerOutage = new OutageWatch();

  constructor(hello: Hello) {
    this.name = hello.node;
    this.inventory = hello.inventory;
  }

  get schema(): NodeSchema {
    return this.#schema;
  }
  get decoder(): FrameDecoder {
    return this.#decoder;
  }
  /** When the newest sample was taken, by the server's unjumping clock. */
  get lastSampleMs(): number | undefined {
    return this.#sampleMs;
  }
  /** When it came, by the server's unjumping clock. */
  get lastReceivedMs(): number | undefined {
    return this.#receivedMs;
  }
  get clockOffsetMs(): number | undefined {
    return this.#offset.ms;
  }

  greet(hello: Hello, wallMs?: number): void {
    this.#intervalMs = hello.intervalMs;
    this.agentVersion = hello.agentVersion;
    this.inventory = hello.inventory;
    if (wallMs !== undefined) this.#offset.add(hello.timeMs, wallMs);
  }

  /** Takes a schema over. The values stay if it names the same series as before. True if it does not. */
  adopt(schema: NodeSchema): boolean {
    if (this.generation > 0 && sameSchema(schema, this.#schema)) return false;
    this.#schema = schema;
    this.#decoder = new FrameDecoder(schema.size);
    this.#spanSeconds = NaN;
    this.generation++;
    return true;
  }

  /** Takes one frame into the live state. Throws FrameError, then nothing has changed. */
  take(frame: ReceivedFrame): void {
    this.#decoder.apply(frame.bytes);
    const { timeMs } = frame;
    this.#spanSeconds = (timeMs - (this.#sampleMs ?? NaN)) / 1000;
    this.#sampleMs = timeMs;
    this.#receivedMs = frame.receivedMs;
    this.history.add(this.#schema, frame);
    this.#readerOutage.update(this.#findReaderOutage(), frame.receivedMs);
  }

  /** Both clocks at one moment: the node's wall clock as a frame says, ours as the frame came. */
  noteClock(nodeWallMs: number, wallMs: number): void {
    this.#offset.add(nodeWallMs, wallMs);
  }

  isUp(nowMs: number): boolean {
    return this.#receivedMs !== undefined && nowMs - this.#receivedMs < Math.max(3 * this.#intervalMs, 5000);
  }

  /** Who reads its GPUs, or read them last; empty where nobody has. */
  get backend(): string {
    return this.#schema.reader.info?.labels[0] ?? '';
  }

  /** Why no GPU of the node is read, as the newest frame says. */
  readerOutage(nowMs: number): Outage | undefined {
    const { current } = this.#readerOutage;
    const settled = this.#schema.gpus.length > 0 || this.level(this.#schema.reader.stuck) === 1;
    return current && (settled || nowMs - current.since_ms >= STARTING_MS) ? current : undefined;
  }

  #findReaderOutage(): FoundOutage | undefined {
    const { up, stuck, gpus, missing } = this.#schema.reader;
    const stated = missing.find(({ index }) => this.#decoder.states[index] === PRESENT);
    const [, , , reason = ''] = stated?.labels ?? [];
    return findReaderOutage({
      readerUp: this.level(up),
      readerStuck: this.level(stuck),
      backend: this.backend,
      reason: isReason(reason) ? reason : gpus && this.reason(gpus.index),
    });
  }

  /** Value in base units; NaN where there is none. */
  level(series: PublishedSeries | undefined): number {
    return series ? levelIn(this.#decoder, series) : NaN;
  }

  /** Gain per second in base units; NaN where it is not known. */
  rate(series: PublishedSeries): number {
    return rateIn(this.#decoder, series, this.#spanSeconds);
  }

  reason(index: number): AbsenceReason | undefined {
    return reasonOfState(this.#decoder.states[index] ?? PRESENT);
  }
}

/** A decoder as the charts see it: by the position among published series. */
export function viewOf({ published }: NodeSchema, decoder: FrameDecoder, spanSeconds: number): SeriesView {
  return {
    level: (at) => {
      const series = published[at];
      return series ? levelIn(decoder, series) : NaN;
    },
    rate: (at) => {
      const series = published[at];
      return series ? rateIn(decoder, series, spanSeconds) : NaN;
    },
  };
}

function levelIn(decoder: FrameDecoder, { index, row }: PublishedSeries): number {
  return decoder.states[index] === PRESENT ? (decoder.steps[index] ?? NaN) / row.scale : NaN;
}

/** A count that fell was reset and gained nothing known. */
function rateIn(decoder: FrameDecoder, { index, row }: PublishedSeries, spanSeconds: number): number {
  const gained = decoder.gained[index] ?? NaN;
  return row.kind === 'counter' && gained >= 0 && spanSeconds > 0 ? gained / row.scale / spanSeconds : NaN;
}

// What one tick of a port's wait counter is worth, shown; and watched, because a port may prove it. Rules: wait-tick.ts.
import { bytes, type Steps } from '#agent/contract';
import type { GaugeSeries } from '../../snapshot.ts';
import { provesSmallTick, tickBytesOf, type TickSource } from './wait-tick.ts';

/** Kinds of adapters, by hca_type, of which one port proved the smaller tick; kept as long as the agent runs. */
export type LearnedTicks = Set<string>;

export interface PortSpeed {
  readonly lanes: number;
  readonly dataBytesPerSecond: number;
}

interface WaitReading {
  readonly ticks: Steps;
  readonly atMs: number;
}

export class PortWait {
  readonly #series: GaugeSeries<'bytes'>;
  readonly #source: Pick<TickSource, 'hcaType' | 'configured'>;
  readonly #kind: string;
  readonly #learned: LearnedTicks;
  #last: WaitReading | undefined;

  constructor(
    series: GaugeSeries<'bytes'>,
    {
      hcaType,
      configured,
      device,
      learned,
    }: Pick<TickSource, 'hcaType' | 'configured'> & {
      readonly device: string;
      readonly learned: LearnedTicks;
    },
  ) {
    this.#series = series;
    this.#source = { hcaType, configured };
    this.#kind = hcaType === '' ? device : hcaType;
    this.#learned = learned;
  }

  /** After each reading of the counter. */
  observe(ticks: Steps | undefined, atMs: number, speed: PortSpeed | undefined): void {
    const last = this.#last;
    this.#last = ticks === undefined ? undefined : { ticks, atMs };
    if (ticks === undefined || last === undefined || speed === undefined || ticks <= last.ticks) return;
    if (this.#source.configured !== undefined || this.#learned.has(this.#kind)) return;
    const span = { ticks: Number(ticks) - Number(last.ticks), seconds: (atMs - last.atMs) / 1000, ...speed };
    if (provesSmallTick(span)) this.#learned.add(this.#kind);
  }

  show(lanes: number | undefined): void {
    const size = tickBytesOf({ ...this.#source, lanes, learned: this.#learned.has(this.#kind) });
    if (size === undefined) this.#series.absent('unsupported');
    else this.#series.set(bytes(size));
  }
}

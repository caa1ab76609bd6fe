// Utilisation and congestion of one InfiniBand port of a node: bytes, and waiting for credits, against the rate after line coding.
import { learnTick, longTick, tickOf, type TickBytes } from '../fabric/ticks.ts';
import type { PublishedSeries } from '../fleet/schema.ts';
import { seriesOf, type DerivedSeries, type Readings } from './series.ts';

/** The agent's series that a port is judged by; undefined where it has none. */
export interface PortInputs {
  readonly received: PublishedSeries | undefined;
  readonly transmitted: PublishedSeries | undefined;
  readonly dataRate: PublishedSeries | undefined;
  readonly lanes: PublishedSeries | undefined;
  readonly wait: PublishedSeries | undefined;
  readonly tick: PublishedSeries | undefined;
}

export interface PortReading {
  readonly receivedPerSecond: number;
  readonly transmittedPerSecond: number;
  readonly waitTicksPerSecond: number;
  /** Bytes a second; NaN while the port is not active. */
  readonly dataRate: number;
}

export interface PortUse {
  readonly receive: number;
  readonly transmit: number;
  /** Both bounds are the same where the tick is known. */
  readonly congestionLow: number;
  readonly congestionHigh: number;
}

/** Ratios from 0 to 1; NaN where a part of them is not known. */
export function usePort(
  { receivedPerSecond, transmittedPerSecond, waitTicksPerSecond, dataRate }: PortReading,
  tick: TickBytes,
): PortUse {
  const share = (bytes: number): number => (dataRate > 0 ? Math.min(1, bytes / dataRate) : NaN);
  return {
    receive: share(receivedPerSecond),
    transmit: share(transmittedPerSecond),
    congestionLow: share(waitTicksPerSecond * tick.low),
    congestionHigh: share(waitTicksPerSecond * tick.high),
  };
}

export class DerivedPort {
  readonly #inputs: PortInputs;
  readonly #receive: DerivedSeries;
  readonly #transmit: DerivedSeries;
  readonly #low: DerivedSeries;
  readonly #high: DerivedSeries;
  /** A tick that the port's own counting proved. */
  #learned: number | undefined;

  constructor(labels: readonly string[], inputs: PortInputs) {
    this.#inputs = inputs;
    this.#receive = seriesOf('infiniband_utilization_ratio', [...labels, 'receive']);
    this.#transmit = seriesOf('infiniband_utilization_ratio', [...labels, 'transmit']);
    this.#low = seriesOf('infiniband_congestion_ratio', labels);
    this.#high = seriesOf('infiniband_congestion_ratio_upper', labels);
  }

  get series(): readonly DerivedSeries[] {
    return [this.#receive, this.#transmit, this.#low, this.#high];
  }
  get learnedTick(): number | undefined {
    return this.#learned;
  }
  /** Of the same port under an earlier schema. */
  keep(learned: number | undefined): void {
    this.#learned = learned;
  }

  renew(node: Readings): void {
    const { received, transmitted, dataRate, lanes, wait, tick } = this.#inputs;
    const rate = (series: PublishedSeries | undefined): number => (series ? node.rate(series) : NaN);
    const reading: PortReading = {
      receivedPerSecond: rate(received),
      transmittedPerSecond: rate(transmitted),
      waitTicksPerSecond: rate(wait),
      dataRate: node.level(dataRate),
    };
    const use = usePort(reading, this.#tick(reading, node.level(tick), node.level(lanes)));
    this.#receive.value = use.receive;
    this.#transmit.value = use.transmit;
    this.#low.value = use.congestionLow;
    this.#high.value = use.congestionHigh > use.congestionLow ? use.congestionHigh : NaN;
  }

  #tick({ waitTicksPerSecond, dataRate }: PortReading, known: number, lanes: number): TickBytes {
    const widthLanes = Number.isNaN(lanes) ? null : lanes;
    if (Number.isNaN(known)) this.#learned ??= learnTick((waitTicksPerSecond * longTick(widthLanes)) / dataRate);
    return tickOf({ deviceId: null }, { tickBytes: Number.isNaN(known) ? null : known, widthLanes }, this.#learned);
  }
}

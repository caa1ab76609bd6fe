// One agent process as the store sees it: a session and the frames of it, with values that the test gives.
import { FrameEncoder, stateOfReason, type AbsenceReason, type SchemaMessage, type Steps } from '#agent/contract';
import type { FrameEntry, SessionEntry } from '../../../server/store/entries.ts';

export type Value = Steps | AbsenceReason;

/** A counter in bytes, a gauge in thousandths of a watt, and a metric that nobody knows. */
export const someSeries: SchemaMessage['series'] = [
  ['disk_read_bytes_total', ['nvme0n1']],
  ['disk_read_bytes_total', ['nvme1n1']],
  ['of_a_later_version', []],
  ['load1', []],
];

let sessions = 0;

export class AgentStandIn {
  readonly session: SessionEntry;
  readonly backlog: boolean;
  readonly #encoder = new FrameEncoder();
  #seq: number;
  #first = true;

  constructor(
    node: string,
    options: {
      readonly session?: number;
      readonly instance?: string;
      readonly series?: SchemaMessage['series'];
      readonly backlog?: boolean;
      readonly seq?: number;
    } = {},
  ) {
    const { session = ++sessions, instance = `${node}-boot1`, series = someSeries, backlog = false, seq = 1 } = options;
    this.session = {
      ...{ kind: 'session', session, node, instance, generation: 1, intervalMs: 1000, hello: undefined },
      series,
    };
    this.backlog = backlog;
    this.#seq = seq;
  }

  /** The next frame; the first is a key frame. */
  frame(values: readonly Value[], timeMs: number, how: { key?: boolean; repeated?: boolean } = {}): FrameEntry {
    const key = how.key ?? this.#first;
    this.#first = false;
    const seq = this.#seq++;
    const head = { seq, generation: 1, timeMs };
    const series = values.map((value) =>
      typeof value === 'string' ? { steps: 0, state: stateOfReason(value) } : { steps: value, state: 0 },
    );
    return {
      ...{ kind: 'frame', session: this.session.session, seq, key, backlog: this.backlog },
      repeated: how.repeated ?? false,
      timeMs,
      receivedMs: timeMs + 5,
      bytes: key ? this.#encoder.key(head, series) : this.#encoder.delta(head, series),
    };
  }

  /** A frame that is produced and never arrives. */
  skip(values: readonly Value[], timeMs: number): void {
    this.frame(values, timeMs);
  }
}

// The way to the server: hello, schema, frames, acknowledgements, reconnects. Messages: agent/contract/wire.ts.
// There is no journal yet: a frame that was not acknowledged when the connection broke, and a sample that could not be
// sent before the next one came, are lost and counted in agent_frames_dropped_total.
import {
  FrameEncoder,
  limits,
  PROTOCOL_VERSION,
  type FabricSweep,
  type Hello,
  type HelloReply,
  type Inventory,
  type SchemaMessage,
} from '#agent/contract';
import { io, type Socket } from 'socket.io-client';
import * as v from 'valibot';
import { build } from './build.ts';
import type { Clock } from './clock.ts';
import { FrameCounts } from './frame-counts.ts';
import type { Log } from './log.ts';
import type { Series, Snapshot } from './snapshot.ts';

const HELLO_TIMEOUT_MS = 10_000;
const KEY_EVERY_MS = 60_000;
/** A server that takes frames and acknowledges none is no server. */
const MAX_UNACKNOWLEDGED = 120;
/** A server that is so far behind has no time for a fabric. */
const MAX_UNACKNOWLEDGED_BESIDE_FABRIC = 10;
const FABRIC_EVERY_MS = 5000;
const FIRST_BACKOFF_MS = 2000;
const LAST_BACKOFF_MS = 20_000;
const REFUSED_BACKOFF_MS = 20_000;

export interface UplinkOptions {
  readonly server: string;
  readonly node: string;
  readonly instance: string;
  readonly intervalMs: number;
  readonly snapshot: Snapshot;
  readonly inventory: () => Inventory;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 to 1, spreads reconnects. */
  readonly random: () => number;
}

interface FromServer {
  ack: (seq: unknown) => void;
  resync: () => void;
}

interface ToServer {
  hello: (hello: Hello, reply: (answer: unknown) => void) => void;
  schema: (schema: SchemaMessage) => void;
  frame: (bytes: Uint8Array) => void;
  inventory: (inventory: Inventory) => void;
  fabric: (sweep: FabricSweep) => void;
}

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #socket: Socket<FromServer, ToServer>;
  readonly #counts: FrameCounts;
  readonly #encoder = new FrameEncoder();
  #phase: 'connecting' | 'greeting' | 'live' | 'waiting' | 'stopped' = 'waiting';
  #refusal: string | undefined;
  #unreachable = false;
  #attempts = 0;
  /** Of the one timer: the end of patience with a hello, or the next attempt. */
  #cancelTimer: (() => void) | undefined;
  /** Series as the server's schema has them, while the generation is the same. */
  #series: readonly Series[] = [];
  #generation = 0;
  #keyDue = true;
  #keyMs = 0;
  #seq = 0;
  #acknowledged = 0;
  #fabricMs = -Infinity;
  /** Time of a sample that has not been sent. */
  #unsent: number | undefined;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#counts = new FrameCounts(options.snapshot);
    this.#socket = openSocket(options.server);
    this.#socket.on('connect', () => {
      this.#greet();
    });
    this.#socket.on('connect_error', (error) => {
      this.#cannotConnect(error.message);
    });
    this.#socket.on('disconnect', (reason) => {
      this.#disconnected(reason);
    });
    this.#socket.on('ack', (seq) => {
      if (typeof seq === 'number' && seq <= this.#seq) this.#acknowledged = Math.max(this.#acknowledged, seq);
    });
    this.#socket.on('resync', () => {
      this.#generation = 0;
    });
  }

  start(): void {
    this.#connect();
  }

  /** The snapshot holds a new sample. */
  sample(timeMs: number): void {
    if (this.#unsent !== undefined) this.#counts.dropped(this.#refusal === undefined ? 'cap' : 'refused', 1);
    this.#counts.produced();
    this.#unsent = timeMs;
    if (this.#phase === 'live') this.#send(timeMs);
  }

  describe(inventory: Inventory): void {
    if (this.#phase === 'live') this.#socket.emit('inventory', inventory);
  }

  /** A sweep of the fabric, if there is room for it: the next one tells as much. */
  fabric(sweep: FabricSweep): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#phase !== 'live' || this.#seq - this.#acknowledged > MAX_UNACKNOWLEDGED_BESIDE_FABRIC) return;
    if (nowMs - this.#fabricMs < FABRIC_EVERY_MS) return;
    this.#fabricMs = nowMs;
    const bytes = Buffer.byteLength(JSON.stringify(sweep));
    if (bytes > limits.fabricBytes) this.#options.log.warn('the fabric is too large to be sent', { bytes });
    else this.#socket.emit('fabric', sweep);
  }

  stop(): void {
    this.#phase = 'stopped';
    this.#cancelTimer?.();
    this.#socket.disconnect();
  }

  #connect(): void {
    this.#phase = 'connecting';
    this.#socket.connect();
  }

  #greet(): void {
    const { node, instance, intervalMs, clock, inventory } = this.#options;
    this.#phase = 'greeting';
    const { id } = this.#socket;
    const hello: Hello = {
      protocol: PROTOCOL_VERSION,
      ...{ node, instance, intervalMs },
      agentVersion: build.version,
      timeMs: clock.wallMs(),
      inventory: inventory(),
    };
    this.#plan(HELLO_TIMEOUT_MS, () => {
      this.#leave(`it did not answer within ${HELLO_TIMEOUT_MS / 1000} s`, this.#backoffMs());
    });
    this.#socket.emit('hello', hello, (answer: unknown) => {
      // The answer to an earlier connection says nothing about this one.
      if (this.#phase === 'greeting' && this.#socket.id === id) this.#greeted(answer);
    });
  }

  #greeted(answer: unknown): void {
    const parsed = v.safeParse(replySchema, answer);
    const reply: HelloReply = parsed.success
      ? parsed.output
      : { ok: false, code: 'malformed', message: 'its answer is none that this agent understands' };
    if (!reply.ok) {
      this.#refused(reply.message);
      return;
    }
    this.#options.log.info('connected', { server: this.#options.server, node: this.#options.node });
    this.#cancelTimer?.();
    this.#phase = 'live';
    this.#refusal = undefined;
    this.#unreachable = false;
    this.#attempts = 0;
    this.#generation = 0;
    if (this.#unsent !== undefined) this.#send(this.#unsent);
  }

  #send(timeMs: number): void {
    this.#unsent = undefined;
    if (this.#seq - this.#acknowledged >= MAX_UNACKNOWLEDGED) {
      this.#counts.dropped('cap', 1);
      this.#leave('it acknowledges nothing', this.#backoffMs());
      return;
    }
    try {
      this.#sendSchema();
      this.#socket.emit('frame', this.#encode(timeMs));
    } catch (error) {
      // What could not be encoded is lost; the next frame starts afresh.
      this.#generation = 0;
      this.#counts.dropped('damaged', 1);
      this.#options.log.warn('a frame could not be encoded', { reason: String(error) });
    }
  }

  #sendSchema(): void {
    const { snapshot, log } = this.#options;
    if (snapshot.generation === this.#generation) return;
    this.#generation = snapshot.generation;
    this.#series = snapshot.series.filter(fitsTheWire).slice(0, limits.series);
    this.#keyDue = true;
    const left = snapshot.series.length - this.#series.length;
    if (left > 0) log.warn('series are left out: their labels are too long or they are too many', { series: left });
    const series = this.#series.map(({ id, labels }): [string, string[]] => [id, [...labels]]);
    this.#socket.emit('schema', { generation: this.#generation, series });
  }

  #encode(timeMs: number): Uint8Array {
    const nowMs = this.#options.clock.monotonicMs();
    const key = this.#keyDue || nowMs - this.#keyMs >= KEY_EVERY_MS;
    const head = { seq: this.#seq + 1, generation: this.#generation, timeMs };
    const bytes = key ? this.#encoder.key(head, this.#series) : this.#encoder.delta(head, this.#series);
    if (key) this.#keyMs = nowMs;
    this.#keyDue = false;
    this.#seq++;
    return bytes;
  }

  #refused(message: string): void {
    if (this.#refusal !== message) this.#options.log.warn(`the server refuses this agent: ${message}`);
    this.#refusal = message;
    // Slowly: nothing changes until somebody acts.
    this.#retry(REFUSED_BACKOFF_MS * (0.5 + this.#options.random() / 2));
  }

  #cannotConnect(reason: string): void {
    if (this.#phase !== 'connecting') return;
    const { log, server } = this.#options;
    if (!this.#unreachable) log.warn('the server cannot be reached; trying again and again', { server, reason });
    this.#unreachable = true;
    this.#retry(this.#backoffMs());
  }

  #disconnected(reason: string): void {
    this.#loseUnacknowledged();
    if (this.#phase === 'waiting' || this.#phase === 'stopped') return;
    this.#leave(reason, this.#backoffMs());
  }

  #leave(reason: string, delayMs: number): void {
    const { log, server } = this.#options;
    if (!this.#unreachable) log.warn('the connection to the server is lost; connecting again', { server, reason });
    this.#unreachable = true;
    this.#retry(delayMs);
  }

  #retry(delayMs: number): void {
    this.#phase = 'waiting';
    this.#socket.disconnect();
    this.#loseUnacknowledged();
    this.#plan(delayMs, () => {
      this.#connect();
    });
  }

  #plan(delayMs: number, call: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.clock.after(delayMs, call);
  }

  #loseUnacknowledged(): void {
    this.#counts.dropped('cap', this.#seq - this.#acknowledged);
    this.#acknowledged = this.#seq;
  }

  /** Exponential with full jitter, so that a thousand agents do not come back at once. */
  #backoffMs(): number {
    const widthMs = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#attempts++);
    return widthMs * (0.1 + 0.9 * this.#options.random());
  }
}

const replySchema = v.variant('ok', [
  v.object({ ok: v.literal(true), serverTimeMs: v.number() }),
  v.object({
    ok: v.literal(false),
    code: v.picklist(['malformed', 'protocol', 'name_taken', 'too_many']),
    message: v.string(),
  }),
]);

/** Deltas do not shrink any more. The library takes `false`, its types do not. */
const noCompression: object = { perMessageDeflate: false };

/** Reconnecting is ours: the library's own would not know of refusals. */
function openSocket(server: string): Socket<FromServer, ToServer> {
  const { origin, pathname } = new URL(server);
  return io(`${origin}/agents`, {
    path: `${pathname.replace(/\/$/, '')}/socket.io`,
    transports: ['websocket'],
    ...noCompression,
    reconnection: false,
    autoConnect: false,
    // Several simulated agents in one process have a connection each.
    forceNew: true,
  });
}

/** A label that the server would refuse the whole schema for. */
function fitsTheWire({ labels }: Series): boolean {
  return labels.every((label) => label.length <= limits.labelLength);
}

// The way to the server: hello, schema, live frames, backlog, acknowledgements, reconnects, other servers.
// Messages: agent/contract/wire.ts and docs/wire.md. What is owed: outbox.ts; on disk: spool.ts.
import {
  FrameEncoder,
  limits,
  MIN_PROTOCOL_VERSION,
  noticeSchema,
  PROTOCOL_VERSION,
  refusalCodes,
  type BacklogSchema,
  type FabricSweep,
  type Hello,
  type HelloReply,
  type Inventory,
  type Owners,
} from '#agent/contract';
import { io } from 'socket.io-client';
import * as v from 'valibot';
import { build } from '../build.ts';
import type { Clock } from '../clock.ts';
import { FrameCounts } from '../frame-counts.ts';
import type { Log } from '../log.ts';
import type { Series, Snapshot } from '../snapshot.ts';
import { BacklogSender, type SentItem } from './backlog-sender.ts';
import type { AgentSocket } from './agent-socket.ts';
import { orderServers, type ServerOrder } from './servers.ts';
import { Spool } from './spool.ts';
import { connectionProblem } from './tls-problem.ts';

const HELLO_TIMEOUT_MS = 10_000;
const KEY_EVERY_MS = 60_000;
/** A server that is so far behind has no time for a fabric. */
const MAX_UNACKNOWLEDGED_BESIDE_FABRIC = 10;
const FABRIC_EVERY_MS = 5000;
const FIRST_BACKOFF_MS = 2000;
const LAST_BACKOFF_MS = 20_000;
const REFUSED_BACKOFF_MS = 20_000;
/** Another server is tried soon: this one may be gone for long. */
const FAILOVER_MS = 1000;
/** A silence of so many periods, and so long, is told as one. */
const PAUSE_PERIODS = 3;
const PAUSE_MS = 5000;
/** The server is told when the agent's two clocks have moved against each other by more. */
const CLOCK_MOVED_MS = 250;
const CLOCK_EVERY_MS = 5000;
const DEFAULT_SPOOL_CAP_BYTES = 256 << 20;

export interface UplinkOptions {
  /** One URL, or several separated by commas. */
  readonly server: string;
  readonly serverOrder?: ServerOrder;
  /** How often the first server is looked at while another one is used; 0 = never. */
  readonly failbackMs?: number;
  /** PEM of the authority that signs the servers' certificates. */
  readonly ca?: string | undefined;
  readonly node: string;
  readonly instance: string;
  readonly intervalMs: number;
  readonly snapshot: Snapshot;
  readonly inventory: () => Inventory;
  /** Who has the GPUs now; undefined while that was not looked at. */
  readonly owners?: () => Owners | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 to 1, spreads reconnects. */
  readonly random: () => number;
  /** Where frames wait that nobody acknowledged; undefined: in memory. */
  readonly spoolFolder?: string | undefined;
  readonly spoolCapBytes?: number;
}

type Phase = 'connecting' | 'greeting' | 'live' | 'waiting' | 'stopped';

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #servers: readonly string[];
  readonly #counts: FrameCounts;
  readonly #encoder = new FrameEncoder();
  readonly #spool: Spool;
  #loading: Promise<void> | undefined;
  #socket: AgentSocket | undefined;
  #backlog: BacklogSender | undefined;
  #serverAt = 0;
  #phase: Phase = 'waiting';
  #protocol = PROTOCOL_VERSION;
  #refusal: string | undefined;
  #unreachable = false;
  #attempts = 0;
  /** Of the one timer: the end of patience with a hello, or the next attempt. */
  #cancelTimer: (() => void) | undefined;
  #cancelFailback: (() => void) | undefined;
  /** Series as the frames have them, while the generation is the same. */
  #series: readonly Series[] = [];
  #schema: BacklogSchema | undefined;
  #keyDue = true;
  #keyMs = 0;
  #seq = 0;
  /** First frames of the live stretches of this connection; an acknowledgement reaches back to the one before it. */
  #stretches: number[] = [];
  /** The schema that the server has of the live frames. */
  #schemaSent: BacklogSchema | undefined;
  #acknowledged = 0;
  #fabricMs = -Infinity;
  #sampleMs: number | undefined;
  #sampleMonotonicMs = 0;
  #leadToldMs = 0;
  #clockToldMs = -Infinity;

  constructor(options: UplinkOptions) {
    this.#options = options;
    const { server, serverOrder = 'shared', node, spoolFolder, spoolCapBytes, instance, log, clock } = options;
    this.#servers = orderServers(server.split(','), node, serverOrder);
    this.#counts = new FrameCounts(options.snapshot);
    const capBytes = spoolCapBytes ?? DEFAULT_SPOOL_CAP_BYTES;
    this.#spool = new Spool(
      { folder: spoolFolder, capBytes, instance, log, monotonicMs: () => clock.monotonicMs() },
      (reason, frames) => {
        this.#counts.dropped(reason, frames);
      },
    );
  }

  start(): void {
    this.#loading = this.#spool.load();
    this.#connect();
  }

  /** The snapshot holds a new sample, taken at this time of the process's axis. */
  sample(timeMs: number): void {
    this.#notePause(timeMs);
    this.#sampleMs = timeMs;
    this.#sampleMonotonicMs = this.#options.clock.monotonicMs();
    this.#counts.produced();
    this.#counts.spool(this.#spool.bytes, this.#spool.outbox.oldestMs ?? timeMs);
    const bytes = this.#encode(timeMs);
    if (bytes && this.#phase === 'live') this.#sendLive(bytes);
    this.#spool.tick();
    if (this.#phase !== 'live') return;
    this.#tellClock();
    this.#backlog?.wake();
  }

  /** Shorter silences are late ticks. */
  #notePause(timeMs: number): void {
    const { instance, intervalMs } = this.#options;
    const beforeMs = this.#sampleMs;
    if (beforeMs === undefined || timeMs - beforeMs <= Math.max(PAUSE_PERIODS * intervalMs, PAUSE_MS)) return;
    this.#spool.outbox.pause(instance, beforeMs, timeMs);
  }

  describe(inventory: Inventory): void {
    if (this.#phase === 'live') this.#socket?.emit('inventory', inventory);
  }

  /** Who has the GPUs; told anew after each hello. */
  own(owners: Owners): void {
    if (this.#phase === 'live') this.#socket?.emit('owners', owners);
  }

  /** A sweep of the fabric, if there is room for it: the next one tells as much. */
  fabric(sweep: FabricSweep): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#phase !== 'live' || this.#seq - this.#acknowledged > MAX_UNACKNOWLEDGED_BESIDE_FABRIC) return;
    if (nowMs - this.#fabricMs < FABRIC_EVERY_MS) return;
    this.#fabricMs = nowMs;
    const bytes = Buffer.byteLength(JSON.stringify(sweep));
    if (bytes > limits.fabricBytes) this.#options.log.warn('the fabric is too large to be sent', { bytes });
    else this.#socket?.emit('fabric', sweep);
  }

  /** Resolves when what is owed is on disk, if there is one. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#cancelTimer?.();
    this.#cancelFailback?.();
    this.#letGo();
    await this.#loading;
    await this.#spool.close();
  }

  get #url(): string {
    return this.#servers[this.#serverAt] ?? '';
  }

  #connect(): void {
    this.#phase = 'connecting';
    const socket = openSocket(this.#url, this.#options.ca);
    this.#socket = socket;
    const mine = (handle: () => void): void => {
      if (socket === this.#socket) handle();
    };
    socket.on('connect', () => {
      mine(() => {
        this.#greet(socket);
      });
    });
    socket.on('connect_error', (error) => {
      mine(() => {
        this.#cannotConnect(connectionProblem(error));
      });
    });
    socket.on('disconnect', (reason) => {
      mine(() => {
        if (this.#phase !== 'waiting' && this.#phase !== 'stopped') this.#leave(reason, this.#backoffMs());
      });
    });
    socket.on('ack', (seq) => {
      mine(() => {
        this.#acknowledge(seq);
      });
    });
    socket.on('backlog_ack', (count) => {
      mine(() => {
        this.#backlog?.acknowledge(count);
      });
    });
    socket.on('resync', () => {
      mine(() => {
        this.#resync();
      });
    });
    socket.on('notice', (notice) => {
      const parsed = v.safeParse(noticeSchema, notice);
      if (parsed.success) this.#options.log.warn(`the server says: ${parsed.output.message}`);
    });
    socket.connect();
  }

  #greet(socket: AgentSocket): void {
    const { node, instance, intervalMs, clock, inventory } = this.#options;
    this.#phase = 'greeting';
    const hello: Hello = {
      protocol: PROTOCOL_VERSION,
      minProtocol: MIN_PROTOCOL_VERSION,
      ...{ node, instance, intervalMs },
      agentVersion: build.version,
      timeMs: clock.wallMs(),
      axisMs: this.#axisMs(),
      servers: this.#servers.length,
      inventory: inventory(),
    };
    this.#plan(HELLO_TIMEOUT_MS, () => {
      this.#leave(`it did not answer within ${HELLO_TIMEOUT_MS / 1000} s`, this.#backoffMs());
    });
    socket.emit('hello', hello, (answer: unknown) => {
      // The answer to an earlier connection says nothing about this one.
      if (this.#phase === 'greeting' && this.#socket === socket) void this.#greeted(socket, answer);
    });
  }

  async #greeted(socket: AgentSocket, answer: unknown): Promise<void> {
    const parsed = v.safeParse(replySchema, answer);
    const reply: HelloReply = parsed.success
      ? parsed.output
      : { ok: false, code: 'malformed', message: 'its answer is none that this agent understands' };
    if (!reply.ok) {
      this.#refused(reply.message);
      return;
    }
    this.#cancelTimer?.();
    // What an earlier process left must be known before it can be told that nothing is owed.
    await this.#loading;
    if (this.#socket !== socket || this.#phase !== 'greeting') return;
    this.#options.log.info('connected', { server: this.#url, node: this.#options.node });
    this.#phase = 'live';
    this.#protocol = reply.protocol ?? 1;
    this.#refusal = undefined;
    this.#unreachable = false;
    this.#attempts = 0;
    this.#leadToldMs = this.#leadMs();
    this.#planFailback();
    const owners = this.#options.owners?.();
    if (owners) this.own(owners);
    // The newest sample waits for nothing: as a key frame it goes out now, and is no backlog.
    const again = this.#spool.outbox.takeBack(this.#options.instance, this.#seq);
    if (again) this.#seq--;
    if (this.#protocol < 2) this.#loseOwed();
    this.#beginStretch();
    const bytes = again && this.#sampleMs !== undefined ? this.#encode(this.#sampleMs) : undefined;
    if (bytes) this.#sendLive(bytes);
    this.#backlog = this.#protocol < 2 ? undefined : this.#createBacklog(socket);
    this.#backlog?.wake();
  }

  #createBacklog(socket: AgentSocket): BacklogSender {
    const { instance, clock } = this.#options;
    return new BacklogSender({
      ...{ socket, clock, instance, outbox: this.#spool.outbox },
      bytesOf: (frame) => this.#spool.bytesOf(frame),
      liveFrom: () => this.#stretches.at(-1) ?? Infinity,
      onAcknowledged: (item) => {
        this.#acknowledgeBacklog(item);
      },
    });
  }

  #acknowledgeBacklog(item: SentItem): void {
    const { outbox } = this.#spool;
    if (item.kind === 'gap') outbox.acknowledgeGap(item.gap);
    else if (item.kind === 'frame') outbox.acknowledge(item.instance, item.seq, item.seq);
  }

  /** A server of protocol 1 takes no backlog. */
  #loseOwed(): void {
    const { outbox } = this.#spool;
    for (const run of [...outbox.runs]) outbox.lose(run, 'refused');
    for (const gap of [...outbox.gaps]) outbox.acknowledgeGap(gap);
    this.#keyDue = true;
  }

  #beginStretch(): void {
    this.#keyDue = true;
    this.#schemaSent = undefined;
    this.#stretches.push(this.#seq + 1);
  }

  #resync(): void {
    if (this.#phase !== 'live') return;
    // A second demand before the answer to the first changes nothing.
    if (this.#stretches.at(-1) !== this.#seq + 1) this.#beginStretch();
    this.#backlog?.restart();
  }

  /** Encodes the sample and owes it. Undefined if it could not be encoded. */
  #encode(timeMs: number): Uint8Array | undefined {
    const { clock, log } = this.#options;
    const seq = this.#seq + 1;
    const schema = this.#renewSchema();
    const nowMs = clock.monotonicMs();
    const key = this.#keyDue || this.#spool.outbox.needsKey || nowMs - this.#keyMs >= KEY_EVERY_MS;
    const head = { seq, generation: schema.generation, timeMs };
    try {
      const bytes = key ? this.#encoder.key(head, this.#series) : this.#encoder.delta(head, this.#series);
      if (key) this.#keyMs = nowMs;
      this.#keyDue = false;
      this.#seq = seq;
      this.#spool.outbox.add(schema, { seq, timeMs, key, bytes });
      return bytes;
    } catch (error) {
      // What could not be encoded is lost; the next frame starts afresh.
      this.#keyDue = true;
      this.#seq = seq;
      const { outbox } = this.#spool;
      outbox.pendingOf(this.#options.instance).add(seq);
      outbox.loseFrames(this.#options.instance, [{ seq, timeMs }], 'damaged');
      log.warn('a frame could not be encoded', { reason: String(error) });
      return undefined;
    }
  }

  #renewSchema(): BacklogSchema {
    const { snapshot, log, instance, intervalMs } = this.#options;
    if (this.#schema?.generation === snapshot.generation) return this.#schema;
    this.#series = snapshot.series.filter(fitsTheWire).slice(0, limits.series);
    this.#keyDue = true;
    const left = snapshot.series.length - this.#series.length;
    if (left > 0) log.warn('series are left out: their labels are too long or they are too many', { series: left });
    const series = this.#series.map(({ id, labels }): [string, string[]] => [id, [...labels]]);
    this.#schema = { instance, intervalMs, generation: snapshot.generation, series };
    return this.#schema;
  }

  #sendLive(bytes: Uint8Array): void {
    const schema = this.#schema;
    if (schema && schema !== this.#schemaSent) {
      const { generation, series } = schema;
      this.#schemaSent = schema;
      this.#socket?.emit('schema', { generation, series, stretch: this.#stretches.length });
    }
    this.#socket?.emit('frame', bytes);
  }

  #acknowledge(seq: unknown): void {
    if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq > this.#seq) return;
    const base = this.#stretches.findLast((first) => first <= seq);
    if (base === undefined) return;
    this.#acknowledged = Math.max(this.#acknowledged, seq);
    this.#spool.outbox.acknowledge(this.#options.instance, base, seq);
  }

  #tellClock(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const leadMs = this.#leadMs();
    if (this.#protocol < 2 || Math.abs(leadMs - this.#leadToldMs) <= CLOCK_MOVED_MS) return;
    if (nowMs - this.#clockToldMs < CLOCK_EVERY_MS) return;
    this.#clockToldMs = nowMs;
    this.#leadToldMs = leadMs;
    this.#socket?.emit('clock', { timeMs: this.#options.clock.wallMs(), axisMs: this.#axisMs() });
  }

  /** Now, on the axis of the samples. */
  #axisMs(): number {
    const { clock } = this.#options;
    if (this.#sampleMs === undefined) return clock.wallMs();
    return Math.round(this.#sampleMs + clock.monotonicMs() - this.#sampleMonotonicMs);
  }

  #leadMs(): number {
    return this.#options.clock.wallMs() - this.#axisMs();
  }

  #refused(message: string): void {
    if (this.#refusal !== message) this.#options.log.warn(`the server refuses this agent: ${message}`);
    this.#refusal = message;
    // Slowly: nothing changes until somebody acts.
    this.#retry(REFUSED_BACKOFF_MS * (0.5 + this.#options.random() / 2));
  }

  #cannotConnect(reason: string): void {
    if (this.#phase !== 'connecting') return;
    const { log } = this.#options;
    if (!this.#unreachable)
      log.warn('the server cannot be reached; trying again and again', { server: this.#url, reason });
    this.#unreachable = true;
    this.#retry(this.#backoffMs());
  }

  #leave(reason: string, delayMs: number): void {
    const { log } = this.#options;
    if (!this.#unreachable)
      log.warn('the connection to the server is lost; connecting again', { server: this.#url, reason });
    this.#unreachable = true;
    this.#retry(delayMs);
  }

  #retry(delayMs: number): void {
    this.#phase = 'waiting';
    this.#letGo();
    this.#serverAt = (this.#serverAt + 1) % this.#servers.length;
    this.#plan(delayMs, () => {
      this.#connect();
    });
  }

  /** Nothing that the old connection still says is heard. */
  #letGo(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#backlog?.stop();
    this.#backlog = undefined;
    this.#stretches = [];
    this.#cancelFailback?.();
    socket?.disconnect();
  }

  #planFailback(): void {
    const { failbackMs = 600_000, clock, random } = this.#options;
    if (this.#serverAt === 0 || failbackMs === 0) return;
    this.#cancelFailback?.();
    this.#cancelFailback = clock.after(failbackMs * (0.75 + random() / 2), () => {
      void this.#tryFirst();
    });
  }

  /** Back to the first server, if it is ready. */
  async #tryFirst(): Promise<void> {
    const first = this.#servers[0] ?? '';
    const ready = await isReady(first);
    if (this.#phase !== 'live' || this.#serverAt === 0) return;
    if (!ready) {
      this.#planFailback();
      return;
    }
    this.#options.log.info('going back to the first server', { server: first });
    this.#letGo();
    this.#serverAt = 0;
    this.#connect();
  }

  #plan(delayMs: number, call: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.clock.after(delayMs, call);
  }

  /** Exponential with full jitter, so that a thousand agents do not come back at once. */
  #backoffMs(): number {
    const attempt = this.#attempts++;
    const { random } = this.#options;
    if (attempt < this.#servers.length - 1) return FAILOVER_MS * (0.2 + 0.8 * random());
    const round = attempt - (this.#servers.length - 1);
    const widthMs = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(round, 10));
    return widthMs * (0.1 + 0.9 * random());
  }
}

const replySchema = v.variant('ok', [
  v.object({
    ok: v.literal(true),
    serverTimeMs: v.number(),
    protocol: v.optional(v.number()),
    server: v.optional(v.string()),
  }),
  v.object({ ok: v.literal(false), code: v.picklist(refusalCodes), message: v.string() }),
]);

/** Deltas do not shrink any more. The library takes `false`, its types do not. */
const noCompression: object = { perMessageDeflate: false };

/** Reconnecting is ours: the library's own would not know of refusals. */
function openSocket(server: string, ca: string | undefined): AgentSocket {
  const { origin, pathname } = new URL(server);
  return io(`${origin}/agents`, {
    path: `${pathname.replace(/\/$/, '')}/socket.io`,
    transports: ['websocket'],
    ...noCompression,
    ...(ca === undefined ? {} : { ca }),
    reconnection: false,
    autoConnect: false,
    // Several simulated agents in one process have a connection each.
    forceNew: true,
  });
}

async function isReady(server: string): Promise<boolean> {
  try {
    const url = `${server.replace(/\/$/, '')}/readyz`;
    return (await fetch(url, { signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false; // it is not there yet
  }
}

/** A label that the server would refuse the whole schema for. */
function fitsTheWire({ labels }: Series): boolean {
  return labels.every((label) => label.length <= limits.labelLength);
}

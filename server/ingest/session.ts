// One connection of one agent: hello, schema, frames, backlog. Knows nothing of sockets; whatever arrives here is unchecked.
import {
  backlogSchemaSchema,
  clockMessageSchema,
  fabricSweepSchema,
  FrameError,
  gapMessageSchema,
  helloSchema,
  inventorySchema,
  limits,
  MIN_PROTOCOL_VERSION,
  ownersSchema,
  peekFrame,
  PROTOCOL_VERSION,
  schemaMessageSchema,
  type GapMessage,
  type Hello,
  type HelloReply,
  type Owners,
  type RefusalCode,
} from '#agent/contract';
import * as v from 'valibot';
import { TokenBucket } from '../access/token-bucket.ts';
import type { Clock } from '../clock.ts';
import type { FabricWatch } from '../fabric/watch.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetNode } from '../fleet/node.ts';
import type { Log } from '../log.ts';
import { Backlog } from './backlog.ts';
import type { IngestCounters, RejectReason } from './counters.ts';
import { recordPause, recordSilence } from './gaps.ts';
import type { Instance, Intake, Receipt } from './intake.ts';
import type { Holder, Leases } from './leases.ts';

/** Malformed messages before the connection is ended. */
const MAX_STRIKES = 3;
/** Hellos, schemas and inventories together: each is dear to check. */
const MESSAGES_PER_SECOND = 5;
/** A sweep takes seconds; what comes faster is left out. */
const SWEEPS_PER_SECOND = 0.5;
/** Processes come and go; an agent gathers them for a second. */
const OWNERS_PER_SECOND = 3;
/** A resync is asked for again if no new stretch has come for so long. */
const RESYNC_AGAIN_MS = 5000;

export interface SessionContext {
  readonly fleet: Fleet;
  readonly intake: Intake;
  /** Which server this is, as agents are told. */
  readonly serverId: string;
  /** Sweeps are left out where there is nobody to follow fabrics. */
  readonly fabrics?: FabricWatch;
  /** Who has the GPUs of a node, as its agent sees it. */
  readonly onOwners?: (node: string, owners: Owners) => void;
  readonly leases: Leases;
  readonly counters: IngestCounters;
  readonly clock: Clock;
  readonly log: Log;
}

/** The way back to the agent. */
export interface AgentLine {
  readonly address: string;
  ack(seq: number): void;
  backlogAck(count: number): void;
  resync(): void;
  notice(code: string, message: string): void;
  disconnect(): void;
}

/** What is known since the hello. */
interface Greeted {
  readonly node: FleetNode;
  readonly hello: Hello;
  readonly protocol: number;
  readonly instance: Instance;
  readonly holder: Holder;
  readonly backlog: Backlog;
  /** Wall clock less axis of the agent. */
  wallLeadMs: number;
}

/** What frames are taken with since the schema. */
interface Taking {
  readonly generation: number;
  readonly session: number;
  readonly stretch: number;
}

export class AgentSession implements Receipt {
  readonly #context: SessionContext;
  readonly #line: AgentLine;
  readonly #frames: TokenBucket;
  readonly #messages: TokenBucket;
  readonly #sweeps: TokenBucket;
  readonly #owners: TokenBucket;
  #greeted: Greeted | undefined;
  #taking: Taking | undefined;
  /** The next frame builds on the last one. */
  #synchronous = false;
  /** Stretch of which a frame was lost: it is acknowledged no further. */
  #brokenStretch = -1;
  #strikes = 0;
  #resyncAskedMs = -Infinity;
  /** When its last message came. */
  #heardMs: number;
  #durableSeq = -1;
  #durableBacklog = -1;
  #ended = false;
  #saidUnreadable = false;

  constructor(context: SessionContext, line: AgentLine) {
    this.#context = context;
    this.#line = line;
    const nowMs = context.clock.nowMs();
    this.#heardMs = nowMs;
    this.#frames = new TokenBucket(limits.framesPerSecond, nowMs);
    this.#messages = new TokenBucket(MESSAGES_PER_SECOND, nowMs);
    this.#sweeps = new TokenBucket(SWEEPS_PER_SECOND, nowMs);
    this.#owners = new TokenBucket(OWNERS_PER_SECOND, nowMs);
  }

  get greeted(): boolean {
    return this.#greeted !== undefined;
  }

  hello(message: unknown): HelloReply {
    const { fleet, leases, clock, log, intake, serverId } = this.#context;
    const parsed = this.#parse(helloSchema, message);
    if (!parsed.success) {
      this.strike('hello');
      return refusal('malformed', `the hello is malformed: ${issueText(parsed.issues[0])}`);
    }
    const hello = parsed.output;
    const protocol = commonProtocol(hello);
    if (protocol === undefined) return refusal('protocol', protocolText(hello));
    if (!fleet.node(hello.node) && fleet.isFull)
      return refusal('too_many', 'this server follows as many nodes as it can; no further name is taken');
    // A connection that says hello again starts over.
    this.#release();
    const holder = this.#holderOf(hello);
    const claim = leases.claim(hello.node, holder, clock.nowMs());
    if (claim) return refusal('name_taken', claim);
    const instance = intake.instance(hello.node, hello.instance);
    const axisMs = hello.axisMs ?? hello.timeMs;
    if (protocol >= 2) instance.offset.add(axisMs, clock.nowMs());
    const node = fleet.greet(hello, clock.wallMs());
    const backlog = new Backlog({ ...this.#context, node: hello.node, receipt: this });
    this.#greeted = { node, hello, protocol, instance, holder, backlog, wallLeadMs: hello.timeMs - axisMs };
    this.#taking = undefined;
    this.#synchronous = false;
    log.info('agent connected', { node: hello.node, from: this.#line.address, version: hello.agentVersion });
    const known = protocol >= 2 ? { protocol, server: serverId } : {};
    return { ok: true, serverTimeMs: clock.wallMs(), ...known };
  }

  schema(message: unknown): void {
    const { fleet, clock, intake } = this.#context;
    const parsed = this.#parse(schemaMessageSchema, message);
    const greeted = this.#greeted;
    if (!greeted || !parsed.success) {
      this.strike('schema');
      return;
    }
    const { generation, series, stretch = 0 } = parsed.output;
    const { node, hello, instance } = greeted;
    const refused = fleet.adopt(node, series, clock.nowMs());
    const session = intake.nextSession();
    const { intervalMs } = hello;
    intake.session({
      ...{ kind: 'session', session, node: node.name, instance: instance.instance, generation, intervalMs, hello },
      series,
    });
    this.#taking = { generation, session, stretch };
    this.#synchronous = false;
    if (refused.length > 0) this.#tellUnknown(node.name, refused);
  }

  inventory(message: unknown): void {
    const parsed = this.#parse(inventorySchema, message);
    if (this.#greeted && parsed.success) this.#context.fleet.describe(this.#greeted.node, parsed.output);
    else this.strike('inventory');
  }

  /** The agent's wall clock moved against the axis of its frames. */
  clock(message: unknown): void {
    const parsed = this.#parse(clockMessageSchema, message);
    if (!this.#greeted || !parsed.success) this.strike('clock');
    else this.#greeted.wallLeadMs = parsed.output.timeMs - parsed.output.axisMs;
  }

  /** One sweep of the InfiniBand subnet that the agent's host can see. */
  fabric(message: unknown): void {
    const { fabrics, clock } = this.#context;
    if (!this.#greeted) {
      this.strike('fabric');
      return;
    }
    if (!fabrics || !this.#sweeps.take(clock.nowMs())) return;
    const parsed = v.safeParse(fabricSweepSchema, message);
    if (!parsed.success) {
      this.strike('fabric');
      return;
    }
    const { name, clockOffsetMs } = this.#greeted.node;
    fabrics.take(parsed.output, { node: name, clockOffsetMs }, clock.nowMs());
  }

  /** Who has the GPUs of the node now. What comes too fast is left out: the agent tells all of it again every minute. */
  owners(message: unknown): void {
    const { clock, onOwners } = this.#context;
    const greeted = this.#greeted;
    if (!greeted) {
      this.strike('owners');
      return;
    }
    if (!onOwners || !this.#owners.take(clock.nowMs())) return;
    const parsed = v.safeParse(ownersSchema, message);
    if (parsed.success) onOwners(greeted.node.name, parsed.output);
    else this.strike('owners');
  }

  frame(bytes: unknown): void {
    const { counters, clock } = this.#context;
    if (!(bytes instanceof Uint8Array)) {
      this.#reject('not_binary');
      return;
    }
    counters.frames++;
    counters.bytes += bytes.length;
    if (!this.#greeted || bytes.length > limits.frameBytes) {
      this.#reject(this.#greeted ? 'too_large' : 'no_hello');
      return;
    }
    const nowMs = clock.nowMs();
    this.#heardMs = nowMs;
    if (!this.#frames.take(nowMs)) {
      if (this.#lose('rate') === 'resync asked') this.strike('flood');
      return;
    }
    try {
      this.#take(this.#greeted, bytes, nowMs);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#lose('malformed');
      this.strike('frame');
    }
  }

  backlogSchema(message: unknown): void {
    // Each is followed by frames of its own, which have a rate; a schema that never fits ends the connection.
    const parsed = v.safeParse(backlogSchemaSchema, message);
    if (!this.#greeted || !parsed.success) this.strike('backlog_schema');
    else this.#greeted.backlog.begin(parsed.output);
  }

  backlogFrame(bytes: unknown): void {
    const { counters, clock } = this.#context;
    if (!this.#greeted || !(bytes instanceof Uint8Array) || bytes.length > limits.frameBytes) {
      this.#reject(this.#greeted ? (bytes instanceof Uint8Array ? 'too_large' : 'not_binary') : 'no_hello');
      return;
    }
    counters.frames++;
    counters.bytes += bytes.length;
    this.#heardMs = clock.nowMs();
    const reason = this.#greeted.backlog.frame(bytes);
    if (reason === undefined) return;
    counters.reject(reason);
    if (reason === 'rate') this.strike('flood');
    else if (!this.#saidUnreadable)
      this.#line.notice('backlog', `frames of the backlog cannot be read (${reason}) and are recorded as lost`);
    this.#saidUnreadable = true;
  }

  gap(message: unknown): void {
    const parsed = v.safeParse(gapMessageSchema, message);
    if (!this.#greeted || !parsed.success || !isGap(parsed.output)) this.strike('gap');
    else this.#greeted.backlog.gap(parsed.output);
  }

  /** Nothing older than this process is owed any more. */
  backlogEnd(): void {
    const greeted = this.#greeted;
    if (!greeted) {
      this.strike('backlog_end');
      return;
    }
    recordSilence(this.#context.intake, greeted.instance, (greeted.hello.servers ?? 1) > 1);
    greeted.backlog.end();
  }

  /** The connection is gone. */
  end(): void {
    this.#ended = true;
    const node = this.#greeted?.node;
    this.#release();
    if (node) this.#context.log.info('agent disconnected', { node: node.name, from: this.#line.address });
  }

  durable(kind: 'live' | 'backlog', mark: number): void {
    if (kind === 'live') this.#durableSeq = mark;
    else this.#durableBacklog = mark;
  }

  flush(): void {
    const [seq, count] = [this.#durableSeq, this.#durableBacklog];
    this.#durableSeq = -1;
    this.#durableBacklog = -1;
    if (this.#ended) return;
    if (seq >= 0) this.#line.ack(seq);
    if (count >= 0) this.#line.backlogAck(count);
  }

  /** The store has let go of something: the agent still has it and sends it again after a new connection. */
  forgotten(): void {
    if (!this.#ended) this.#line.disconnect();
  }

  /** Counts a malformed message; the third ends the connection. */
  strike(what: string): void {
    this.#strikes++;
    if (this.#strikes < MAX_STRIKES) return;
    this.#context.log.warn('a client keeps sending malformed messages and is disconnected', {
      from: this.#line.address,
      node: this.#greeted?.node.name ?? 'unknown',
      last: what,
    });
    this.#line.disconnect();
  }

  /** What comes too fast is not even looked at. */
  #parse<S extends v.GenericSchema>(schema: S, message: unknown): v.SafeParseResult<S> {
    this.#heardMs = this.#context.clock.nowMs();
    const fast = !this.#messages.take(this.#heardMs);
    return v.safeParse(schema, fast ? undefined : message);
  }

  #take(greeted: Greeted, bytes: Uint8Array, nowMs: number): void {
    const { fleet, counters, intake, clock } = this.#context;
    const { node, instance, protocol, wallLeadMs } = greeted;
    const { key, seq, generation, timeMs: axisMs } = peekFrame(bytes);
    const taking = this.#taking;
    const reason = this.#unusable(taking, key, generation);
    if (reason || !taking) {
      this.#lose(reason ?? 'no_schema');
      return;
    }
    const repeated = instance.seqs.has(seq);
    if (repeated && !key) {
      counters.reject('duplicate');
      return;
    }
    instance.offset.add(axisMs, nowMs);
    const placedMs = Math.round(axisMs + instance.offset.ms);
    const timeMs = Math.max(placedMs, (node.lastSampleMs ?? -Infinity) + 1);
    const previousMs = node.lastSampleMs;
    fleet.take(node, { bytes, key, receivedMs: nowMs, timeMs });
    node.noteClock(axisMs + wallLeadMs, clock.wallMs());
    this.#synchronous = true;
    // Later agents say it themselves.
    if (protocol < 2) recordPause(intake, instance, { seq, timeMs, previousMs, intervalMs: greeted.hello.intervalMs });
    const { session, stretch } = taking;
    const entry = {
      kind: 'frame' as const,
      session,
      seq,
      key,
      backlog: false,
      repeated,
      timeMs,
      receivedMs: nowMs,
      bytes,
    };
    intake.frame(entry, instance, stretch === this.#brokenStretch ? mute : this, seq);
    if (instance.firstLiveMs !== undefined) return;
    instance.firstLiveMs = timeMs;
    // Such an agent has no backlog that could still come.
    if (protocol < 2) recordSilence(intake, instance, false);
  }

  #unusable(taking: Taking | undefined, key: boolean, generation: number): RejectReason | undefined {
    if (taking === undefined) return 'no_schema';
    if (generation !== taking.generation) return 'generation';
    return key || this.#synchronous ? undefined : 'no_key';
  }

  #reject(reason: RejectReason): void {
    this.#context.counters.reject(reason);
    this.strike('frame');
  }

  /** A frame is lost, so that those after it mean nothing until the next key frame, and nothing until the next stretch is acknowledged. */
  #lose(reason: RejectReason): 'resync asked' | 'resync under way' {
    this.#context.counters.reject(reason);
    this.#synchronous = false;
    if ((this.#greeted?.protocol ?? 1) >= 2) this.#brokenStretch = this.#taking?.stretch ?? -1;
    const nowMs = this.#context.clock.nowMs();
    if (nowMs - this.#resyncAskedMs < RESYNC_AGAIN_MS) return 'resync under way';
    this.#resyncAskedMs = nowMs;
    this.#line.resync();
    return 'resync asked';
  }

  #tellUnknown(node: string, refused: readonly string[]): void {
    this.#context.log.warn('series not in the catalogue are left out', { node, series: refused.length });
    const names = [...new Set(refused)];
    const some = names.slice(0, 5).join(', ');
    this.#line.notice(
      'unknown_series',
      `this server does not publish ${refused.length} series of ${names.length} metrics, such as ${some}: a newer server may know them`,
    );
  }

  #holderOf(hello: Hello): Holder {
    const { hostname, bootId } = hello.inventory;
    return {
      node: hello.node,
      instance: hello.instance,
      address: this.#line.address,
      machine: { hostname, bootId },
      heardMs: () => this.#heardMs,
      replaced: () => {
        this.#line.disconnect();
      },
      contested: (text) => {
        this.#line.notice('name_contested', text);
      },
    };
  }

  #release(): void {
    if (this.#greeted) this.#context.leases.release(this.#greeted.node.name, this.#greeted.holder);
    this.#greeted = undefined;
  }
}

/** Takes receipts of frames whose agent must not be told: an acknowledgement would speak for a lost frame before them. */
const mute: Receipt = { durable: () => undefined, flush: () => undefined, forgotten: () => undefined };

/** Only a pause is without frames. */
function isGap({ fromSeq, toSeq, reason }: GapMessage): boolean {
  return reason === 'paused' ? fromSeq === -1 && toSeq === -1 : fromSeq >= 0 && toSeq >= fromSeq;
}

/** The newest protocol that both speak. */
function commonProtocol({ protocol, minProtocol = protocol }: Hello): number | undefined {
  const newest = Math.min(protocol, PROTOCOL_VERSION);
  return newest >= Math.max(minProtocol, MIN_PROTOCOL_VERSION) && Number.isInteger(newest) ? newest : undefined;
}

function protocolText({ protocol, minProtocol = protocol, agentVersion }: Hello): string {
  const theirs = minProtocol === protocol ? `${protocol}` : `${minProtocol} to ${protocol}`;
  const older = protocol < MIN_PROTOCOL_VERSION ? 'the agent' : 'this server';
  return `this server speaks protocols ${MIN_PROTOCOL_VERSION} to ${PROTOCOL_VERSION}, the agent (version ${agentVersion}) ${theirs}: upgrade ${older}`;
}

function refusal(code: RefusalCode, message: string): HelloReply {
  return { ok: false, code, message };
}

function issueText(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

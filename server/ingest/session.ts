// One connection of one agent: hello, schema, frames. Knows nothing of sockets; whatever arrives here is unchecked.
import {
  fabricSweepSchema,
  FrameError,
  helloSchema,
  inventorySchema,
  limits,
  peekFrame,
  PROTOCOL_VERSION,
  schemaMessageSchema,
  type HelloReply,
  type RefusalCode,
} from '#agent/contract';
import * as v from 'valibot';
import { TokenBucket } from '../access/token-bucket.ts';
import type { Clock } from '../clock.ts';
import type { FabricWatch } from '../fabric/watch.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetNode } from '../fleet/node.ts';
import type { Log } from '../log.ts';
import type { IngestCounters, RejectReason } from './counters.ts';
import type { Holder, Leases } from './leases.ts';

/** Malformed messages before the connection is ended. */
const MAX_STRIKES = 3;
/** Hellos, schemas and inventories together: each is dear to check. */
const MESSAGES_PER_SECOND = 5;
/** A sweep takes seconds; what comes faster is left out. */
const SWEEPS_PER_SECOND = 0.5;
/** A resync is asked for again if no key frame has come for so long. */
const RESYNC_AGAIN_MS = 5000;

export interface SessionContext {
  readonly fleet: Fleet;
  /** Sweeps are left out where there is nobody to follow fabrics. */
  readonly fabrics?: FabricWatch;
  readonly leases: Leases;
  readonly counters: IngestCounters;
  readonly clock: Clock;
  readonly log: Log;
}

/** The way back to the agent. */
export interface AgentLine {
  readonly address: string;
  ack(seq: number): void;
  resync(): void;
  disconnect(): void;
}

export class AgentSession {
  readonly #context: SessionContext;
  readonly #line: AgentLine;
  readonly #frames: TokenBucket;
  readonly #messages: TokenBucket;
  readonly #sweeps: TokenBucket;
  #node: FleetNode | undefined;
  #holder: Holder | undefined;
  #generation: number | undefined;
  #synchronous = false;
  #lastSeq = -1;
  #strikes = 0;
  #resyncAskedMs = -Infinity;

  constructor(context: SessionContext, line: AgentLine) {
    this.#context = context;
    this.#line = line;
    this.#frames = new TokenBucket(limits.framesPerSecond, context.clock.nowMs());
    this.#messages = new TokenBucket(MESSAGES_PER_SECOND, context.clock.nowMs());
    this.#sweeps = new TokenBucket(SWEEPS_PER_SECOND, context.clock.nowMs());
  }

  get greeted(): boolean {
    return this.#node !== undefined;
  }

  hello(message: unknown): HelloReply {
    const { fleet, leases, clock, log } = this.#context;
    const parsed = this.#parse(helloSchema, message);
    if (!parsed.success) {
      this.strike('hello');
      return refusal('malformed', `the hello is malformed: ${issueText(parsed.issues[0])}`);
    }
    const hello = parsed.output;
    if (hello.protocol !== PROTOCOL_VERSION)
      return refusal(
        'protocol',
        `this server speaks protocol ${PROTOCOL_VERSION}, the agent ${hello.protocol}: install the same version on both`,
      );
    if (!fleet.node(hello.node) && fleet.isFull)
      return refusal('too_many', 'this server follows as many nodes as it can; no further name is taken');
    // A connection that says hello again starts over.
    this.#release();
    const replaced = (): void => {
      this.#line.disconnect();
    };
    const holder: Holder = { instance: hello.instance, address: this.#line.address, replaced };
    const other = leases.claim(hello.node, holder);
    if (other)
      return refusal(
        'name_taken',
        `${hello.node} is already connected from ${other.address}: another agent has this name; start this one with --name OTHER`,
      );
    this.#holder = holder;
    this.#node = fleet.greet(hello, clock.wallMs());
    this.#generation = undefined;
    this.#synchronous = false;
    log.info('agent connected', { node: hello.node, from: this.#line.address, version: hello.agentVersion });
    return { ok: true, serverTimeMs: clock.wallMs() };
  }

  schema(message: unknown): void {
    const { fleet, clock, log } = this.#context;
    const parsed = this.#parse(schemaMessageSchema, message);
    if (!this.#node || !parsed.success) {
      this.strike('schema');
      return;
    }
    const { generation, series } = parsed.output;
    const refused = fleet.adopt(this.#node, series, clock.nowMs());
    this.#generation = generation;
    this.#synchronous = false;
    if (refused > 0) log.warn('series not in the catalogue are left out', { node: this.#node.name, series: refused });
  }

  inventory(message: unknown): void {
    const parsed = this.#parse(inventorySchema, message);
    if (this.#node && parsed.success) this.#context.fleet.describe(this.#node, parsed.output);
    else this.strike('inventory');
  }

  /** One sweep of the InfiniBand subnet that the agent's host can see. */
  fabric(message: unknown): void {
    const { fabrics, clock } = this.#context;
    if (!this.#node) {
      this.strike('fabric');
      return;
    }
    if (!fabrics || !this.#sweeps.take(clock.nowMs())) return;
    const parsed = v.safeParse(fabricSweepSchema, message);
    if (!parsed.success) {
      this.strike('fabric');
      return;
    }
    const { name, clockOffsetMs } = this.#node;
    fabrics.take(parsed.output, { node: name, clockOffsetMs }, clock.nowMs());
  }

  frame(bytes: unknown): void {
    const { counters, clock } = this.#context;
    if (!(bytes instanceof Uint8Array)) {
      this.#reject('not_binary');
      return;
    }
    counters.frames++;
    counters.bytes += bytes.length;
    if (!this.#node || bytes.length > limits.frameBytes) {
      this.#reject(this.#node ? 'too_large' : 'no_hello');
      return;
    }
    const nowMs = clock.nowMs();
    if (!this.#frames.take(nowMs)) {
      if (this.#lose('rate') === 'resync asked') this.strike('flood');
      return;
    }
    try {
      this.#take(this.#node, bytes, nowMs);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#lose('malformed');
      this.strike('frame');
    }
  }

  /** The connection is gone. */
  end(): void {
    const node = this.#node;
    this.#release();
    if (node) this.#context.log.info('agent disconnected', { node: node.name, from: this.#line.address });
  }

  /** Counts a malformed message; the third ends the connection. */
  strike(what: string): void {
    this.#strikes++;
    if (this.#strikes < MAX_STRIKES) return;
    this.#context.log.warn('a client keeps sending malformed messages and is disconnected', {
      from: this.#line.address,
      node: this.#node?.name ?? 'unknown',
      last: what,
    });
    this.#line.disconnect();
  }

  /** What comes too fast is not even looked at. */
  #parse<S extends v.GenericSchema>(schema: S, message: unknown): v.SafeParseResult<S> {
    const fast = !this.#messages.take(this.#context.clock.nowMs());
    return v.safeParse(schema, fast ? undefined : message);
  }

  #take(node: FleetNode, bytes: Uint8Array, nowMs: number): void {
    const { fleet, clock, counters } = this.#context;
    const { key, seq, generation } = peekFrame(bytes);
    const reason = this.#unusable(key, generation);
    if (reason) {
      this.#lose(reason);
      return;
    }
    if (!key && seq <= this.#lastSeq) {
      counters.reject('duplicate');
      return;
    }
    fleet.take(node, { bytes, key, receivedMs: nowMs, wallMs: clock.wallMs() });
    this.#synchronous = true;
    this.#lastSeq = seq;
    // Acknowledged means received, not yet on disk: there is no journal to wait for.
    this.#line.ack(seq);
  }

  #unusable(key: boolean, generation: number): RejectReason | undefined {
    if (this.#generation === undefined) return 'no_schema';
    if (generation !== this.#generation) return 'generation';
    return key || this.#synchronous ? undefined : 'no_key';
  }

  #reject(reason: RejectReason): void {
    this.#context.counters.reject(reason);
    this.strike('frame');
  }

  /** A frame is lost, so that those after it mean nothing until the next key frame. */
  #lose(reason: RejectReason): 'resync asked' | 'resync under way' {
    this.#context.counters.reject(reason);
    this.#synchronous = false;
    const nowMs = this.#context.clock.nowMs();
    if (nowMs - this.#resyncAskedMs < RESYNC_AGAIN_MS) return 'resync under way';
    this.#resyncAskedMs = nowMs;
    this.#line.resync();
    return 'resync asked';
  }

  #release(): void {
    if (this.#node && this.#holder) this.#context.leases.release(this.#node.name, this.#holder);
    this.#node = undefined;
    this.#holder = undefined;
  }
}

function refusal(code: RefusalCode, message: string): HelloReply {
  return { ok: false, code, message };
}

function issueText(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

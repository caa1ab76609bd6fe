// What agent and server say to each other over the socket.io namespace /agents (websocket only, no compression), protocol 2.
//   agent  -> hello {…} ack(HelloReply) · schema {…} · frame <binary> · clock {…} · inventory {…} · fabric {…} (a FabricSweep)
//             owners {…} (who has the GPUs: when it changes, after the hello, every minute)
//             backlog_schema {…} · backlog <binary> · gap {…} · backlog_end: what an earlier connection or an earlier process
//             left, in order; the end says that nothing older is owed
//   server -> ack SEQ: the live frames of this stretch up to SEQ are on disk (a stretch begins with the first frame after
//             the hello or after a resync) · backlog_ack N: the first N backlog, gap and backlog_end messages of this
//             connection are on disk · resync: begin a new stretch (schema and key frame); what is not acknowledged belongs to the backlog ·
//             notice {code, message}: something for the agent's log
// Protocol 1 has no clock, backlog, gap and notice; its acknowledgements mean the same.
import * as v from 'valibot';
import { inventorySchema } from './inventory.ts';

export const PROTOCOL_VERSION = 2;
/** The oldest protocol that is still understood. */
export const MIN_PROTOCOL_VERSION = 1;

/** Bounds of what one agent may send; more is refused, never silently cut. */
export const limits = {
  frameBytes: 1_000_000,
  series: 20_000,
  labelLength: 256,
  framesPerSecond: 20,
  /** Backlog frames and gaps; live frames have a limit of their own. */
  backlogPerSecond: 500,
  /** Backlog messages sent and not yet acknowledged. */
  backlogWindow: 128,
  fabricBytes: 16_000_000,
} as const;

/** Node names are one DNS-like word: they become labels, URLs and file names. */
export const nodeNameSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/));

/** One random word per agent process: the epoch of its sequence numbers. */
export const instanceSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{8,64}$/));
const intervalMs = v.pipe(v.number(), v.minValue(100), v.maxValue(600_000));

export const helloSchema = v.object({
  protocol: v.number(),
  /** The oldest protocol the agent can speak; its own where it does not say. */
  minProtocol: v.optional(v.number()),
  node: nodeNameSchema,
  instance: instanceSchema,
  agentVersion: v.pipe(v.string(), v.maxLength(64)),
  /** How often frames come. */
  intervalMs,
  /** The agent's wall clock at sending. */
  timeMs: v.number(),
  /** The same moment on the axis of its frames' times; the wall clock where it does not say. */
  axisMs: v.optional(v.number()),
  /** How many servers the agent may deliver to; what one of them has not may be with another. */
  servers: v.optional(v.number()),
  inventory: inventorySchema,
});
export type Hello = v.InferOutput<typeof helloSchema>;

export type HelloReply =
  | {
      readonly ok: true;
      readonly serverTimeMs: number;
      /** The protocol both speak from now on; 1 where the server does not say. */
      readonly protocol?: number | undefined;
      /** Which server this is: frames that one server acknowledged are not owed to another. */
      readonly server?: string | undefined;
    }
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

export const refusalCodes = ['malformed', 'protocol', 'name_taken', 'too_many'] as const;
export type RefusalCode = (typeof refusalCodes)[number];

/** Metric id and label values in the row's order; the position is the series' index in frames. */
const seriesSchema = v.pipe(
  v.array(v.tuple([v.string(), v.array(v.pipe(v.string(), v.maxLength(limits.labelLength)))])),
  v.maxLength(limits.series),
);
const generation = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

export const schemaMessageSchema = v.object({
  generation,
  series: seriesSchema,
  /** Number of the stretch that the frames after it belong to, growing within a connection; protocol 2. */
  stretch: v.optional(v.pipe(v.number(), v.safeInteger())),
});
export type SchemaMessage = v.InferOutput<typeof schemaMessageSchema>;

/** The schema of the backlog frames that follow, and whose they are. */
export const backlogSchemaSchema = v.object({
  instance: instanceSchema,
  intervalMs,
  generation,
  series: seriesSchema,
});
export type BacklogSchema = v.InferOutput<typeof backlogSchemaSchema>;

/** The two clocks of the agent at one moment; sent when they moved against each other. */
export const clockMessageSchema = v.object({ timeMs: v.number(), axisMs: v.number() });
export type ClockMessage = v.InferOutput<typeof clockMessageSchema>;

/** Why readings are not in the history; the last two are found by the server. */
export const gapReasons = ['cap', 'damaged', 'refused', 'paused', 'not_running', 'unknown'] as const;
export type GapReason = (typeof gapReasons)[number];

/** Frames that were produced and are lost; with -1 and -1 and `paused`, time in which the process stood still. */
export const gapMessageSchema = v.object({
  instance: instanceSchema,
  fromSeq: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
  toSeq: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
  /** Times of the first and the last one on the axis of the instance; the nearest known where they are not. */
  fromMs: v.number(),
  toMs: v.number(),
  reason: v.picklist(['cap', 'damaged', 'refused', 'paused']),
});
export type GapMessage = v.InferOutput<typeof gapMessageSchema>;

export const noticeSchema = v.object({ code: v.string(), message: v.string() });
export type Notice = v.InferOutput<typeof noticeSchema>;

// What agent and server say to each other over the socket.io namespace /agents (websocket only, no compression).
//   agent  -> hello {…} ack(HelloReply) · schema {…} · frame <binary> · inventory {…} · fabric {…} (a FabricSweep)
//   server -> ack <seq> (all frames up to seq are taken) · resync (send schema and a key frame again)
import * as v from 'valibot';
import { inventorySchema } from './inventory.ts';

export const PROTOCOL_VERSION = 1;

/** Bounds of what one agent may send; more is refused, never silently cut. */
export const limits = {
  frameBytes: 1_000_000,
  series: 20_000,
  labelLength: 256,
  framesPerSecond: 20,
  fabricBytes: 16_000_000,
} as const;

/** Node names are one DNS-like word: they become labels, URLs and file names. */
export const nodeNameSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/));

export const helloSchema = v.object({
  protocol: v.number(),
  node: nodeNameSchema,
  /** One random word per agent process: tells a reconnect from a second agent of the same name. */
  instance: v.pipe(v.string(), v.minLength(8), v.maxLength(64)),
  agentVersion: v.pipe(v.string(), v.maxLength(64)),
  /** How often frames come. */
  intervalMs: v.pipe(v.number(), v.minValue(100), v.maxValue(600_000)),
  /** The agent's wall clock at sending. */
  timeMs: v.number(),
  inventory: inventorySchema,
});
export type Hello = v.InferOutput<typeof helloSchema>;

export type HelloReply =
  | { readonly ok: true; readonly serverTimeMs: number }
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

export type RefusalCode = 'malformed' | 'protocol' | 'name_taken' | 'too_many';

export const schemaMessageSchema = v.object({
  generation: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Metric id and label values in the row's order; the position is the series' index in frames. */
  series: v.pipe(
    v.array(v.tuple([v.string(), v.array(v.pipe(v.string(), v.maxLength(limits.labelLength)))])),
    v.maxLength(limits.series),
  ),
});
export type SchemaMessage = v.InferOutput<typeof schemaMessageSchema>;

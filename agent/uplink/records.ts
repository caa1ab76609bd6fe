// What the spool writes: schemas, frames, which frames are still owed, gaps. One kind byte, then JSON or a frame.
import { backlogSchemaSchema, gapMessageSchema, type BacklogSchema, type GapMessage } from '#agent/contract';
import * as v from 'valibot';

const SCHEMA = 1;
const FRAME = 2;
const OWED = 3;
const GAP = 4;

const owedSchema = v.object({
  instance: v.string(),
  /** Frames up to this one that are not named are acknowledged. */
  upTo: v.number(),
  pending: v.array(v.tuple([v.number(), v.number()])),
});
export type Owed = v.InferOutput<typeof owedSchema>;

export type SpoolRecord =
  | { readonly kind: 'schema'; readonly schema: BacklogSchema }
  | { readonly kind: 'frame'; readonly instance: string; readonly bytes: Uint8Array }
  | { readonly kind: 'owed'; readonly owed: Owed }
  | { readonly kind: 'gap'; readonly gap: GapMessage };

export const schemaRecord = (schema: BacklogSchema): Uint8Array => json(SCHEMA, schema);
export const owedRecord = (owed: Owed): Uint8Array => json(OWED, owed);
export const gapRecord = (gap: GapMessage): Uint8Array => json(GAP, gap);

export function frameRecord(instance: string, frame: Uint8Array): Uint8Array {
  const name = Buffer.from(instance);
  return Buffer.concat([Buffer.from([FRAME, name.length]), name, frame]);
}

/** Undefined for what this version does not know or cannot read. */
export function parseSpoolRecord(record: Uint8Array): SpoolRecord | undefined {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  switch (bytes[0]) {
    case FRAME: {
      const end = 2 + (bytes[1] ?? 0);
      return { kind: 'frame', instance: bytes.subarray(2, end).toString(), bytes: bytes.subarray(end) };
    }
    case SCHEMA: {
      const schema = parsed(backlogSchemaSchema, bytes);
      return schema && { kind: 'schema', schema };
    }
    case OWED: {
      const owed = parsed(owedSchema, bytes);
      return owed && { kind: 'owed', owed };
    }
    case GAP: {
      const gap = parsed(gapMessageSchema, bytes);
      return gap && { kind: 'gap', gap };
    }
    default:
      return undefined;
  }
}

function json(kind: number, value: unknown): Uint8Array {
  return Buffer.concat([Buffer.from([kind]), Buffer.from(JSON.stringify(value))]);
}

function parsed<S extends v.GenericSchema>(schema: S, bytes: Buffer): v.InferOutput<S> | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(bytes.subarray(1).toString()));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // no JSON: a record of something else
  }
}

// What a node is made of, found at start and every 5 minutes, off the hot path.
import * as v from 'valibot';

const text = v.pipe(v.string(), v.maxLength(256));

export const inventorySchema = v.object({
  hostname: text,
  kernel: text,
  os: text,
  arch: text,
  product: text,
  vendor: text,
  bootId: text,
  cpuModel: text,
  /** Logical CPUs; null where unknown. */
  cpus: v.nullable(v.number()),
  memoryBytes: v.nullable(v.number()),
});

/** Empty text means the source does not say. */
export type Inventory = v.InferOutput<typeof inventorySchema>;

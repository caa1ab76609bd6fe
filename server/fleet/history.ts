// The last minutes of one node as its frames came: 0.8 KB a second, replayed when somebody looks.
import { FrameDecoder } from '#agent/contract';
import type { NodeSchema } from './schema.ts';

export const HISTORY_MS = 600_000;
/** A quiet bound: 10 minutes of a busy node are half a megabyte. */
const MAX_BYTES = 16_000_000;

interface KeptFrame {
  readonly bytes: Uint8Array;
  readonly timeMs: number;
}
/** Frames that can be replayed by themselves: a key frame and the deltas after it. */
interface Stretch {
  readonly schema: NodeSchema;
  readonly frames: KeptFrame[];
  bytes: number;
}

export class FrameHistory {
  #stretches: Stretch[] = [];
  #bytes = 0;

  /** Keeps a frame that the live decoder has just taken. */
  add(schema: NodeSchema, frame: { bytes: Uint8Array; key: boolean; timeMs: number }): void {
    if (frame.key) this.#stretches.push({ schema, frames: [], bytes: 0 });
    const last = this.#stretches.at(-1);
    if (!last) return;
    // Copied: what the socket handed over may be a slice of a much larger buffer.
    last.frames.push({ bytes: new Uint8Array(frame.bytes), timeMs: frame.timeMs });
    last.bytes += frame.bytes.length;
    this.#bytes += frame.bytes.length;
    if (frame.key || this.#bytes > MAX_BYTES) this.#forget(frame.timeMs - HISTORY_MS);
  }

  /** Walks through the kept frames, oldest first, with the decoder as it stood after each. */
  replay(visit: (schema: NodeSchema, decoder: FrameDecoder, timeMs: number) => void): void {
    let schema: NodeSchema | undefined;
    let decoder = new FrameDecoder(0);
    for (const stretch of this.#stretches) {
      if (stretch.schema !== schema) {
        schema = stretch.schema;
        decoder = new FrameDecoder(schema.size);
      }
      for (const frame of stretch.frames) {
        decoder.apply(frame.bytes);
        visit(schema, decoder, frame.timeMs);
      }
    }
  }

  /** Whole stretches only: the first stays as long as a part of it is wanted and there is room. */
  #forget(beforeMs: number): void {
    for (let first = this.#stretches[0]; first; first = this.#stretches[0]) {
      const next = this.#stretches[1]?.frames[0];
      const wanted = next === undefined || next.timeMs > beforeMs;
      if (wanted && this.#bytes <= MAX_BYTES) return;
      this.#bytes -= first.bytes;
      this.#stretches.shift();
    }
  }
}

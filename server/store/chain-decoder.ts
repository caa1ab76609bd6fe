// Decodes the frames of one session in order, and never on a wrong base: a frame that says only what changed is taken
// only if it follows the last one.
import { FrameDecoder, FrameError } from '#agent/contract';
import type { FrameRecord } from './records.ts';

export class ChainDecoder {
  readonly decoder: FrameDecoder;
  /** Seconds that the last frame's gains are of; NaN where that is not known. */
  spanSeconds = NaN;
  #seq: number | undefined;
  #timeMs = NaN;

  constructor(size: number) {
    this.decoder = new FrameDecoder(size);
  }

  /** False if the frame cannot be decoded: frames before it are missing, until the next key frame. */
  take({ key, seq, timeMs, bytes }: Pick<FrameRecord, 'key' | 'seq' | 'timeMs' | 'bytes'>): boolean {
    const follows = this.#seq !== undefined && seq === this.#seq + 1;
    this.#seq = undefined;
    if (!key && !follows) return false;
    try {
      this.decoder.apply(bytes);
    } catch (error) {
      if (error instanceof FrameError) return false;
      throw error;
    }
    const spanMs = timeMs - this.#timeMs;
    this.spanSeconds = spanMs > 0 ? spanMs / 1000 : NaN;
    this.#seq = seq;
    this.#timeMs = timeMs;
    return true;
  }
}

// socket.io's own decoder, which also understands frames as one binary message (agent/contract/socket-parser.ts). Agents
// and browsers that know nothing of it go on as they are.
import { unpackEvent } from '#agent/contract';
import { Decoder, Encoder, PacketType } from 'socket.io-parser';

export class PackedDecoder extends Decoder {
  /** Binary messages that belong to the packet announced last. */
  #attachments = 0;

  /** Throws on what is neither: socket.io then ends this one connection. */
  override add(message: unknown): void {
    if (message instanceof Uint8Array && this.#attachments === 0) {
      const packet = unpackEvent(message);
      if (!packet) throw new Error('a binary message that nothing announced');
      this.emitReserved('decoded', { ...packet, type: PacketType.EVENT });
      return;
    }
    super.add(message);
    if (typeof message === 'string') this.#attachments = attachmentsOf(message);
    else this.#attachments--;
  }
}

/** For the `parser` option of socket.io: what goes out is encoded as ever. */
export const packedParser = { Encoder, Decoder: PackedDecoder };

/** A packet of kind 5 or 6 says how many binary messages follow. */
function attachmentsOf(packet: string): number {
  const [, count = '0'] = /^[56](\d+)-/.exec(packet) ?? [];
  return Number(count);
}

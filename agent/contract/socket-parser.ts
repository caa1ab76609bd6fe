// Frames on a websocket as one binary message each, instead of socket.io's two (an announcement and an attachment, see
// socket.io-protocol 5). Layout: tag u8, then the bytes that are the event's one argument.

/** A packet as socket.io hands it to a parser and takes it from one. */
export interface SocketPacket {
  readonly type: number;
  readonly nsp: string;
  readonly data?: unknown;
  readonly id?: number;
}

export const AGENTS_NAMESPACE = '/agents';
/** First bytes of packed messages, by event. */
export const packedTags = { frame: 1, backlog: 2 } as const;

const EVENT = 2;

/** The one message that carries the packet; undefined for a packet that is not of this kind. */
export function packEvent({ type, nsp, data, id }: SocketPacket): Uint8Array | undefined {
  if (type !== EVENT || nsp !== AGENTS_NAMESPACE || id !== undefined || !Array.isArray(data)) return undefined;
  const [event, bytes, ...more] = data as readonly unknown[];
  if ((event !== 'frame' && event !== 'backlog') || !(bytes instanceof Uint8Array) || more.length > 0) return undefined;
  const message = new Uint8Array(1 + bytes.length);
  message[0] = packedTags[event];
  message.set(bytes, 1);
  return message;
}

/** The packet that a binary message carries; undefined where the message is none of ours. The argument is a view. */
export function unpackEvent(message: Uint8Array): Omit<SocketPacket, 'type'> | undefined {
  const event = eventOf(message[0]);
  return event && { nsp: AGENTS_NAMESPACE, data: [event, message.subarray(1)] };
}

function eventOf(tag: number | undefined): 'frame' | 'backlog' | undefined {
  switch (tag) {
    case packedTags.frame:
      return 'frame';
    case packedTags.backlog:
      return 'backlog';
    default:
      return undefined;
  }
}

// socket.io on the server's port: websocket only, no compression, dead peers noticed within 10 s, newcomers one after
// another.
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { Server as SocketServer, type Socket } from 'socket.io';
import { limits } from '#agent/contract';
import type { ApiError } from '#server/contract';
import type { OriginRule } from './access/origin.ts';
import { Admission } from './admission.ts';

export interface SocketSettings {
  readonly origins: OriginRule;
  readonly handshakesPerSecond: number;
}

/** So long a handshake may wait before it is refused instead. */
const WAIT_MS = 2000;

export function createSockets(http: HttpServer, { origins, handshakesPerSecond }: SocketSettings): SocketServer {
  const sockets = new SocketServer(http, {
    path: '/socket.io',
    serveClient: false,
    transports: ['websocket'],
    perMessageDeflate: false,
    // Sweeps of large fabrics are the largest messages; frames have a limit of their own.
    maxHttpBufferSize: limits.fabricBytes + 1000,
    pingInterval: 5000,
    pingTimeout: 5000,
  });
  const admission = new Admission({ perSecond: handshakesPerSecond, lineMs: WAIT_MS });
  sockets.engine.use((request: IncomingMessage, _response: unknown, next: () => void) => {
    const { host, origin } = request.headers;
    const problem = origins.refuse({ host, origin });
    if (problem === undefined) admit(admission, request, next);
    else refuse(request, { status: '403 Forbidden', code: 'forbidden', message: problem });
  });
  return sockets;
}

function admit(admission: Admission, request: IncomingMessage, next: () => void): void {
  const { socket } = request;
  // Nobody else listens while it waits, and an error without a listener would end the process.
  socket.on('error', () => socket.destroy());
  const admitted = admission.enter({ start: next, isGone: () => socket.destroyed });
  if (admitted) return;
  refuse(request, {
    status: '503 Service Unavailable',
    code: 'too_many',
    message: 'too many connect at once; try again',
    headers: [`Retry-After: ${WAIT_MS / 1000}`],
  });
}

/** The engine's option for a websocket frame that is made already; its types do not know it. */
interface MadeFrame {
  compress: boolean;
  readonly wsPreEncodedFrame: readonly Buffer[];
}

const TEXT_FRAME = 0x81;

/**
 * `socket.emit('ack', seq)` of the namespace /agents by hand: the same bytes for a sixth less of what a frame costs the
 * sockets, because nothing looks through the packet, and header and text are one write.
 */
export function sendAck(socket: Socket, seq: number): void {
  if (!socket.connected) return;
  const packet = `2/agents,["ack",${seq}]`;
  // engine.io puts its own kind before the packet. A text so short has one byte of length.
  const frame = Buffer.allocUnsafe(3 + packet.length);
  frame[0] = TEXT_FRAME;
  frame[1] = 1 + packet.length;
  frame.write(`4${packet}`, 2, 'latin1');
  const made: MadeFrame = { compress: false, wsPreEncodedFrame: [frame] };
  socket.conn.write(packet, made);
}

interface Refusal {
  readonly status: string;
  readonly code: ApiError['error']['code'];
  readonly message: string;
  readonly headers?: readonly string[];
}

/** Written by hand: engine.io answers a refused upgrade with 400 and no reason of ours. */
function refuse({ socket }: IncomingMessage, { status, code, message, headers = [] }: Refusal): void {
  const error: ApiError = { error: { code, message } };
  const body = JSON.stringify(error);
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

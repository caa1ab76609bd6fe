// socket.io on the server's port: websocket only, no compression, dead peers noticed within 10 s.
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { Server as SocketServer } from 'socket.io';
import { limits } from '#agent/contract';
import type { ApiError } from '#server/contract';
import type { OriginRule } from './access/origin.ts';

export function createSockets(http: HttpServer, origins: OriginRule): SocketServer {
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
  sockets.engine.use((request: IncomingMessage, _response: unknown, next: () => void) => {
    const { host, origin } = request.headers;
    const problem = origins.refuse({ host, origin });
    if (problem === undefined) next();
    else refuse(request, problem);
  });
  return sockets;
}

/** Written by hand: engine.io answers a refused upgrade with 400 and no reason of ours. */
function refuse({ socket }: IncomingMessage, message: string): void {
  const error: ApiError = { error: { code: 'forbidden', message } };
  const body = JSON.stringify(error);
  const head = [
    'HTTP/1.1 403 Forbidden',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

// What a message costs without what the server does with it: `ingest-echo.ts ws|tcp|sockets PORT` takes messages and answers
// each with four bytes; `sockets` is the server's own socket.io, which acknowledges at once.
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { peekFrame } from '#agent/contract';
import { WebSocketServer } from 'ws';
import { createSockets, sendAck } from '../../server/sockets.ts';

const [kind, port] = process.argv.slice(2);

if (kind === 'ws') serveWebsockets(Number(port));
else if (kind === 'sockets') serveSockets(Number(port));
else serveTcp(Number(port));

function serveWebsockets(at: number): void {
  const server = new WebSocketServer({ host: '127.0.0.1', port: at, perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      socket.send(answerTo(data));
    });
  });
}

function serveSockets(at: number): void {
  const http = createHttpServer();
  const sockets = createSockets(http, { origins: { refuse: () => undefined }, handshakesPerSecond: 100_000 });
  sockets.of('/agents').on('connection', (socket) => {
    socket.on('hello', (_hello: unknown, reply: (answer: unknown) => void) => {
      reply({ ok: true });
    });
    socket.on('frame', (frame: Uint8Array) => {
      sendAck(socket, peekFrame(frame).seq);
    });
  });
  http.listen(at, '127.0.0.1');
}

/** Length u32, then so many bytes. */
function serveTcp(at: number): void {
  createServer({ noDelay: true }, (socket) => {
    let rest = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32LE(0)) {
        const end = 4 + bytes.readUInt32LE(0);
        socket.write(answerTo(bytes.subarray(4, end)));
        bytes = bytes.subarray(end);
      }
      rest = bytes;
    });
  }).listen(at, '127.0.0.1');
}

/** The sequence number that follows the frame's kind. */
function answerTo(frame: Buffer): Buffer {
  let seq = 0;
  for (let at = 1, factor = 1; ; at++, factor *= 128) {
    const byte = frame.readUInt8(at);
    seq += (byte & 127) * factor;
    if (byte < 128) break;
  }
  const answer = Buffer.allocUnsafe(4);
  answer.writeUInt32LE(seq);
  return answer;
}

// A server that takes frames, acknowledges them and counts: nothing of it is measured. Its own process, so that it costs the agent nothing.
import { createServer } from 'node:http';
import { peekFrame, type SchemaMessage } from '#agent/contract';
import { Server } from 'socket.io';

let frames = 0;
let keys = 0;
let bytes = 0;
let series = 0;

const http = createServer((_request, response) => {
  response.end(JSON.stringify({ frames, keys, bytes, series }));
});
const io = new Server(http, { transports: ['websocket'], serveClient: false });
io.of('/agents').on('connection', (socket) => {
  socket.on('hello', (_hello: unknown, reply: (answer: unknown) => void) => {
    reply({ ok: true, serverTimeMs: Date.now() });
  });
  socket.on('schema', (schema: SchemaMessage) => {
    series = schema.series.length;
  });
  socket.on('frame', (frame: Uint8Array) => {
    const { seq, key } = peekFrame(frame);
    frames++;
    if (key) keys++;
    else bytes += frame.length;
    socket.emit('ack', seq);
  });
});
http.listen(Number(process.argv[2]), '127.0.0.1');

// The sockets as agents and browsers meet them: who has to wait, who is turned away, and what garbage does.
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Socket as ServerSocket } from 'socket.io';
import { createSockets, sendAck } from '../../server/sockets.ts';
import { next } from './running.ts';

let http: Server;
let port: number;
let clients: Socket[];

beforeEach(() => {
  http = createServer();
  clients = [];
});
afterEach(() => {
  for (const client of clients) client.disconnect();
  http.closeAllConnections();
  http.close();
});

async function serve(handshakesPerSecond: number): Promise<ReturnType<typeof createSockets>> {
  const sockets = createSockets(http, { origins: { refuse: () => undefined }, handshakesPerSecond });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  ({ port } = http.address() as AddressInfo); // it listens on a port
  return sockets;
}

function connect(): Socket {
  const client = io(`http://127.0.0.1:${port}/agents`, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
  });
  clients.push(client);
  return client;
}

const upgradeHeaders = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

/** Status and headers of the answer to a handshake. */
async function handshake(): Promise<IncomingMessage> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path: '/socket.io/?EIO=4&transport=websocket',
    headers: upgradeHeaders,
  });
  asked.end();
  return new Promise((resolve, reject) => {
    asked.on('response', resolve);
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    asked.on('error', reject);
  });
}

test('more newcomers than the line holds are told to come again', async () => {
  await serve(1);
  const answers = await Promise.all(Array.from({ length: 5 }, handshake));
  expect(answers.map(({ statusCode }) => statusCode).toSorted()).toEqual([101, 101, 101, 503, 503]);
  const [refused] = answers.filter(({ statusCode }) => statusCode === 503);
  expect(refused?.headers['retry-after']).toBe('2');
  let body = '';
  for await (const chunk of refused ?? []) body += String(chunk);
  expect(JSON.parse(body)).toEqual({
    error: { code: 'too_many', message: 'too many connect at once; try again' },
  });
});

test('to the client library a refusal is a failed connection, after which it may try again', async () => {
  const sockets = await serve(1);
  sockets.of('/agents');
  const all = Array.from({ length: 5 }, connect);
  const outcomes = await Promise.all(
    all.map((client) =>
      Promise.race([
        next(client, 'connect').then(() => 'in'),
        next<Error>(client, 'connect_error').then(() => 'refused'),
      ]),
    ),
  );
  expect(outcomes.toSorted()).toEqual(['in', 'in', 'in', 'refused', 'refused']);
  const again = all[outcomes.indexOf('refused')];
  again?.connect();
  await next(again as Socket, 'connect');
});

test('who breaks off while waiting breaks nothing', async () => {
  const sockets = await serve(1);
  sockets.of('/agents');
  await next(connect(), 'connect');
  const waiting = connectTcp(port, '127.0.0.1');
  await once(waiting, 'connect');
  const head = Object.entries({ Host: 'h', ...upgradeHeaders }).map(([name, value]) => `${name}: ${value}`);
  waiting.write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
  const last = connect();
  waiting.resetAndDestroy();
  await next(last, 'connect');
});

test('an acknowledgement made by hand is one that the client library understands', async () => {
  const sockets = await serve(150);
  sockets.of('/agents').on('connection', (socket) => {
    for (const seq of [0, 41, 2 ** 53 - 1]) sendAck(socket, seq);
    socket.emit('end');
  });
  const client = connect();
  const heard: unknown[] = [];
  client.on('ack', (...args: unknown[]) => heard.push(args));
  await next(client, 'end');
  expect(heard).toEqual([[0], [41], [2 ** 53 - 1]]);
});

test('after the end nothing is acknowledged, and nothing breaks', async () => {
  const sockets = await serve(150);
  const joined = new Promise<ServerSocket>((resolve) => sockets.of('/agents').on('connection', resolve));
  const client = connect();
  const socket = await joined;
  const left = once(socket, 'disconnect');
  client.disconnect();
  await left;
  sendAck(socket, 1);
  await next(connect(), 'connect');
});

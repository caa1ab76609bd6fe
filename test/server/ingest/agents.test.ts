// The namespace /agents over real sockets: no payload ends the process.
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits, type HelloReply } from '#agent/contract';
import type { NodesAnswer } from '#server/contract';
import type { RunningServer } from '../../../server/main.ts';
import { connect, connected, next, runServer } from '../running.ts';
import { gpuSeries, helloOf, StandInAgent } from '../stand-in.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await runServer();
});
afterAll(() => server.stop());

const series = gpuSeries({ busy: 50, processes: 1 });

async function names(): Promise<string[]> {
  const answer = (await (await fetch(`${server.url}/api/v1/nodes`)).json()) as NodesAnswer;
  return answer.nodes.filter(({ up }) => up).map(({ name }) => name);
}

async function rejectedBeforeHello(): Promise<number> {
  const page = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/reason="no_hello"} (\d+)/.exec(page)?.[1]);
}

test('hello, schema and frames come through, and the acknowledgement comes back', async () => {
  const socket = await connected(connect(server, '/agents'));
  const agent = new StandInAgent();
  const reply = (await socket.emitWithAck('hello', helloOf('node07'))) as HelloReply;
  expect(reply.ok).toBe(true);
  socket.emit('schema', agent.schema(series));
  socket.emit('frame', agent.key(series, Date.now()));
  expect(await next(socket, 'ack')).toBe(0);
  expect(await names()).toContain('node07');
  const page = await (await fetch(`${server.url}/metrics`)).text();
  expect(page).toContain('whyidle_gpu_utilization_ratio{node="node07",gpu="0"');
  expect(page).toContain('\nwhyidle_server_agents 1\n');
  socket.disconnect();
});

describe('whatever is sent', () => {
  const payload = fc.oneof(
    fc.anything({ withNullPrototype: true, maxDepth: 4 }).filter((value) => {
      try {
        JSON.stringify(value);
        return true;
      } catch {
        return false;
      }
    }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(null, { __proto__: { node: 'x' } }, [[]], { length: 1e9 }, helloOf('ok'), {
      generation: 1,
      series: [[]],
    }),
  );
  const event = fc.constantFrom('hello', 'schema', 'frame', 'inventory', '__proto__', 'constructor', 'nothing');

  test('the server lives on and an honest agent beside it is served', async () => {
    const honest = await connected(connect(server, '/agents'));
    await honest.emitWithAck('hello', helloOf('honest'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(event, fc.array(payload, { maxLength: 3 })), { maxLength: 12 }),
        async (messages) => {
          const socket = await connected(connect(server, '/agents'));
          for (const [name, values] of messages) socket.emit(name, ...values);
          socket.disconnect();
        },
      ),
      { numRuns: 60 },
    );
    const agent = new StandInAgent();
    honest.emit('schema', agent.schema(series));
    honest.emit('frame', agent.key(series, Date.now()));
    expect(await next(honest, 'ack')).toBe(0);
    honest.disconnect();
  });

  test('a client that keeps sending garbage is disconnected', async () => {
    const before = await rejectedBeforeHello();
    const socket = await connected(connect(server, '/agents'));
    const gone = next<string>(socket, 'disconnect');
    for (let n = 0; n < 3; n++) socket.emit('frame', Buffer.from('garbage'));
    expect(await gone).toMatch(/server/);
    expect(await rejectedBeforeHello()).toBe(before + 3);
  });

  test('a message larger than any sweep ends the connection, not the server', async () => {
    const socket = await connected(connect(server, '/agents'));
    const gone = next(socket, 'disconnect');
    socket.emit('frame', Buffer.alloc(limits.fabricBytes + 100_000));
    await gone;
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

/** Asks for a websocket by hand, so that the status of the answer is seen. */
function handshake(headers: Record<string, string>): Promise<{ status: number | undefined; body: string }> {
  const asked = request(`${server.url}/socket.io/?EIO=4&transport=websocket`, {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    },
  });
  asked.end();
  return new Promise((resolve, reject) => {
    asked.on('error', reject);
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, body: '' });
    });
    asked.on('response', (response) => {
      void text(response).then((body) => {
        resolve({ status: response.statusCode, body });
      }, reject);
    });
  });
}

describe('the handshake', () => {
  test.each([
    ['a foreign origin', { Origin: 'https://evil.example' }],
    ['a foreign host', { Host: 'evil.example' }],
  ])('%s is refused with 403 in the one shape of errors', async (_name, headers) => {
    const { status, body } = await handshake(headers);
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'forbidden' } });
  });

  test('the origin of the server itself is fine', async () => {
    expect(await handshake({ Origin: server.url })).toMatchObject({ status: 101 });
  });
});

// The event `fabric` of the uplink against a socket.io server: one at a time, not too often, not when the server is behind.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fabricSweepSchema, limits, peekFrame, type FabricSweep } from '#agent/contract';
import { Server, type Socket } from 'socket.io';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Snapshot } from '../../../agent/snapshot.ts';
import { Uplink } from '../../../agent/uplink/uplink.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';

const sweep: FabricSweep = {
  ...{ subnet: 's', startedMs: 1, endedMs: 2, topologyMs: 1, devices: [], ports: [], problems: ['one'] },
  silent: [{ guid: null, lid: 7, name: 'node' }],
};
const inventory = {
  ...{ hostname: 'sh01', kernel: '', os: '', arch: '', product: '', vendor: '', bootId: '', cpuModel: '' },
  cpus: 1,
  memoryBytes: null,
};

let io: Server;
let url: string;
let sweeps: unknown[];
let frames: number;
let acknowledges: boolean;
let clock: ManualClock;
let said: string[];
let uplink: Uplink;

beforeEach(async () => {
  [sweeps, frames, acknowledges, said] = [[], 0, true, []];
  const http = createServer();
  io = new Server(http, { transports: ['websocket'], serveClient: false });
  io.of('/agents').on('connection', (socket: Socket) => {
    socket.on('hello', (_hello: unknown, reply: (answer: unknown) => void) => {
      reply({ ok: true, serverTimeMs: 0 });
    });
    socket.on('fabric', (found: unknown) => sweeps.push(found));
    socket.on('frame', (bytes: Uint8Array) => {
      frames++;
      if (acknowledges) socket.emit('ack', peekFrame(bytes).seq);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
  clock = new ManualClock();
  uplink = new Uplink({
    ...{ server: url, node: 'sh01', instance: 'instance-1', intervalMs: 1000, snapshot: new Snapshot(), clock },
    ...{ inventory: () => inventory, random: () => 0.5 },
    log: { info: (message) => said.push(message), warn: (message) => said.push(message) },
  });
});
afterEach(async () => {
  await uplink.stop();
  await io.close();
});

async function connect(): Promise<void> {
  uplink.start();
  await vi.waitFor(() => {
    expect(said).toContain('connected');
  });
}

/** Frames keep their order with sweeps: what was sent before a frame has come when the frame has. */
async function settled(): Promise<void> {
  const before = frames;
  uplink.sample(1_790_000_000_000);
  await vi.waitFor(() => {
    expect(frames).toBe(before + 1);
  });
}

test('a sweep comes as one argument that its schema knows', async () => {
  await connect();
  uplink.fabric(sweep);
  await settled();
  expect(sweeps.map((found) => v.parse(fabricSweepSchema, found))).toEqual([sweep]);
});

test('before the connection it is dropped, not kept', async () => {
  uplink.fabric(sweep);
  await connect();
  await settled();
  expect(sweeps).toEqual([]);
});

test('at most one in 5 s', async () => {
  await connect();
  for (const ms of [0, 4999, 1]) {
    clock.pass(ms);
    uplink.fabric(sweep);
  }
  await settled();
  expect(sweeps).toHaveLength(2);
});

test('none while the server acknowledges no frames', async () => {
  await connect();
  acknowledges = false;
  for (let frame = 0; frame < 11; frame++) await settled();
  uplink.fabric(sweep);
  await settled();
  expect(sweeps).toEqual([]);
});

test('one that is too large is said, not sent', async () => {
  await connect();
  uplink.fabric({ ...sweep, problems: ['x'.repeat(limits.fabricBytes)] });
  await settled();
  expect([sweeps, said.at(-1)]).toEqual([[], 'the fabric is too large to be sent']);
});

// The namespace /live over real sockets: directory first, then ticks; history; unknown nodes; slow viewers.
import type { Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  leafClasses,
  linesOf,
  nodeCharts,
  readCell,
  seriesIndex,
  type FleetDirectory,
  type FleetTick,
  type LiveHello,
  type NodeDirectory,
  type NodeHistory,
  type NodeTick,
  type WatchReply,
} from '#server/contract';
import type { RunningServer } from '../../../server/main.ts';
import { connect, connected, next, runServer } from '../running.ts';
import { gpuSeries, helloOf, StandInAgent, type StandInSeries } from '../stand-in.ts';

let server: RunningServer;
let agent: Socket;

const disk = (bytes: number): StandInSeries => ['disk_read_bytes_total', ['nvme0n1'], bytes];
const first = [...gpuSeries({ busy: 80, processes: 1, memoryUsed: 16e9 }), disk(1000)];
const second = [...gpuSeries({ busy: 80, processes: 1, memoryUsed: 16e9 }), disk(5000)];
const startedMs = Date.now() - 10_000;

beforeAll(async () => {
  server = await runServer({ 'server.cluster': 'Sherlock' });
  agent = await connected(connect(server, '/agents'));
  await agent.emitWithAck('hello', helloOf('node07', { timeMs: Date.now(), axisMs: Date.now() }));
  const encoder = new StandInAgent();
  agent.emit('schema', encoder.schema(first));
  agent.emit('frame', encoder.key(first, startedMs));
  agent.emit('frame', encoder.delta(second, startedMs + 2000));
  await next(agent, 'ack');
});
afterAll(async () => {
  agent.disconnect();
  await server.stop();
});

/** What one viewer hears, in order, until an event of this name. */
async function hear(socket: Socket, last: string): Promise<Map<string, unknown>> {
  const heard = new Map<string, unknown>();
  socket.onAny((name: string, message: unknown) => heard.set(name, message));
  await next(socket, last);
  return heard;
}
const floats = (bytes: Uint8Array): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);
const doubles = (bytes: Uint8Array): Float64Array => new Float64Array(new Uint8Array(bytes).buffer);

test('the fleet: hello, the directory, then a tick with one cell per GPU', async () => {
  const socket = connect(server, '/live');
  const hello = next<LiveHello>(socket, 'hello');
  await connected(socket);
  expect(await hello).toMatchObject({ cluster: 'Sherlock' });
  const heard = hear(socket, 'fleet');
  expect(await socket.emitWithAck('watch', { view: 'fleet' })).toEqual({ ok: true });
  const events = await heard;
  expect([...events.keys()]).toEqual(['fleet_directory', 'fleet']);
  const directory = events.get('fleet_directory') as FleetDirectory;
  const tick = events.get('fleet') as FleetTick;
  expect(directory.nodes).toEqual([
    { name: 'node07', product: 'HGX-2', gpus: [{ gpu: '0', uuid: 'GPU-0', name: 'Tesla V100' }] },
  ]);
  expect(tick.generation).toBe(directory.generation);
  expect(tick.nodes[0]).toMatchObject({ name: 'node07', disk_read_bytes_per_second: 2000 });
  expect(readCell(new Uint8Array(tick.cells), 0)).toEqual({
    class: leafClasses.indexOf('productive.compute'),
    busyPercent: 80,
    powerWatts: null,
    temperatureCelsius: null,
    memoryPercent: 50,
    changed: false,
    alert: false,
  });
  socket.disconnect();
});

test('one node: its series, the last minutes of every chart, then all values', async () => {
  const socket = await connected(connect(server, '/live'));
  const heard = hear(socket, 'node');
  expect(await socket.emitWithAck('watch', { view: 'node', node: 'node07' })).toEqual({ ok: true });
  const events = await heard;
  expect([...events.keys()]).toEqual(['node_directory', 'node_history', 'node']);
  const directory = events.get('node_directory') as NodeDirectory;
  const history = events.get('node_history') as NodeHistory;
  const tick = events.get('node') as NodeTick;

  const read = seriesIndex(directory.series, 'disk_read_bytes_total', ['nvme0n1']);
  expect(doubles(tick.levels)[read]).toBe(5000);
  expect(floats(tick.rates)[read]).toBe(2000);
  expect([...doubles(history.times)]).toEqual([startedMs, startedMs + 2000]);
  const at = nodeCharts.findIndex(({ id }) => id === 'disk_read');
  const spec = nodeCharts[at];
  expect(spec && linesOf(spec, directory.series).map(({ name }) => name)).toEqual(['nvme0n1']);
  expect(history.charts[at]).toEqual({ id: 'disk_read', lines: 1 });
  const column = history.charts.slice(0, at).reduce((sum, { lines }) => sum + lines, 0);
  expect([...floats(history.values)].slice(2 * column, 2 * column + 2)).toEqual([NaN, 2000]);
  socket.disconnect();
});

test('every second a tick follows, without the directory', async () => {
  const socket = await connected(connect(server, '/live'));
  await socket.emitWithAck('watch', { view: 'fleet' });
  await next(socket, 'fleet');
  const heard = hear(socket, 'fleet');
  expect([...(await heard).keys()]).toEqual(['fleet']);
  socket.disconnect();
});

test('an unknown node and a watch that is none are refused in a sentence; a missing reply harms nobody', async () => {
  const socket = await connected(connect(server, '/live'));
  const refused = (await socket.emitWithAck('watch', { view: 'node', node: 'nobody' })) as WatchReply;
  expect(refused.ok ? '' : refused.message).toContain('nobody');
  for (const message of [null, 'fleet', { view: 'jobs' }, { view: 'node', node: { toString: 1 } }]) {
    expect(await socket.emitWithAck('watch', message)).toMatchObject({ ok: false });
    socket.emit('watch', message);
  }
  socket.emit('watch');
  expect(await socket.emitWithAck('watch', { view: 'fleet' })).toEqual({ ok: true });
  socket.disconnect();
});

test('a browser that asks again and again is told to wait', async () => {
  const socket = await connected(connect(server, '/live'));
  const replies = await Promise.all(
    Array.from(
      { length: 20 },
      () => socket.emitWithAck('watch', { view: 'node', node: 'node07' }) as Promise<WatchReply>,
    ),
  );
  const taken = replies.filter(({ ok }) => ok).length;
  expect(taken).toBeGreaterThan(3);
  expect(taken).toBeLessThan(12);
  socket.disconnect();
});

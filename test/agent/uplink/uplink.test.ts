// The uplink against a real socket.io server that behaves well, refuses, falls silent, breaks off, or talks nonsense.
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  bytes as inBytes,
  absenceReasons,
  FrameDecoder,
  peekFrame,
  type AgentMetricId,
  type Hello,
  type SchemaMessage,
} from '#agent/contract';
import { Server, type Socket } from 'socket.io';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Log } from '../../../agent/log.ts';
import { Snapshot, type CounterSeries, type SeriesGroup } from '../../../agent/snapshot.ts';
import { Uplink } from '../../../agent/uplink/uplink.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';

const inventory = {
  ...{ hostname: 'sh01', kernel: '', os: '', arch: '', product: '', vendor: '', bootId: '', cpuModel: '' },
  cpus: 96,
  memoryBytes: null,
};

/** A server of the namespace /agents that writes down what it is told. */
class ServerDouble {
  readonly hellos: Hello[] = [];
  readonly schemas: SchemaMessage[] = [];
  readonly frames: Uint8Array[] = [];
  readonly inventories: unknown[] = [];
  readonly sockets: Socket[] = [];
  onHello: (reply: (answer: unknown) => void) => void = (reply) => {
    reply({ ok: true, serverTimeMs: 0 });
  };
  acknowledges = true;
  readonly #http = createServer();
  readonly #io: Server;

  constructor(path = '/socket.io') {
    this.#io = new Server(this.#http, { path, transports: ['websocket'], serveClient: false });
    this.#io.of('/agents').on('connection', (socket) => {
      this.sockets.push(socket);
      socket.on('hello', (hello: Hello, reply: (answer: unknown) => void) => {
        this.hellos.push(hello);
        this.onHello(reply);
      });
      socket.on('schema', (schema: SchemaMessage) => this.schemas.push(schema));
      socket.on('inventory', (found: unknown) => this.inventories.push(found));
      socket.on('frame', (bytes: Uint8Array) => {
        this.frames.push(bytes);
        if (this.acknowledges) socket.emit('ack', peekFrame(bytes).seq);
      });
    });
  }

  async listen(): Promise<string> {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    const address = this.#http.address();
    return `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
  }

  /** The latest connection. */
  get socket(): Socket | undefined {
    return this.sockets.at(-1);
  }

  async close(): Promise<void> {
    await this.#io.close();
  }
}

let server: ServerDouble;
let url: string;
let clock: ManualClock;
let snapshot: Snapshot;
let group: SeriesGroup;
let bytes: CounterSeries;
let said: string[];
let uplinks: Uplink[];
let timeMs: number;

beforeEach(async () => {
  server = new ServerDouble();
  url = await server.listen();
  clock = new ManualClock();
  snapshot = new Snapshot();
  group = snapshot.group();
  bytes = group.counter('network_receive_bytes_total', { device: 'eth0' });
  bytes.set(100);
  said = [];
  uplinks = [];
  timeMs = 1_790_000_000_000;
});
afterEach(async () => {
  for (const uplink of uplinks) await uplink.stop();
  await server.close();
});

const log: Log = {
  info: (message) => said.push(message),
  warn: (message) => said.push(`warn ${message}`),
};

function connect(to = url, instance = 'instance-1'): Uplink {
  const uplink = new Uplink({
    ...{ server: to, node: 'sh01', instance, intervalMs: 1000, snapshot, clock, log },
    inventory: () => inventory,
    random: () => 0.5,
  });
  uplinks.push(uplink);
  uplink.start();
  return uplink;
}

/** Waits for something another event loop turn brings; fails with the last state. */
function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 5000, interval: 5 });
}

async function live(): Promise<Uplink> {
  const uplink = connect();
  await eventually(() => {
    expect(said).toContain('connected');
  });
  return uplink;
}

async function sendAll(uplink: Uplink, gains: readonly number[]): Promise<void> {
  const had = server.frames.length;
  for (const gain of gains) {
    bytes.set(Number(bytes.steps) + gain);
    await clock.advance(1000);
    uplink.sample((timeMs += 1000));
  }
  await eventually(() => {
    expect(server.frames).toHaveLength(had + gains.length);
  });
}

const kinds = () => server.frames.map((frame) => (peekFrame(frame).key ? 'key' : 'delta'));

function value(id: AgentMetricId, label?: string): number | string | undefined {
  const series = snapshot.series.find((one) => one.id === id && (label === undefined || one.labels.includes(label)));
  return series && (series.state === 0 ? Number(series.steps) : absenceReasons[series.state - 1]);
}

describe('a server that behaves', () => {
  test('hears who we are, then the schema, a key frame, and what changed', async () => {
    const uplink = await live();
    expect(server.hellos).toMatchObject([
      {
        protocol: 2,
        minProtocol: 1,
        node: 'sh01',
        instance: 'instance-1',
        intervalMs: 1000,
        timeMs: clock.wallMs(),
        inventory,
      },
    ]);
    await sendAll(uplink, [5, 7, 0]);
    expect(kinds()).toEqual(['key', 'delta', 'delta']);
    const [schema] = server.schemas;
    const at = schema?.series.findIndex(([id]) => id === 'network_receive_bytes_total') ?? -1;
    const decoder = new FrameDecoder(schema?.series.length ?? 0);
    const heads = server.frames.map((frame) => decoder.apply(frame));
    expect(heads.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(new Set(heads.map(({ generation }) => generation))).toEqual(new Set([schema?.generation]));
    expect(heads.at(-1)?.timeMs).toBe(timeMs);
    expect([decoder.exact(at), schema?.series[at]]).toEqual([112, ['network_receive_bytes_total', ['eth0']]]);
    expect(value('agent_frames_total')).toBe(3);
  });

  test('gets the sample that was taken before the connection stood', async () => {
    const uplink = connect();
    uplink.sample((timeMs += 1000));
    await eventually(() => {
      expect(kinds()).toEqual(['key']);
    });
    expect([value('agent_frames_total'), value('agent_frames_dropped_total', 'cap')]).toEqual([1, 0]);
  });

  test('gets a new schema and a key frame when a series came', async () => {
    const uplink = await live();
    await sendAll(uplink, [1, 1]);
    group.gauge('memory_total_bytes', {}).set(inBytes(5));
    await sendAll(uplink, [1, 1]);
    expect(kinds()).toEqual(['key', 'delta', 'key', 'delta']);
    expect(server.schemas).toHaveLength(2);
    expect(server.schemas[1]?.series.map(([id]) => id)).toContain('memory_total_bytes');
  });

  test('gets a key frame every minute', async () => {
    const uplink = await live();
    await sendAll(
      uplink,
      Array.from({ length: 62 }, () => 1),
    );
    expect(kinds().flatMap((kind, index) => (kind === 'key' ? [index] : []))).toEqual([0, 60]);
  });

  test('gets schema and key frame again when it asks', async () => {
    const uplink = await live();
    await sendAll(uplink, [1, 1]);
    server.socket?.emit('resync');
    await eventually(() => {
      uplink.sample((timeMs += 1000));
      expect(server.schemas).toHaveLength(2);
    });
    expect(kinds().at(-1)).toBe('key');
  });

  test('hears of a changed inventory', async () => {
    const uplink = await live();
    uplink.describe({ ...inventory, cpus: 95 });
    await eventually(() => {
      expect(server.inventories).toEqual([{ ...inventory, cpus: 95 }]);
    });
  });

  test('behind a path', async () => {
    const behind = new ServerDouble('/whyidle/socket.io');
    connect(`${await behind.listen()}/whyidle/`);
    await eventually(() => {
      expect(behind.hellos).toHaveLength(1);
    });
    await behind.close();
  });

  test('labels that it would refuse are left out and said', async () => {
    snapshot
      .group()
      .gauge('filesystem_up', { device: 'd', fstype: 'f', mountpoint: `/${'x'.repeat(300)}` })
      .set(1);
    const uplink = await live();
    await sendAll(uplink, [1, 1]);
    expect(server.schemas[0]?.series.map(([id]) => id)).not.toContain('filesystem_up');
    expect(said.filter((line) => line.includes('left out'))).toHaveLength(1);
  });
});

describe('a connection to a server of protocol 1 that breaks', () => {
  test('costs what was not acknowledged, comes back after a jittered pause, and starts with a key frame', async () => {
    const uplink = await live();
    await sendAll(uplink, [1, 1]);
    await eventually(() => {
      expect(value('agent_frames_dropped_total', 'cap')).toBe(0);
    });
    server.acknowledges = false;
    await sendAll(uplink, [1, 1, 1]);
    server.socket?.conn.close();
    await eventually(() => {
      expect(said.at(-1)).toMatch(/connection to the server is lost/);
    });
    server.acknowledges = true;
    expect(clock.waiting).toEqual([1100]);
    await clock.advance(1100);
    await eventually(() => {
      expect(server.frames).toHaveLength(6);
    });
    // The newest comes again, the two before it are lost to such a server.
    expect(value('agent_frames_dropped_total', 'refused')).toBe(2);
    expect(kinds().at(-1)).toBe('key');
    expect(server.schemas).toHaveLength(2);
    await sendAll(uplink, [1]);
  });

  test('samples of an outage are counted, except the newest, which waits', async () => {
    const uplink = await live();
    await sendAll(uplink, [1]);
    server.socket?.disconnect(true);
    await eventually(() => {
      expect(clock.waiting).toHaveLength(1);
    });
    for (let tick = 0; tick < 4; tick++) uplink.sample((timeMs += 1000));
    expect(value('agent_frames_total')).toBe(5);
    await clock.advance(2000);
    await eventually(() => {
      expect(server.frames).toHaveLength(2);
    });
    expect(peekFrame(server.frames[1] ?? new Uint8Array()).timeMs).toBe(timeMs);
    expect(value('agent_frames_dropped_total', 'refused')).toBe(3);
  });

  test('a server that is not there is tried with growing pauses and said once', async () => {
    const gone = new ServerDouble();
    const address = await gone.listen();
    await gone.close();
    connect(address);
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      await eventually(() => {
        expect(clock.waiting).toHaveLength(1);
      });
      pauses.push(...clock.waiting);
      await clock.advance(clock.waiting[0] ?? 0);
    }
    expect(pauses).toEqual([1100, 2200, 4400, 8800, 11_000, 11_000]);
    expect(said).toEqual(['warn the server cannot be reached; trying again and again']);
  });

  test('a server that does not answer the hello is left after 10 s', async () => {
    server.onHello = () => undefined;
    connect();
    await eventually(() => {
      expect(server.hellos).toHaveLength(1);
    });
    await clock.advance(10_000);
    expect(said).toEqual(['warn the connection to the server is lost; connecting again']);
    await clock.advance(1100);
    await eventually(() => {
      expect(server.hellos).toHaveLength(2);
    });
  });

  test('a server that acknowledges nothing still gets every sample: it may have no room on its disk', async () => {
    const uplink = await live();
    server.acknowledges = false;
    await sendAll(
      uplink,
      Array.from({ length: 150 }, () => 1),
    );
    expect(said).toEqual(['connected']);
    expect(value('agent_frames_dropped_total', 'cap')).toBe(0);
    expect(value('agent_spool_bytes')).toBeGreaterThan(1000);
  });
});

describe('a server that refuses', () => {
  const refusal = { ok: false, code: 'name_taken', message: 'sh01 is already connected from 10.0.0.7' };

  test('is told once, tried again slowly, and taken when it accepts', async () => {
    server.onHello = (reply) => {
      reply(refusal);
    };
    const uplink = connect();
    for (let attempt = 1; attempt <= 3; attempt++) {
      await eventually(() => {
        expect(server.hellos).toHaveLength(attempt);
        expect(clock.waiting).toEqual([15_000]);
      });
      uplink.sample((timeMs += 1000));
      if (attempt === 3) server.onHello = new ServerDouble().onHello;
      await clock.advance(15_000);
    }
    await eventually(() => {
      expect(kinds()).toEqual(['key']);
    });
    expect(said).toEqual(['warn the server refuses this agent: sh01 is already connected from 10.0.0.7', 'connected']);
    expect(value('agent_frames_dropped_total', 'refused')).toBe(2);
  });

  test.each([
    ['nothing at all', undefined],
    ['another shape', { yes: true }],
    ['an unknown code', { ok: false, code: 'mood', message: 'no' }],
  ])('an answer of %s is a refusal', async (_what, answer) => {
    server.onHello = (reply) => {
      reply(answer);
    };
    connect();
    await eventually(() => {
      expect(said).toEqual(['warn the server refuses this agent: its answer is none that this agent understands']);
    });
  });

  test('nonsense in other messages is ignored', async () => {
    const uplink = await live();
    server.acknowledges = false;
    await sendAll(uplink, [1]);
    for (const nonsense of ['much', null, 1e9, -1, {}]) {
      server.socket?.emit('ack', nonsense);
      server.socket?.emit('backlog_ack', nonsense);
      server.socket?.emit('notice', nonsense);
    }
    server.socket?.emit('unknown', 1);
    server.socket?.emit('notice', { code: 'x', message: 'the last word' });
    await eventually(() => {
      expect(said).toContain('warn the server says: the last word');
    });
    await sendAll(uplink, [1]);
    expect(value('agent_spool_bytes')).toBeGreaterThan(0);
  });
});

test('after the stop nothing is tried', async () => {
  const uplink = await live();
  await uplink.stop();
  await eventually(() => {
    expect(server.socket?.connected).toBe(false);
  });
  uplink.sample((timeMs += 1000));
  expect(clock.waiting).toEqual([]);
});

// One agent's connection without a socket: refusals, resynchronisation, strikes and the rate limit.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Owners, SchemaMessage } from '#agent/contract';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { IngestCounters } from '../../../server/ingest/counters.ts';
import { Intake } from '../../../server/ingest/intake.ts';
import { Leases } from '../../../server/ingest/leases.ts';
import { AgentSession, type SessionContext } from '../../../server/ingest/session.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { silentLog } from '../../../server/log.ts';
import { MemoryStore } from '../../doubles/memory-store.ts';
import { helloOf, SetClock, StandInAgent, START_MS, type StandInSeries } from '../stand-in.ts';

const series: StandInSeries[] = [['load1', [], 100]];

interface Heard {
  readonly acks: number[];
  readonly backlogAcks: number[];
  readonly notices: string[];
  resyncs: number;
  disconnects: number;
}
let store: MemoryStore;
let context: SessionContext & { clock: SetClock };
let heard: Heard;
let session: AgentSession;
let agent: StandInAgent;

function open(address = '10.0.0.1'): { session: AgentSession; heard: Heard } {
  const one: Heard = { acks: [], backlogAcks: [], notices: [], resyncs: 0, disconnects: 0 };
  const line = {
    address,
    ack: (seq: number) => {
      one.acks.push(seq);
    },
    backlogAck: (count: number) => {
      one.backlogAcks.push(count);
    },
    notice: (_code: string, message: string) => {
      one.notices.push(message);
    },
    resync: () => {
      one.resyncs++;
    },
    disconnect: () => {
      one.disconnects++;
    },
  };
  return { session: new AgentSession(context, line), heard: one };
}

beforeEach(() => {
  const clock = new SetClock();
  store = new MemoryStore({ prompt: false });
  context = {
    fleet: new Fleet(new Ledger()),
    intake: new Intake(store),
    serverId: store.id,
    leases: new Leases(),
    counters: new IngestCounters(),
    clock,
    log: silentLog,
  };
  ({ session, heard } = open());
  agent = new StandInAgent();
});

function start(): void {
  session.hello(helloOf('n'));
  session.schema(agent.schema(series));
}
const rejected = (): Record<string, number> =>
  Object.fromEntries([...context.counters.rejected].filter(([, count]) => count > 0));

test('who has the GPUs is taken from a connected agent alone, checked, and not too fast', () => {
  const told: [string, Owners][] = [];
  context = { ...context, onOwners: (node, owners) => told.push([node, owners]) };
  ({ session, heard } = open());
  const owners: Owners = { devices: [], seen: ['GPU-0'], holders: [], pods: null, hints: [] };
  session.owners(owners);
  expect(told).toEqual([]);
  start();
  for (let count = 0; count < 100; count++) session.owners(owners);
  expect(told[0]).toEqual(['n', owners]);
  expect(told.length).toBeLessThan(10);
  context.clock.ms += 60_000;
  session.owners({ ...owners, holders: [{ uuid: 'GPU-0', pid: -1 }] });
  session.owners({ ...owners, seen: Array.from({ length: 1000 }, () => 'x') });
  expect(told.length).toBeLessThan(10);
  expect(heard.disconnects).toBe(1);
});

describe('hello', () => {
  test('is answered with the time, and frames are acknowledged once they are taken', () => {
    const reply = { ok: true, serverTimeMs: START_MS, protocol: 2, server: store.id };
    expect(session.hello(helloOf('n'))).toEqual(reply);
    session.schema(agent.schema(series));
    session.frame(agent.key(series, START_MS));
    context.clock.ms += 1000;
    session.frame(agent.delta(series, START_MS + 1000));
    expect(context.fleet.node('n')?.lastSampleMs).toBe(START_MS + 1000);
    expect(heard.acks).toEqual([]);
    store.settle();
    expect(heard.acks).toEqual([1]);
  });

  test.each([
    ['null', null],
    ['a name that is a path', helloOf('../etc')],
    ['a name that is a prototype', helloOf('__proto__')],
    ['an interval of nothing', helloOf('n', { intervalMs: NaN })],
    ['an inventory of numbers', { ...helloOf('n'), inventory: 7 }],
  ])('that is malformed is refused: %s', (_name, message) => {
    expect(session.hello(message)).toMatchObject({ ok: false, code: 'malformed' });
    expect(context.fleet.nodes).toEqual([]);
  });

  test('of another protocol says what to do', () => {
    const reply = session.hello(helloOf('n', { protocol: 99, minProtocol: 98 }));
    expect(reply).toMatchObject({ ok: false, code: 'protocol' });
    expect(reply.ok ? '' : reply.message).toMatch(/protocols 1 to 2.*98 to 99.*upgrade this server/);
  });

  test('of a newer agent that still speaks ours, and of an older one', () => {
    expect(session.hello(helloOf('n', { protocol: 3, minProtocol: 2 }))).toMatchObject({ ok: true, protocol: 2 });
    expect(open().session.hello(helloOf('o', { protocol: 1 }))).toEqual({ ok: true, serverTimeMs: START_MS });
  });

  test('names that objects have by birth are names like others', () => {
    expect(session.hello(helloOf('constructor'))).toMatchObject({ ok: true });
    expect(context.fleet.node('constructor')?.name).toBe('constructor');
    expect(context.fleet.node('toString')).toBeUndefined();
  });
});

describe('two agents of one name', () => {
  test('the second is refused in a sentence that names the first, which goes on', () => {
    start();
    const second = open('10.0.0.2');
    const reply = second.session.hello(helloOf('n', { instance: 'another-instance' }));
    expect(reply).toMatchObject({ ok: false, code: 'name_taken' });
    expect(reply.ok ? '' : reply.message).toMatch(/n is already connected from 10\.0\.0\.1.*--name/);
    session.frame(agent.key(series, START_MS));
    store.settle();
    expect(heard).toMatchObject({ acks: [0], disconnects: 0 });
    expect(heard.notices).toHaveLength(1);
  });

  test('the name is free when the first is gone', () => {
    start();
    session.end();
    expect(open().session.hello(helloOf('n', { instance: 'another-instance' }))).toMatchObject({ ok: true });
  });

  test('the same process takes its own name over, and the old connection ends', () => {
    start();
    const again = open();
    expect(again.session.hello(helloOf('n'))).toMatchObject({ ok: true });
    expect(heard.disconnects).toBe(1);
    session.end();
    expect(context.leases.size).toBe(1);
  });

  test('a second hello on one connection does not end it', () => {
    start();
    expect(session.hello(helloOf('n'))).toMatchObject({ ok: true });
    expect(heard.disconnects).toBe(0);
  });
});

describe('a frame that cannot be used', () => {
  test('a delta before a key frame: one resync is asked for, no strike, and the next key frame is taken', () => {
    start();
    agent.key(series, START_MS);
    for (let n = 0; n < 10; n++) session.frame(agent.delta(series, START_MS));
    expect(heard).toMatchObject({ resyncs: 1, disconnects: 0 });
    expect(rejected()).toEqual({ no_key: 10 });
    // Live goes on with it; acknowledged is only the stretch after it.
    session.frame(agent.key(series, START_MS));
    expect(context.fleet.node('n')?.lastSampleMs).toBe(START_MS);
    store.settle();
    expect(heard.acks).toEqual([]);
    session.schema({ ...agent.schema(series), stretch: 2 });
    session.frame(agent.key(series, START_MS));
    store.settle();
    expect(heard.acks).toEqual([12]);
  });

  test('of another schema generation', () => {
    start();
    agent.generation = 2;
    session.frame(agent.key(series, START_MS));
    expect(heard).toMatchObject({ acks: [], resyncs: 1 });
    session.schema({ ...agent.schema(series), stretch: 2 });
    session.frame(agent.key(series, START_MS));
    store.settle();
    expect(heard.acks).toEqual([1]);
  });

  test('the resync is asked for again after a while', () => {
    start();
    agent.key(series, START_MS);
    session.frame(agent.delta(series, START_MS));
    context.clock.ms += 5000;
    session.frame(agent.delta(series, START_MS));
    expect(heard.resyncs).toBe(2);
  });

  test('garbage changes nothing, and the third piece ends the connection', () => {
    start();
    session.frame(agent.key(series, START_MS));
    for (let n = 0; n < 3; n++) session.frame(new Uint8Array([1, 1, 1, 1, 255, 255]));
    expect(rejected()).toEqual({ malformed: 3 });
    expect(heard.disconnects).toBe(1);
    expect(context.fleet.node('n')?.decoder.steps[0]).toBe(100);
  });

  test('before the hello, and what is not binary', () => {
    session.frame(agent.key(series, START_MS));
    session.frame('text');
    session.frame({ __proto__: null });
    expect(rejected()).toEqual({ no_hello: 1, not_binary: 2 });
    expect(heard.disconnects).toBe(1);
  });

  test('a flood: the burst is taken, the rest is not, and an agent that goes on is disconnected', () => {
    start();
    for (let n = 0; n < 100; n++) session.frame(agent.key(series, START_MS));
    store.settle();
    expect(store.entries.filter(({ kind }) => kind === 'frame')).toHaveLength(40);
    expect(heard.acks).toEqual([39]);
    expect(rejected()).toEqual({ rate: 60 });
    expect(heard.disconnects).toBe(0);
    for (let second = 0; second < 12; second++) {
      context.clock.ms += 1000;
      for (let n = 0; n < 100; n++) session.frame(agent.key(series, START_MS));
    }
    expect(heard.disconnects).toBeGreaterThan(0);
  });
});

describe('a schema', () => {
  test('publishes only what the catalogue knows; the rest keeps its place', () => {
    session.hello(helloOf('n'));
    const message: SchemaMessage = {
      generation: 1,
      series: [
        ['no_such_metric', []],
        ['load1', []],
        ['__proto__', []],
        ['load5', ['one label too many']],
        ['load15', []],
      ],
    };
    session.schema(message);
    const node = context.fleet.node('n');
    expect(node?.schema.size).toBe(5);
    expect(node?.schema.published.map(({ id, index }) => [id, index])).toEqual([
      ['load1', 1],
      ['load15', 4],
    ]);
  });

  test.each([
    ['null', null],
    ['too many series', { generation: 1, series: Array.from({ length: 20_001 }, () => ['load1', []]) }],
    ['a label too long', { generation: 1, series: [['disk_size_bytes', ['x'.repeat(257)]]] }],
    ['no list', { generation: 1, series: { length: 3 } }],
    ['generation 0', { generation: 0, series: [] }],
  ])('that is malformed counts as a strike: %s', (_name, message) => {
    session.hello(helloOf('n'));
    for (let n = 0; n < 3; n++) session.schema(message);
    expect(heard.disconnects).toBe(1);
    expect(context.fleet.node('n')?.generation).toBe(0);
  });

  test('that is sent again keeps the values', () => {
    start();
    session.frame(agent.key(series, START_MS));
    session.schema(agent.schema(series));
    expect(context.fleet.node('n')).toMatchObject({ generation: 1 });
    expect(context.fleet.node('n')?.decoder.steps[0]).toBe(100);
  });
});

test('an agent whose clock is an hour ahead: its samples are placed on ours, and the offset shows it', () => {
  session.hello(helloOf('n', { timeMs: START_MS + 3_600_000, axisMs: START_MS + 3_600_000 }));
  session.schema(agent.schema(series));
  session.frame(agent.key(series, START_MS + 3_600_000));
  const node = context.fleet.node('n');
  expect(node?.lastSampleMs).toBe(START_MS);
  expect(node?.clockOffsetMs).toBe(3_600_000);
  // It is set right while the agent runs: the axis of its frames goes on as before.
  context.clock.ms += 1000;
  session.clock({ timeMs: START_MS + 1000, axisMs: START_MS + 3_601_000 });
  for (let n = 0; n < 40; n++) {
    context.clock.ms += 1000;
    session.frame(agent.delta(series, context.clock.ms + 3_600_000));
    expect(node?.lastSampleMs).toBe(context.clock.ms);
  }
  expect(node?.clockOffsetMs).toBe(0);
});

// What agents deliver late: every frame once, what is known comes again only to be decoded, what is lost is recorded.
import { beforeEach, describe, expect, test } from 'vitest';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { IngestCounters } from '../../../server/ingest/counters.ts';
import { Intake } from '../../../server/ingest/intake.ts';
import { Leases } from '../../../server/ingest/leases.ts';
import { AgentSession } from '../../../server/ingest/session.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { silentLog } from '../../../server/log.ts';
import type { FrameEntry, GapEntry, KnownInstance } from '../../../server/store/entries.ts';
import { MemoryStore } from '../../doubles/memory-store.ts';
import { helloOf, SetClock, StandInAgent, START_MS, type StandInSeries } from '../stand-in.ts';

const series: StandInSeries[] = [['load1', [], 100]];
const INSTANCE = 'instance-of-n';

let store: MemoryStore;
let clock: SetClock;
let intake: Intake;
let heard: { acks: number[]; backlogAcks: number[]; notices: string[]; disconnects: number };
let leases: Leases;
let fleet: Fleet;

function begin(known: readonly KnownInstance[] = []): void {
  clock = new SetClock();
  store = new MemoryStore({ prompt: false, known });
  intake = new Intake(store);
  leases = new Leases();
  fleet = new Fleet(new Ledger());
}
beforeEach(() => {
  begin();
});

function connect(instance = INSTANCE): AgentSession {
  heard = { acks: [], backlogAcks: [], notices: [], disconnects: 0 };
  const line = {
    address: '10.0.0.1',
    ack: (seq: number) => void heard.acks.push(seq),
    backlogAck: (count: number) => void heard.backlogAcks.push(count),
    notice: (_code: string, message: string) => void heard.notices.push(message),
    resync: () => undefined,
    disconnect: () => {
      heard.disconnects++;
    },
  };
  const context = { fleet, intake, serverId: store.id, leases, counters: new IngestCounters(), clock, log: silentLog };
  const session = new AgentSession(context, line);
  session.hello(helloOf('n', { instance, timeMs: clock.ms, axisMs: clock.ms }));
  return session;
}
const frames = (): FrameEntry[] => store.entries.filter((entry) => entry.kind === 'frame');
const gaps = (): GapEntry[] => store.entries.filter((entry) => entry.kind === 'gap');
const schemaOf = (agent: StandInAgent, instance: string) => ({ ...agent.schema(series), instance, intervalMs: 1000 });

describe('a backlog', () => {
  test('of the same process after a new connection: what is known comes again as repeated, the rest is stored', () => {
    const agent = new StandInAgent();
    const bytes = [
      agent.key(series, START_MS),
      ...[1, 2, 3].map((second) => agent.delta(series, START_MS + second * 1000)),
    ];
    const first = connect();
    first.schema(agent.schema(series));
    for (const one of bytes.slice(0, 2)) {
      first.frame(one);
      clock.ms += 1000;
    }
    store.settle();
    first.end();
    clock.ms = START_MS + 10_000;
    const second = connect();
    second.schema({ ...agent.schema(series), stretch: 1 });
    second.frame(agent.key(series, START_MS + 10_000));
    second.backlogSchema(schemaOf(agent, INSTANCE));
    for (const one of bytes) second.backlogFrame(one);
    second.backlogEnd();
    expect(heard.backlogAcks).toEqual([]);
    store.settle();
    expect(heard).toMatchObject({ acks: [4], backlogAcks: [5] });
    const late = frames().filter(({ backlog }) => backlog);
    expect(late.map(({ seq, repeated, timeMs }) => [seq, repeated, timeMs - START_MS])).toEqual([
      [0, true, 0],
      [1, true, 1000],
      [2, false, 2000],
      [3, false, 3000],
    ]);
    expect(gaps()).toEqual([]);
  });

  test('of a process that ended: its frames, then the time in which nobody read', () => {
    const dead = new StandInAgent();
    const key = dead.key(series, START_MS);
    const later = dead.delta(series, START_MS + 1000);
    clock.ms += 60_000;
    const agent = new StandInAgent();
    const session = connect('instance-after');
    session.schema(agent.schema(series));
    session.frame(agent.key(series, clock.ms));
    session.backlogSchema(schemaOf(dead, 'instance-before'));
    session.backlogFrame(key);
    session.backlogFrame(later);
    session.backlogEnd();
    session.backlogEnd();
    expect(gaps()).toEqual([
      {
        kind: 'gap',
        node: 'n',
        instance: 'instance-before',
        ...{ fromSeq: -1, toSeq: -1, fromMs: START_MS + 1000, toMs: START_MS + 60_000, reason: 'not_running' },
      },
    ]);
  });

  test('a frame that cannot be read is recorded as lost and acknowledged, so that it does not come for ever', () => {
    const agent = new StandInAgent();
    const key = agent.key(series, START_MS);
    const damaged = agent.delta([['load1', [], 101]], START_MS + 1000).slice(0, -1);
    const session = connect();
    session.backlogSchema(schemaOf(agent, INSTANCE));
    session.backlogFrame(key);
    session.backlogFrame(damaged);
    store.settle();
    expect(heard.backlogAcks).toEqual([2]);
    expect(heard.notices).toHaveLength(1);
    expect(gaps()).toMatchObject([{ fromSeq: 1, toSeq: 1, reason: 'refused' }]);
  });

  test('a gap of the agent is recorded once, and only where nothing is stored', () => {
    begin([{ node: 'n', instance: INSTANCE, seqs: [[4, 6]], lastMs: START_MS }]);
    const session = connect();
    const gap = {
      instance: INSTANCE,
      fromSeq: 2,
      toSeq: 8,
      fromMs: START_MS - 9000,
      toMs: START_MS - 1000,
      reason: 'cap',
    };
    session.gap(gap);
    session.gap(gap);
    store.settle();
    expect(heard.backlogAcks).toEqual([2]);
    expect(gaps().map(({ fromSeq, toSeq, reason }) => [fromSeq, toSeq, reason])).toEqual([
      [2, 3, 'cap'],
      [7, 8, 'cap'],
    ]);
  });

  test('frames that an earlier life of the server stored are not stored again', () => {
    begin([{ node: 'n', instance: INSTANCE, seqs: [[0, 1]], lastMs: START_MS }]);
    const agent = new StandInAgent();
    const session = connect();
    session.backlogSchema(schemaOf(agent, INSTANCE));
    session.backlogFrame(agent.key(series, START_MS));
    session.backlogFrame(agent.delta(series, START_MS));
    session.backlogFrame(agent.delta(series, START_MS));
    expect(frames().map(({ repeated }) => repeated)).toEqual([true, true, false]);
  });

  test.each([
    ['null', null],
    ['a range that runs backwards', { instance: INSTANCE, fromSeq: 5, toSeq: 4, fromMs: 0, toMs: 0, reason: 'cap' }],
    [
      'a reason that only servers find',
      { instance: INSTANCE, fromSeq: 1, toSeq: 2, fromMs: 0, toMs: 0, reason: 'unknown' },
    ],
  ])('a gap that is malformed counts as a strike: %s', (_name, gap) => {
    const session = connect();
    for (let n = 0; n < 3; n++) session.gap(gap);
    expect(heard.disconnects).toBe(1);
    expect(gaps()).toEqual([]);
  });
});

describe('a process that stands still for a while', () => {
  test('says so, once however often it is told', () => {
    const session = connect();
    const pause = {
      instance: INSTANCE,
      fromSeq: -1,
      toSeq: -1,
      fromMs: START_MS - 300_000,
      toMs: START_MS,
      reason: 'paused',
    };
    session.gap(pause);
    session.gap(pause);
    store.settle();
    expect(heard.backlogAcks).toEqual([2]);
    expect(gaps()).toMatchObject([{ fromSeq: -1, fromMs: START_MS - 300_000, toMs: START_MS, reason: 'paused' }]);
  });

  test('is found out by the server where the agent cannot say it', () => {
    const agent = new StandInAgent();
    const session = connect();
    session.hello(helloOf('n', { instance: INSTANCE, protocol: 1, timeMs: clock.ms }));
    session.schema(agent.schema(series));
    session.frame(agent.key(series, clock.ms));
    clock.ms += 300_000;
    session.frame(agent.delta(series, clock.ms));
    expect(gaps()).toMatchObject([
      { fromSeq: -1, toSeq: -1, fromMs: START_MS, toMs: START_MS + 300_000, reason: 'paused' },
    ]);
  });
});

test('what the store forgets is no longer known, and the agent comes again with it', () => {
  const agent = new StandInAgent();
  const session = connect();
  session.schema(agent.schema(series));
  session.frame(agent.key(series, clock.ms));
  session.frame(agent.delta(series, clock.ms));
  store.onForgotten(3, 3);
  expect(heard.disconnects).toBe(1);
  expect(intake.instance('n', INSTANCE).seqs.ranges).toEqual([[0, 0]]);
  store.settle();
  expect(heard.acks).toEqual([0]);
});

// The store as the server has it, with its thread.
import { spawnSync } from 'node:child_process';
import { openSync, readdirSync, readFileSync, rmSync, writeFileSync, constants } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../server/clock.ts';
import type { Log } from '../../../server/log.ts';
import { silentLog } from '../../../server/log.ts';
import type { QueryRequest, Store } from '../../../server/store/entries.ts';
import { openStore } from '../../../server/store/open-store.ts';
import { StoreError } from '../../../server/store/store-error.ts';
import { QueryError } from '../../../server/query/request.ts';
import { AgentStandIn } from './agent-stand-in.ts';
import { ownFolder } from './core-stand.ts';

const T = 1_800_000_000_000;
const clock = systemClock();

function open(folder: string, log: Log = silentLog): Promise<Store> {
  return openStore({ folder, clock, log, settings: { 'journal.keep': 3_600_000, 'journal.cap': 1e9 } });
}

function durable(store: Store, ticket: number): Promise<void> {
  return new Promise((resolve) => {
    store.onDurable = (upTo) => {
      if (upTo >= ticket) resolve();
    };
  });
}

const request: QueryRequest = {
  ...{ metrics: ['disk_read_bytes_total'], labels: { device: 'nvme0n1' }, fromMs: 0, toMs: 9e12 },
  ...{ resolution: 'raw', stepMs: 0, maxSeries: 10 },
};

test('stores, answers, and gives everything back after a restart', async () => {
  const folder = ownFolder();
  let store = await open(folder);
  const { id } = store;
  expect(id).toMatch(/^[0-9a-f]{24}$/);
  const agent = new AgentStandIn('node07');
  store.append(agent.session);
  const ticket = store.append(agent.frame([2n ** 60n, 0, 1, 0], T));
  await durable(store, ticket);
  await store.save('ledger', Uint8Array.of(1, 2, 3));
  expect(store.saved('ledger')).toBeUndefined();
  expect((await store.query(request)).series[0]?.exact).toEqual(['1152921504606846976']);
  await expect(store.query({ ...request, labels: {}, maxSeries: 1 })).rejects.toBeInstanceOf(QueryError);
  await store.close();
  store = await open(folder);
  expect(store.id).toBe(id);
  expect(store.saved('ledger')).toEqual(Uint8Array.of(1, 2, 3));
  expect(store.known).toMatchObject([{ node: 'node07', seqs: [[1, 1]] }]);
  const [restored] = store.restored;
  expect(restored?.session.series).toEqual(agent.session.series);
  expect(restored?.session.session).toBeLessThan(1);
  expect(restored?.frames).toMatchObject([{ seq: 1, key: true, timeMs: T }]);
  expect(store.journalSinceMs).toBe(T);
  await store.close();
});

test('a save replaces the file as a whole; names that are none are refused', async () => {
  const folder = ownFolder();
  const store = await open(folder);
  const saves = Array.from({ length: 20 }, (_, at) => store.save('ledger', new Uint8Array(1000).fill(at)));
  await Promise.all(saves);
  expect(() => store.save('../id', new Uint8Array())).toThrow('is no name');
  await store.close();
  const again = await open(folder);
  expect(again.saved('ledger')).toEqual(new Uint8Array(1000).fill(19));
  await again.close();
});

test('a folder belongs to one server; the lock of one that is gone is taken over', async () => {
  const folder = ownFolder();
  const store = await open(folder);
  await expect(open(folder)).rejects.toMatchObject({
    name: 'StoreError',
    message: `the data folder ${folder} is in use by process ${process.pid}: stop that server, or start this one with --data OTHER`,
  });
  await store.close();
  const gone = spawnSync('true').pid;
  // The process that has this number now was started at another time.
  const stale = [
    `{"pid":${gone},"started":""}`,
    `{"pid":${process.pid},"started":"of an earlier boot 77"}`,
    'not a lock',
    '',
  ];
  for (const content of stale) {
    writeFileSync(join(folder, 'lock'), content);
    const taken = await open(folder);
    expect(JSON.parse(readFileSync(join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    await taken.close();
  }
});

test('of two that start at once one has the folder', async () => {
  const folder = ownFolder();
  writeFileSync(join(folder, 'lock'), 'of one that is gone');
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => open(folder)));
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(opened).toHaveLength(1);
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  for (const reason of refused) expect(reason).toBeInstanceOf(StoreError);
  await opened[0]?.close();
});

test('a disk that does not answer is said to be stuck until it does', async () => {
  // Which name the schema will have.
  const elsewhere = ownFolder();
  const other = await open(elsewhere);
  const agent = new AgentStandIn('node07');
  await durable(other, other.append(agent.session));
  await other.close();
  const [schema = ''] = readdirSync(join(elsewhere, 'schemas'));
  const folder = ownFolder();
  const said: string[] = [];
  const log: Log = {
    info: (message) => void said.push(message),
    warn: (message, details) => void said.push(`${message} (${details?.['reason']})`),
  };
  const store = await open(folder, log);
  // Who opens this pipe for writing hangs in the system call until somebody reads.
  const pipe = join(folder, 'schemas', `${schema}.tmp`);
  spawnSync('mkfifo', [pipe]);
  const stored = durable(store, store.append(agent.session));
  await expect.poll(() => store.state, { timeout: 10_000 }).toMatchObject({ ok: false, reason: 'stuck' });
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  rmSync(pipe);
  await stored;
  expect(reader).toBeGreaterThan(0);
  expect(store.state).toEqual({ ok: true });
  expect(said[0]).toBe('readings cannot be stored; the live view goes on (stuck)');
  expect(said.at(-1)).toBe('readings are stored again');
  await store.close();
});

test('a thread that dies is started again; what it had not made durable is forgotten, what it had is counted once', async () => {
  const store = await open(ownFolder());
  const agent = new AgentStandIn('node07', { session: 1 });
  const frame = (value: number, key = false) => agent.frame([value, 0, 1, 0], T + value * 1000, { key });
  store.append(agent.session);
  await durable(store, store.append(frame(1, true)));
  const forgotten: number[] = [];
  store.onForgotten = (from, to) => {
    for (let ticket = from; ticket <= to; ticket++) forgotten.push(ticket);
  };
  const broken = { ...agent.session, session: 2, series: undefined } as unknown as typeof agent.session; // a mistake of ours
  const lost = store.append(broken);
  store.append(frame(2));
  await expect.poll(() => store.state, { timeout: 10_000 }).toMatchObject({ ok: false, reason: 'failing' });
  expect(forgotten).toEqual([lost, lost + 1]);
  // The chain is broken: only a key frame begins it again, without a new session.
  const refused = store.append(frame(3));
  const kept = store.append(frame(4, true));
  await durable(store, kept);
  expect(forgotten).toEqual([lost, lost + 1, refused]);
  expect(store.state).toEqual({ ok: true });
  expect((await store.query(request)).series[0]?.exact).toEqual(['1', '4']);
  // It comes again: the first was durable before.
  const again = new AgentStandIn('node07', { session: 3 });
  const frames = [1, 2, 3, 4].map((value) => again.frame([value, 0, 1, 0], T + value * 1000));
  await durable(store, [again.session, ...frames].map((entry) => store.append(entry)).at(-1) ?? 0);
  expect((await store.query(request)).series[0]?.exact).toEqual(['1', '2', '3', '4']);
  await store.close();
});

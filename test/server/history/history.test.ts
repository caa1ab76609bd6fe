// The history against a model: every reading counts once, whatever ends when; files answer as the rows did.
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FrameDecoder, FrameEncoder, PRESENT, type Steps } from '#agent/contract';
import { buildSchema } from '../../../server/fleet/schema.ts';
import { History } from '../../../server/history/history.ts';
import { silentLog } from '../../../server/log.ts';
import type { DecodedSession } from '../../../server/store/consumer.ts';
import type { QueryRequest } from '../../../server/store/entries.ts';

const T0 = Date.UTC(2026, 0, 5, 0, 0, 0);
const DAY_MS = 86_400_000;
let scratch: string;
let folders = 0;
let nowMs = T0;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'whyidle-history-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});
const newFolder = (): string => join(scratch, String(folders++));
const open = (
  folder: string,
  over: Partial<{ keepMs: number; keepHoursMs: number; capBytes: number }> = {},
): Promise<History> =>
  History.open({
    folder,
    settings: { keepMs: 30 * DAY_MS, keepHoursMs: 400 * DAY_MS, capBytes: 1e9, ...over },
    nowMs: () => nowMs,
    log: silentLog,
  });

const schema = buildSchema([
  ['load1', []],
  ['disk_read_bytes_total', ['nvme0n1']],
  ['node_info', ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].slice(0, 0)],
]);

/** One node's frames as the feed shows them. */
class Node {
  readonly session: DecodedSession;
  readonly #encoder = new FrameEncoder();
  readonly #decoder = new FrameDecoder(schema.size);
  #first = true;
  #lastMs = NaN;

  constructor(node: string, backlog = false) {
    const { published, size } = schema;
    this.session = { session: 1, node, instance: 'i', intervalMs: 1000, backlog, schema: 'hash', published, size };
  }

  show(
    history: History,
    { timeMs, load, bytes }: { timeMs: number; load: number; bytes: Steps },
    position: number,
  ): void {
    const series = [
      { steps: Math.round(load * 100), state: PRESENT },
      { steps: bytes, state: PRESENT },
      { steps: 0, state: 1 },
    ].slice(0, schema.size);
    const head = { seq: position, generation: 1, timeMs };
    this.#decoder.apply(this.#first ? this.#encoder.key(head, series) : this.#encoder.delta(head, series));
    const span = (timeMs - this.#lastMs) / 1000;
    this.#first = false;
    this.#lastMs = timeMs;
    history.sample(this.session, this.#decoder, timeMs, span, position);
  }
}

const ask = (history: History, over: Partial<QueryRequest> = {}) =>
  history.query({
    metrics: ['load1'],
    labels: {},
    fromMs: T0,
    toMs: T0 + 3 * DAY_MS,
    resolution: 'minute',
    stepMs: 60_000,
    maxSeries: 100,
    ...over,
  });

describe('minutes', () => {
  test('have the mean, the lowest and the highest of their readings; counters their gain per second', async () => {
    const history = await open(newFolder());
    const node = new Node('n');
    for (let second = 0; second < 130; second++)
      node.show(history, { timeMs: T0 + second * 1000, load: second % 60, bytes: second * 500 }, second + 1);
    await history.advance(130, T0 + 130_000);
    expect(history.watermark).toBe(120);
    const [load] = (await ask(history)).series;
    expect(load).toMatchObject({ metric: 'load1', labels: { node: 'n' } });
    expect([...(load?.times ?? [])]).toEqual([T0 + 60_000, T0 + 120_000, T0 + 180_000]);
    expect([...(load?.mean ?? [])]).toEqual([29.5, 29.5, 4.5]);
    expect([...(load?.min ?? [])]).toEqual([0, 0, 0]);
    expect([...(load?.max ?? [])]).toEqual([59, 59, 9]);
    expect([...(load?.count ?? [])]).toEqual([60, 60, 10]);
    const [read] = (await ask(history, { metrics: ['disk_read_bytes_total'], labels: { device: 'nvme0n1' } })).series;
    expect([...(read?.mean ?? [])]).toEqual([500, 500, 500]);
    expect([...(read?.count ?? [])]).toEqual([59, 60, 10]);
    expect((await ask(history, { labels: { node: 'other' } })).series).toEqual([]);
    await history.close();
  });

  test('merge to wider steps by their weight', async () => {
    const history = await open(newFolder());
    const node = new Node('n');
    for (let second = 0; second < 90; second++)
      node.show(history, { timeMs: T0 + second * 1000, load: second < 60 ? 1 : 4, bytes: 0 }, second + 1);
    await history.advance(90, T0 + 90_000);
    const [load] = (await ask(history, { stepMs: 120_000 })).series;
    expect([...(load?.mean ?? [])]).toEqual([2]);
    expect([...(load?.count ?? [])]).toEqual([90]);
    await history.close();
  });

  test('more series than may be are an error', async () => {
    const history = await open(newFolder());
    for (let at = 0; at < 3; at++) new Node(`n${at}`).show(history, { timeMs: T0, load: 1, bytes: 0 }, at + 1);
    await expect(ask(history, { maxSeries: 2 })).rejects.toThrow(/3 series match, more than 2/);
    await history.close();
  });
});

test('after an end at any moment the journal is read on, and every reading counts once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ seconds: fc.integer({ min: 1, max: 90 }), late: fc.boolean(), end: fc.boolean() }), {
        minLength: 1,
        maxLength: 6,
      }),
      async (steps) => {
        // The journal: every record, live and late.
        const records: { timeMs: number; late: boolean; load: number }[] = [];
        let folder = newFolder();
        let history = await open(folder);
        let live = new Node('n');
        let late = new Node('n', true);
        const show = (from: number): void => {
          for (let position = from; position <= records.length; position++) {
            const record = records[position - 1];
            if (record && position > history.watermark)
              (record.late ? late : live).show(history, { ...record, bytes: position }, position);
          }
        };
        let liveMs = T0 + 3_600_000;
        let lateMs = T0;
        for (const { seconds, late: isLate, end } of steps) {
          const from = records.length + 1;
          for (let second = 0; second < seconds; second++) {
            const timeMs = isLate ? (lateMs += 1000) : (liveMs += 1000);
            records.push({ timeMs, late: isLate, load: (timeMs / 1000) % 50 });
          }
          show(from);
          nowMs = liveMs;
          await history.advance(records.length, nowMs);
          if (!end) continue;
          const copy = newFolder();
          cpSync(folder, copy, { recursive: true });
          await history.close();
          folder = copy;
          history = await open(folder);
          live = new Node('n');
          late = new Node('n', true);
          show(history.watermark + 1);
        }
        const [series] = (await ask(history)).series;
        const expected = Map.groupBy(records, ({ timeMs }) => Math.floor(timeMs / 60_000));
        expect([...(series?.count ?? [])]).toEqual(
          [...expected].toSorted(([a], [b]) => a - b).map(([, list]) => list.length),
        );
        const total = [...(series?.mean ?? [])].reduce((sum, mean, at) => sum + mean * (series?.count[at] ?? 0), 0);
        expect(total).toBeCloseTo(
          records.reduce((sum, { load }) => sum + load, 0),
          1,
        );
        await history.close();
      },
    ),
    { numRuns: 25 },
  );
}, 60_000);

/** Two and a half days at a reading a minute, tidied as time passes. */
async function days(folder: string): Promise<History> {
  const history = await open(folder);
  const node = new Node('n');
  let position = 0;
  for (let minute = 0; minute < 60 * 60; minute++) {
    const timeMs = T0 + minute * 60_000;
    node.show(history, { timeMs, load: minute % 97, bytes: minute * 6000 }, ++position);
    node.show(history, { timeMs: timeMs + 30_000, load: minute % 89, bytes: minute * 6000 + 3000 }, ++position);
    if (minute % 30 !== 29) continue;
    nowMs = timeMs + 59_000;
    await history.advance(position, nowMs);
    await history.settled();
  }
  return history;
}

describe('files', () => {
  let made: string;
  beforeAll(async () => {
    made = newFolder();
    await (await days(made)).close();
  }, 60_000);
  const copied = (): string => {
    const folder = newFolder();
    cpSync(made, folder, { recursive: true });
    return folder;
  };

  test('answer as the rows did, by minutes and by hours, over a start', async () => {
    const folder = copied();
    const history = await open(folder);
    const names = readdirSync(join(folder, 'files'));
    expect(names.filter((name) => /^minutes-\d{4}-\d\d-\d\d-00\.parquet$/.test(name))).toHaveLength(2);
    expect(names.filter((name) => name.startsWith('hours-'))).toHaveLength(2);
    expect(names.filter((name) => name.endsWith('h.parquet')).length).toBeGreaterThan(5);
    const [minutes] = (await ask(history)).series;
    expect(minutes?.times.length).toBe(60 * 60);
    expect(minutes?.mean[1000]).toBeCloseTo(((1000 % 97) + (1000 % 89)) / 2, 4);
    await history.close();
    const again = await open(folder);
    const [hours] = (
      await ask(again, {
        resolution: 'hour',
        stepMs: 3_600_000,
        metrics: ['disk_read_bytes_total'],
        toMs: T0 + 2 * DAY_MS,
      })
    ).series;
    expect(hours?.times.length).toBe(48);
    expect(hours?.mean[7]).toBeCloseTo(100, 3);
    const [sums] = (await ask(again, { toMs: T0 + 2 * DAY_MS })).series;
    expect([...(sums?.count ?? [])].every((count) => count === 2)).toBe(true);
    await again.close();
  }, 60_000);

  test('that are damaged are set aside, the others answer', async () => {
    const folder = copied();
    writeFileSync(join(folder, 'files', 'minutes-2026-01-05-00.parquet'), 'no parquet at all');
    const history = await open(folder);
    const [series] = (await ask(history)).series;
    expect(series?.times[0]).toBe(T0 + DAY_MS + 60_000);
    expect(readdirSync(join(folder, 'files'))).toContain('minutes-2026-01-05-00.parquet.damaged');
    await history.close();
  }, 60_000);

  test('a database that cannot be opened is set aside and begun anew', async () => {
    const folder = newFolder();
    await (await open(folder)).close();
    writeFileSync(join(folder, 'history.duckdb'), 'no database');
    const history = await open(folder);
    expect(history.watermark).toBe(0);
    expect(readdirSync(folder).some((name) => name.includes('.damaged-'))).toBe(true);
    await history.close();
  });

  test('go when they are too old', async () => {
    const folder = copied();
    nowMs = T0 + 4 * DAY_MS;
    const history = await open(folder, { keepMs: 2.5 * DAY_MS });
    await history.advance(1e6, nowMs);
    await history.settled();
    const [series] = (await ask(history, { toMs: T0 + 9 * DAY_MS })).series;
    expect(series?.times[0]).toBeGreaterThan(T0 + DAY_MS);
    const [hours] = (await ask(history, { resolution: 'hour', stepMs: 3_600_000 })).series;
    expect(hours?.times[0]).toBe(T0 + 3_600_000);
    await history.close();
  }, 60_000);
});

test('gaps are kept', async () => {
  nowMs = T0;
  const folder = newFolder();
  const history = await open(folder);
  const gap = {
    kind: 'gap',
    node: 'n',
    instance: 'i',
    fromSeq: 3,
    toSeq: 9,
    fromMs: T0 + 1000,
    toMs: T0 + 9000,
    reason: 'cap',
  } as const;
  history.gap(gap);
  expect((await ask(history)).gaps).toEqual([gap]);
  nowMs = T0 + 3_600_000;
  await history.advance(5, nowMs);
  await history.close();
  const again = await open(folder);
  expect(again.watermark).toBe(5);
  expect((await ask(again)).gaps).toEqual([gap]);
  expect((await ask(again, { labels: { node: 'other' } })).gaps).toEqual([]);
  await again.close();
});

// The journal against a model: what was synced is there after any end, in order, once; what is lost is told.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Journal,
  JournalError,
  realFiles,
  type JournalFiles,
  type JournalLoss,
  type JournalSettings,
} from '#agent/journal';

let scratch: string;
let folders = 0;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'whyidle-journal-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});
const newFolder = (): string => join(scratch, String(folders++));

interface Opened {
  readonly journal: Journal;
  readonly losses: JournalLoss[];
}
async function open(folder: string, over: Partial<JournalSettings> = {}): Promise<Opened> {
  const losses: JournalLoss[] = [];
  const onLoss = (loss: JournalLoss): void => void losses.push(loss);
  const journal = await Journal.open({ folder, segmentBytes: 600, nowMs: () => 1, onLoss, ...over });
  return { journal, losses };
}
async function contents(journal: Journal, from = 1): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for await (const { position, bytes } of journal.read(from)) found.set(position, Buffer.from(bytes).toString());
  return found;
}
const append = (journal: Journal, text: string): number => journal.append(Buffer.from(text)).position;
const segmentFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.segment'))
    .sort();

/** Real files, of which the disk takes only so many more bytes. */
function fullDisk(): { readonly files: JournalFiles; room: number; syncFails: boolean } {
  const disk = {
    room: Infinity,
    syncFails: false,
    files: {
      ...realFiles,
      open: async (file: string, way: 'create' | 'keep' | 'write' | 'read') => {
        const opened = await realFiles.open(file, way);
        return {
          ...opened,
          write: async (buffers: readonly Uint8Array[], position: number) => {
            const bytes = Buffer.concat(buffers);
            if (disk.room <= 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
            const part = bytes.subarray(0, disk.room);
            disk.room -= part.length;
            return opened.write([part], position);
          },
          sync: () =>
            disk.syncFails
              ? Promise.reject(Object.assign(new Error('input/output error'), { code: 'EIO' }))
              : opened.sync(),
        };
      },
    },
  };
  return disk;
}

describe('records', () => {
  test('come back in order, over segments and over a start, by position and by place', async () => {
    const folder = newFolder();
    const { journal } = await open(folder);
    const places = Array.from({ length: 50 }, (_, at) => journal.append(Buffer.from(`record ${at}`)));
    expect(await journal.commit()).toBe(50);
    expect(segmentFiles(folder).length).toBeGreaterThan(2);
    expect((await contents(journal)).get(17)).toBe('record 16');
    await journal.close();

    const again = await open(folder);
    expect([...(await contents(again.journal, 40)).keys()]).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50]);
    const [third] = await again.journal.readAt(places.slice(2, 3));
    expect(Buffer.from(third ?? []).toString()).toBe('record 2');
    expect(append(again.journal, 'new')).toBe(51);
    expect(again.losses).toEqual([]);
    await again.journal.close();
  });

  test('are read by place before they are written', async () => {
    const { journal } = await open(newFolder());
    const place = journal.append(Buffer.from('x'));
    expect(Buffer.from((await journal.readAt([place]))[0] ?? []).toString()).toBe('x');
    await journal.close();
  });

  test('larger than a segment and larger than a piece of reading have one of their own', async () => {
    const { journal } = await open(newFolder());
    append(journal, 'small');
    append(journal, 'L'.repeat(3_000_000));
    append(journal, 'small');
    await journal.commit();
    expect([...(await contents(journal)).values()].map(({ length }) => length)).toEqual([5, 3_000_000, 5]);
    await journal.close();
  });

  test('that were released are gone, those beside them are not', async () => {
    const folder = newFolder();
    const { journal, losses } = await open(folder);
    for (let at = 0; at < 60; at++) append(journal, `record ${at}`);
    await journal.commit();
    const before = segmentFiles(folder).length;
    await journal.release(30);
    expect(segmentFiles(folder).length).toBeLessThan(before);
    expect(Math.min(...(await contents(journal)).keys())).toBeLessThanOrEqual(30);
    expect((await contents(journal)).get(30)).toBe('record 29');
    expect(losses).toEqual([]);
    await journal.close();
  });
});

test('numbers go on after everything was released', async () => {
  const folder = newFolder();
  const { journal } = await open(folder);
  for (let at = 0; at < 30; at++) append(journal, `record ${at}`);
  await journal.commit();
  await journal.release(31);
  await journal.close();
  const again = await open(folder);
  await again.journal.release(31);
  await again.journal.close();
  const third = await open(folder);
  expect(append(third.journal, 'next')).toBe(31);
  await third.journal.close();
});

test('beyond the cap the oldest go, and it is told which', async () => {
  const folder = newFolder();
  const { journal, losses } = await open(folder, { capBytes: 3000 });
  for (let at = 1; at <= 400; at++) {
    append(journal, `record ${at}`);
    if (at % 7 === 0) await journal.commit();
  }
  await journal.commit();
  const kept = [...(await contents(journal)).keys()];
  const told = losses.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
  expect([...told, ...kept]).toEqual(Array.from({ length: 400 }, (_, at) => at + 1));
  expect(losses.every(({ reason }) => reason === 'cap')).toBe(true);
  const bytes = segmentFiles(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  expect(bytes).toBeLessThanOrEqual(3000);
  expect(journal.bytes).toBe(bytes);
  await journal.close();
});

describe('a full disk', () => {
  test('loses nothing: records wait and are written when there is room', async () => {
    const disk = fullDisk();
    const { journal, losses } = await open(newFolder(), { files: disk.files });
    append(journal, 'first');
    await journal.commit();
    disk.room = 30;
    for (let at = 0; at < 60; at++) append(journal, `record ${at}`);
    await expect(journal.commit()).rejects.toMatchObject({ code: 'full' });
    await expect(journal.commit()).rejects.toBeInstanceOf(JournalError);
    expect(journal.durable).toBe(1);
    disk.room = Infinity;
    expect(await journal.commit()).toBe(61);
    expect((await contents(journal)).size).toBe(61);
    expect(journal.pendingBytes).toBe(0);
    expect(losses).toEqual([]);
    await journal.close();
  });

  test('what is forgotten is told, later records follow', async () => {
    const disk = fullDisk();
    const folder = newFolder();
    const { journal } = await open(folder, { files: disk.files });
    append(journal, 'first');
    await journal.commit();
    disk.room = 0;
    for (let at = 0; at < 40; at++) append(journal, `forgotten ${at}`);
    await expect(journal.commit()).rejects.toMatchObject({ code: 'full' });
    expect(journal.forgetPending()).toEqual({ from: 2, to: 41 });
    expect(journal.pendingBytes).toBe(0);
    disk.room = Infinity;
    expect(append(journal, 'later')).toBe(42);
    await journal.commit();
    expect(await contents(journal)).toEqual(
      new Map([
        [1, 'first'],
        [42, 'later'],
      ]),
    );
    await journal.close();
    const again = await open(folder);
    expect(await contents(again.journal)).toEqual(
      new Map([
        [1, 'first'],
        [42, 'later'],
      ]),
    );
    expect(again.losses).toEqual([]);
    await again.journal.close();
  });

  test('a sync that failed is not believed: what it was for is written again', async () => {
    const disk = fullDisk();
    const { journal } = await open(newFolder(), { files: disk.files });
    append(journal, 'a');
    disk.syncFails = true;
    await expect(journal.commit()).rejects.toMatchObject({ code: 'failing' });
    expect(journal.durable).toBe(0);
    append(journal, 'b');
    disk.syncFails = false;
    expect(await journal.commit()).toBe(2);
    expect([...(await contents(journal)).values()]).toEqual(['a', 'b']);
    await journal.close();
  });
});

/** A folder with synced records in one unsealed segment, as the end of a machine leaves it. */
async function crashed(records: number): Promise<string> {
  const folder = newFolder();
  const { journal } = await open(folder, { segmentBytes: 100_000 });
  for (let at = 1; at <= records; at++) append(journal, `record ${at}`);
  await journal.commit();
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  await journal.close();
  return copy;
}

describe('damage', () => {
  test('of any byte costs at most one record, and it is told', async () => {
    const folder = await crashed(6);
    const [name = ''] = segmentFiles(folder);
    const whole = readFileSync(join(folder, name));
    for (let at = 0; at < whole.length; at++) {
      const copy = newFolder();
      mkdirSync(copy);
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0x55;
      writeFileSync(join(copy, name), bytes);
      const { journal, losses } = await open(copy);
      const found = await contents(journal);
      const header = at < 32;
      const fatal = header && found.size === 0;
      if (!fatal) expect(found.size).toBeGreaterThanOrEqual(5);
      if (found.size < 6) expect(losses.length).toBeGreaterThan(0);
      for (const [position, text] of found) expect(text).toBe(`record ${position}`);
      const position = append(journal, 'next');
      expect(position).toBeGreaterThan(6);
      await journal.commit();
      expect((await contents(journal)).get(position)).toBe('next');
      await journal.close();
    }
  });

  test('at the end, wherever it is cut, costs what is cut', async () => {
    const folder = await crashed(5);
    const [name = ''] = segmentFiles(folder);
    const size = statSync(join(folder, name)).size;
    for (let length = 0; length <= size; length++) {
      const copy = newFolder();
      cpSync(folder, copy, { recursive: true });
      truncateSync(join(copy, name), length);
      const { journal } = await open(copy);
      const found = await contents(journal);
      const texts = [...found].map(([position, text]) => [position, text]);
      expect(texts).toEqual(Array.from({ length: found.size }, (_, at) => [at + 1, `record ${at + 1}`]));
      expect(append(journal, 'next')).toBeGreaterThan(found.size);
      await journal.close();
    }
  });

  test.each([
    ['an empty file', ''],
    ['zeros', '\0'.repeat(500)],
    ['a text', 'this is no journal at all'.repeat(30)],
  ])('%s in place of a segment', async (_name, text) => {
    const folder = await crashed(3);
    writeFileSync(join(folder, '000000000500.segment'), text);
    writeFileSync(join(folder, 'README'), 'a stranger');
    mkdirSync(join(folder, '000000000700.segment'));
    const { journal } = await open(folder);
    expect((await contents(journal)).size).toBe(3);
    expect(append(journal, 'next')).toBeGreaterThanOrEqual(500);
    await journal.commit();
    expect((await contents(journal)).size).toBe(4);
    await journal.close();
  });

  test('a segment under the name of another is not read twice', async () => {
    const folder = await crashed(3);
    const [name = ''] = segmentFiles(folder);
    cpSync(join(folder, name), join(folder, '000000000900.segment'));
    const { journal } = await open(folder);
    expect([...(await contents(journal)).keys()]).toEqual([1, 2, 3]);
    await journal.close();
  });

  test('a folder that cannot be made is refused with a sentence', async () => {
    const file = join(scratch, 'file');
    writeFileSync(file, '');
    await expect(open(join(file, 'below'))).rejects.toThrow(/Cannot use the folder .*below/);
  });
});

type Step = 'append' | 'write' | 'commit' | 'crash' | 'reopen' | 'release' | 'full' | 'room' | 'forget';

test('whatever happens in whatever order, what was synced stays, once, in order', async () => {
  const step = fc.constantFrom<Step>(
    'append',
    'append',
    'append',
    'write',
    'commit',
    'crash',
    'reopen',
    'release',
    'full',
    'room',
    'forget',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const disk = fullDisk();
      let folder = newFolder();
      let { journal } = await open(folder, { files: disk.files, segmentBytes: 200 });
      const texts = new Map<number, string>();
      const synced = new Set<number>();
      let released = 0;
      for (const [at, what] of steps.entries()) {
        switch (what) {
          case 'append': {
            const text = `${at}`.repeat(1 + (at % 20));
            const position = append(journal, text);
            expect(texts.has(position)).toBe(false);
            texts.set(position, text);
            break;
          }
          case 'write':
            await journal.write().catch(() => undefined);
            break;
          case 'commit': {
            const durable = await journal.commit().catch(() => 0);
            for (const position of texts.keys()) if (position <= durable) synced.add(position);
            break;
          }
          case 'crash': {
            const copy = newFolder();
            cpSync(folder, copy, { recursive: true });
            disk.room = Infinity;
            await journal.close();
            folder = copy;
            ({ journal } = await open(folder, { files: disk.files, segmentBytes: 200 }));
            // What was not synced may be there or not; from now on it is what it is.
            const there = await contents(journal);
            for (const position of texts.keys())
              if (!there.has(position) && !synced.has(position)) texts.delete(position);
            for (const position of there.keys()) synced.add(position);
            break;
          }
          case 'reopen':
            disk.room = Infinity;
            await journal.close();
            for (const position of texts.keys()) synced.add(position);
            ({ journal } = await open(folder, { files: disk.files, segmentBytes: 200 }));
            break;
          case 'release':
            released = Math.max(released, journal.durable);
            await journal.release(released);
            break;
          case 'full':
            disk.room = 70;
            break;
          case 'room':
            disk.room = Infinity;
            break;
          case 'forget': {
            const gone = journal.forgetPending();
            for (let position = gone?.from ?? 1; position <= (gone?.to ?? 0); position++) {
              if (!synced.has(position)) texts.delete(position);
            }
            break;
          }
        }
      }
      disk.room = Infinity;
      await journal.commit();
      const found = await contents(journal);
      for (const [position, text] of found) expect(text).toBe(texts.get(position));
      for (const position of synced) if (position >= released) expect(found.has(position)).toBe(true);
      expect([...found.keys()]).toEqual([...found.keys()].toSorted((a, b) => a - b));
      await journal.close();
      rmSync(folder, { recursive: true, force: true });
    }),
    { numRuns: 150 },
  );
});

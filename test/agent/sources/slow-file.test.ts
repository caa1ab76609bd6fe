// Files whose devices answer late: nobody waits longer than asked, and one thread waits at most.
import { fstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { absent } from '#agent/contract';
import { SlowFiles, type ReadDescriptor } from '../../../agent/sources/slow-file.ts';
import { Tree } from '../../../agent/sources/tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-slow-'));
  writeFileSync(join(root, 'temp1_input'), '38850\n');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(root, { recursive: true, force: true });
});

/** A device that answers when it is told to. */
function played() {
  const waiting: { readonly descriptor: number; readonly answer: (error: Error | null, text: string) => void }[] = [];
  const read: ReadDescriptor = (descriptor, buffer, done) => {
    waiting.push({
      descriptor,
      answer: (error, text) => {
        done(error, buffer.write(text, 'latin1'));
      },
    });
  };
  return { waiting, files: new SlowFiles(new Tree(root), read) };
}

it('reads a file, again and again', async () => {
  const files = new SlowFiles(new Tree(root));
  expect(await files.read('temp1_input', 1000)).toBe('38850\n');
  writeFileSync(join(root, 'temp1_input'), '-5000\n');
  expect(await files.read('temp1_input', 1000)).toBe('-5000\n');
});

it('says why a file cannot be read', async () => {
  const files = new SlowFiles(new Tree(root));
  expect(await files.read('temp2_input', 1000)).toEqual(absent('not_present'));
  const { waiting, files: others } = played();
  const read = others.read('temp1_input', 1000);
  waiting[0]?.answer(Object.assign(new Error('gone'), { code: 'ENODEV' }), '');
  expect(await read).toEqual(absent('not_present'));
});

it('a late answer is too late, and until it comes nobody else is asked', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { waiting, files } = played();
  const first = files.read('temp1_input', 500);
  await vi.advanceTimersByTimeAsync(500);
  expect(await first).toEqual(absent('timed_out'));
  expect(await files.read('temp1_input', 500)).toEqual(absent('timed_out'));
  expect(waiting).toHaveLength(1);
  waiting[0]?.answer(null, '40000\n');
  const third = files.read('temp1_input', 500);
  waiting[1]?.answer(null, '41000\n');
  expect(await third).toBe('41000\n');
});

it('an answer that came while we ourselves were held up is in time', async () => {
  const files = new SlowFiles(new Tree(root), (_descriptor, buffer, done) => {
    // As an answer from the pool: it is there, and told after the timers.
    setImmediate(() => {
      done(null, buffer.write('42000\n', 'latin1'));
    });
  });
  const read = files.read('temp1_input', 1);
  const start = performance.now();
  while (performance.now() - start < 5);
  expect(await read).toBe('42000\n');
});

it('closes what it opened', async () => {
  const { waiting, files } = played();
  const read = files.read('temp1_input', 1000);
  const { descriptor = -1, answer } = waiting[0] ?? {};
  expect(fstatSync(descriptor).isFile()).toBe(true);
  answer?.(null, '1\n');
  await read;
  expect(() => fstatSync(descriptor)).toThrow('EBADF');
});

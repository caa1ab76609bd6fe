// Texts whose numbers change in place: layout by property, and a hammer from another thread.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { SlotText } from '../../../../agent/simulator/render/slot-text.ts';

const directory = mkdtempSync(join(tmpdir(), 'whyidle-slots-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe('the layout', () => {
  test('numbers stand where a parser expects them', () => {
    const text = new SlotText<number>()
      .text('some ')
      .slot({ width: 6, prefix: 'avg10=', read: (value) => value.toFixed(2) })
      .text(' ')
      .slot({ width: 12, prefix: 'total=', read: (value) => value * 1000 })
      .text('\n');
    expect(text.render(1.5).toString().trim().split(/ +/)).toEqual(['some', 'avg10=1.50', 'total=1500']);
    expect(text.render(23).toString().trim().split(/ +/)).toEqual(['some', 'avg10=23.00', 'total=23000']);
  });

  test('right-aligned as the kernel pads', () => {
    const text = new SlotText<number>()
      .text('MemFree:')
      .slot({ width: 10, align: 'right', read: (n) => n })
      .text(' kB\n');
    expect(text.render(1234).toString()).toMatch(/^MemFree: +1234 kB\n$/);
  });

  test('a shorter number leaves nothing of a longer one', () => {
    const text = new SlotText<number>().slot({ width: 5, read: (n) => n }).text('\n');
    expect(text.render(12_345).toString()).toBe('12345\n');
    expect(text.render(7).toString()).toBe('7    \n');
  });

  test('a number that does not fit is refused, never cut', () => {
    const text = new SlotText<number>().slot({ width: 3, read: (n) => n });
    expect(() => text.render(1000)).toThrow(RangeError);
  });

  test('the length never changes and no number crosses a multiple of 16 bytes, whatever the layout', () => {
    const parts = fc.array(
      fc.record({ before: fc.stringMatching(/^[a-z \n]{0,80}$/), width: fc.integer({ min: 1, max: 16 }) }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(parts, (list) => {
        const text = new SlotText<string>();
        for (const { before, width } of list) {
          text.text(`${before} `).slot({ width, prefix: 'x=', read: (digit) => digit.repeat(width) });
        }
        const one = text.render('1').toString('latin1');
        const other = text.render('2').toString('latin1');
        expect(other).toHaveLength(one.length);
        for (const match of one.matchAll(/1+/g)) {
          expect(Math.floor(match.index / 16)).toBe(Math.floor((match.index + match[0].length - 1) / 16));
        }
      }),
    );
  });
});

describe('a reader beside the writer', () => {
  // The reader is another thread with a descriptor of its own, as another process would be.
  const reader = `
    import { openSync, readSync } from 'node:fs';
    import { parentPort, workerData } from 'node:worker_threads';
    const descriptor = openSync(workerData.path, 'r');
    const buffer = Buffer.alloc(workerData.length + 64);
    const torn = new Set();
    let reads = 0;
    const seen = new Set();
    const end = Date.now() + 1500;
    while (Date.now() < end) {
      const length = readSync(descriptor, buffer, 0, buffer.length, 0);
      reads++;
      if (length !== workerData.length) torn.add('length ' + length);
      for (const number of buffer.toString('latin1', 0, length).trim().split(/\\s+/)) {
        const digits = number.slice(number.indexOf('=') + 1);
        seen.add(digits);
        if (!workerData.allowed.includes(digits)) torn.add(digits);
      }
    }
    parentPort.postMessage({ reads, torn: [...torn], seen: seen.size });
  `;

  test.each([
    // Kernels copy 16 bytes at a time, some more: a number that is longer may be seen in two halves.
    ['one counter', 1, 16],
    ['a line of many fields', 17, 15],
    ['a file of many lines', 500, 13],
  ])('never sees half of a number: %s', async (name, slots, width) => {
    const text = new SlotText<string>();
    for (let slot = 0; slot < slots; slot++) {
      text
        .slot({ width, prefix: slot % 3 === 1 ? 'n=' : '', read: (number) => number.slice(0, width) })
        .text(slot % 10 === 9 ? '\n' : ' ');
    }
    const numbers = ['9', '19999999999999999999', '20000000000000000000', '123456'];
    const path = join(directory, name.replaceAll(' ', '-'));
    const descriptor = openSync(path, 'w');
    const write = (number: string): void => {
      const bytes = text.render(number);
      writeSync(descriptor, bytes, 0, bytes.length, 0);
    };
    write('9');
    const worker = new Worker(reader, {
      eval: true,
      workerData: { path, length: text.render('9').length, allowed: numbers.map((number) => number.slice(0, width)) },
    });
    const answers: unknown[] = [];
    worker.on('message', (answer) => answers.push(answer));
    let writes = 0;
    while (answers.length === 0) {
      for (let burst = 0; burst < 200; burst++) write(numbers[writes++ % numbers.length] ?? '9');
      await new Promise((resolve) => setImmediate(resolve));
    }
    closeSync(descriptor);
    expect(answers[0]).toMatchObject({ torn: [], seen: new Set(numbers.map((number) => number.slice(0, width))).size });
    expect(writes).toBeGreaterThan(1000);
  });
});

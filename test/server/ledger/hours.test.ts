// The ledger by hours: whatever happens, its sums are those of the accounts, exactly.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HOUR_MS, sumUp } from '../../../server/ledger/hour-book.ts';
import { HourFiles } from '../../../server/ledger/hour-files.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';

const T0 = Math.floor(1_700_000_000_000 / HOUR_MS) * HOUR_MS;
const NAMES = ['0', '1'].map((gpu) => ({ node: 'n', gpu, uuid: `GPU-${gpu}` }));
let folder = '';
const damaged: string[] = [];
const files = (keepMs = 1e12): HourFiles => new HourFiles(folder, keepMs, (file) => damaged.push(file));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whyidle-ledger-'));
  damaged.length = 0;
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('over restarts, stalls and lost snapshots the hours add up to what the accounts say', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 60, max: 9000 }), fc.integer({ min: 0, max: 9000 }), fc.boolean()), {
        minLength: 1,
        maxLength: 4,
      }),
      (lives) => {
        rmSync(folder, { recursive: true, force: true });
        let saved: Uint8Array | undefined;
        let nowMs = T0 + 1234;
        for (const [aliveS, deadS, lost] of lives) {
          const ledger = new Ledger(saved, files());
          const accounts = NAMES.map((name) => ledger.open(name, nowMs));
          for (let s = 0; s < aliveS; s += 10) {
            for (const account of accounts) {
              account.observe(nowMs + s * 1000, { kind: 'usage', busy: 0.37, processes: 1, memoryUsedBytes: 1e9 });
              account.advance(nowMs + s * 1000);
            }
            ledger.fileHours(nowMs + s * 1000);
            const unsaved = ledger.unsaved();
            if (unsaved && !(lost && s > aliveS / 2)) saved = unsaved.bytes;
            unsaved?.publish();
          }
          const booked = accounts.reduce((sum, { bookedUntilMs, firstSeenMs }) => sum + bookedUntilMs - firstSeenMs, 0);
          const { cells } = ledger.cells(T0, nowMs + 1e9);
          expect(cells.reduce((sum, { ms }) => sum + ms, 0)).toBe(booked);
          expect(sumUp(cells, [])[0]?.ms ?? 0).toBe(booked);
          nowMs += (aliveS + deadS) * 1000;
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('a damaged hour is set aside, the others are read', () => {
  const own = files();
  const cell = {
    node: 'n',
    gpu: '0',
    uuid: 'u',
    job: '7',
    user: 'abel',
    account: '',
    partition: '',
    key: 'held.idle',
    ms: 10,
  } as const;
  own.write(T0, [cell]);
  own.write(T0 + HOUR_MS, [cell]);
  writeFileSync(join(folder, `${new Date(T0).toISOString().slice(0, 13)}.jsonl.gz`), 'no gzip');
  expect(own.read(T0)).toEqual([]);
  expect(damaged).toHaveLength(1);
  expect(own.hours()).toEqual([T0 + HOUR_MS]);
  expect(own.read(T0 + HOUR_MS)).toEqual([cell]);
  expect(sumUp([cell], ['user', 'class'])).toEqual([{ by: { user: 'abel', class: 'held.idle' }, ms: 10 }]);
});

test('hours that are too old go', () => {
  const own = files(3 * HOUR_MS);
  for (let hour = 0; hour < 6; hour++) own.write(T0 + hour * HOUR_MS, []);
  expect(own.hours()).toEqual([2, 3, 4, 5].map((hour) => T0 + hour * HOUR_MS));
});

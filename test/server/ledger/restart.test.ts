// The ledger over ends of the server: whatever was saved is the truth that goes on, and every sum stays exact.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GpuAccount } from '../../../server/ledger/account.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';

const NAME = { node: 'n', gpu: '0', uuid: 'GPU-0' };
const T0 = 1_700_000_000_000;
const sumOf = (booked: ReadonlyMap<string, number>): number => [...booked.values()].reduce((sum, ms) => sum + ms, 0);

/** A life of the server in which a GPU is read every second; saved as `save` says. Gives the last snapshot. */
function live(
  ledger: Ledger,
  account: GpuAccount,
  span: { fromMs: number; toMs: number; savedTo: number },
): Uint8Array | undefined {
  let saved: Uint8Array | undefined;
  for (let ms = span.fromMs; ms < span.toMs; ms += 1000) {
    account.observe(ms, { kind: 'usage', busy: 0.5, processes: 1, memoryUsedBytes: 1e9 });
    account.advance(ms);
    const unsaved = ledger.unsaved();
    // The server ends while the snapshot is being written: nobody ever hears of it.
    if (!unsaved || ms > span.savedTo) continue;
    saved = unsaved.bytes;
    unsaved.publish();
  }
  return saved;
}

test('booked time is exactly the time since the GPU was first seen, and what is shown never falls', () => {
  const seconds = (max: number) => fc.integer({ min: 1, max });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(seconds(200), seconds(200), seconds(5000)), { minLength: 1, maxLength: 4 }),
      (lives) => {
        let saved: Uint8Array | undefined;
        let nowMs = T0;
        let shown = 0;
        let firstSeenMs: number | undefined;
        for (const [alive, savedFor, dead] of lives) {
          const ledger = new Ledger(saved);
          const account = ledger.open(NAME, nowMs);
          expect(sumOf(account.published)).toBeGreaterThanOrEqual(shown);
          const toMs = nowMs + alive * 1000;
          const before = saved;
          saved = live(ledger, account, { fromMs: nowMs, toMs, savedTo: nowMs + savedFor * 1000 }) ?? saved;
          expect(sumOf(account.booked)).toBe(account.bookedUntilMs - account.firstSeenMs);
          expect(sumOf(account.published)).toBeLessThanOrEqual(sumOf(account.booked));
          if (before === undefined && saved !== undefined) firstSeenMs = account.firstSeenMs;
          if (saved !== undefined) expect(account.firstSeenMs).toBe(firstSeenMs);
          shown = sumOf(account.published);
          nowMs = toMs + dead * 1000;
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('while the server is down nobody sees the GPU', () => {
  const first = new Ledger();
  const saved = live(first, first.open(NAME, T0), { fromMs: T0, toMs: T0 + 100_000, savedTo: Infinity });
  const second = new Ledger(saved);
  const account = second.open(NAME, T0 + 3_600_000);
  account.observe(T0 + 3_600_000, { kind: 'usage', busy: 0.5, processes: 1, memoryUsedBytes: 1e9 });
  account.advance(T0 + 3_640_000);
  expect(account.firstSeenMs).toBe(T0);
  expect(sumOf(account.booked)).toBe(account.bookedUntilMs - T0);
  expect(account.booked.get('unobserved')).toBeGreaterThan(3_400_000);
  expect(sumOf(account.booked) - (account.booked.get('unobserved') ?? 0)).toBeGreaterThanOrEqual(60_000);
  second.unsaved()?.publish();
  expect(sumOf(second.totals)).toBe(sumOf(account.booked));
});

test('GPUs that have not come back stay in the snapshot', () => {
  const first = new Ledger();
  const saved = live(first, first.open(NAME, T0), { fromMs: T0, toMs: T0 + 100_000, savedTo: Infinity });
  const second = new Ledger(saved);
  const other = second.open({ ...NAME, gpu: '1', uuid: 'GPU-1' }, T0 + 200_000);
  const again = live(second, other, { fromMs: T0 + 200_000, toMs: T0 + 300_000, savedTo: Infinity });
  expect(new Ledger(again).open(NAME, T0 + 300_000).firstSeenMs).toBe(T0);
});

test.each(['', '{', '[]', '{"version":2}', '{"version":1,"totals":[["no.such_class",1]],"accounts":[]}'])(
  'a snapshot that cannot be read begins anew: %j',
  (text) => {
    expect(new Ledger(Buffer.from(text)).totals.size).toBe(0);
  },
);

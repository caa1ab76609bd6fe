// The codec of samples: whatever a node's series do, the decoder holds what the encoder was given, and garbage changes nothing.
import { absenceReasons, FrameDecoder, FrameEncoder, FrameError, peekFrame, type FrameSeries } from '#agent/contract';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** Steps as collectors leave them: small gauges, 64-bit counts, and four times of such counts. */
const steps = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.maxSafeInteger(),
  fc.integer({ min: -3, max: 3 }).map((offset) => 2 ** 53 + offset * 2),
  fc.bigInt({ min: 0n, max: 2n ** 66n }),
  fc.bigInt({ min: -20n, max: 20n }).map((offset) => 2n ** 53n + offset),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
);
const absence = fc.integer({ min: 1, max: absenceReasons.length });
type Change = { readonly kind: 'set'; readonly to: number | bigint } | { readonly kind: 'add'; readonly by: number };
const change: fc.Arbitrary<Change | { readonly kind: 'lose'; readonly state: number } | { readonly kind: 'keep' }> =
  fc.oneof(
    fc.record({ kind: fc.constant('keep' as const) }),
    fc.record({ kind: fc.constant('add' as const), by: fc.oneof(fc.nat(5000), fc.nat(2 ** 31 - 1)) }),
    fc.record({ kind: fc.constant('set' as const), to: steps }),
    fc.record({ kind: fc.constant('lose' as const), state: absence }),
  );

const size = 11;
const history = fc.array(fc.tuple(fc.boolean(), fc.array(change, { minLength: size, maxLength: size })), {
  minLength: 1,
  maxLength: 12,
});

function step(before: FrameSeries, made: typeof change extends fc.Arbitrary<infer T> ? T : never): FrameSeries {
  switch (made.kind) {
    case 'keep':
      return before;
    case 'lose':
      return { ...before, state: made.state };
    case 'set':
      return { steps: made.to, state: 0 };
    case 'add':
      // As a reader of digits does it: a bigint as soon as a number would not be exact.
      return { steps: asRead(BigInt(before.steps) + BigInt(made.by)), state: 0 };
  }
}

function asRead(count: bigint): number | bigint {
  return Number.isSafeInteger(Number(count)) ? Number(count) : count;
}

const started: readonly FrameSeries[] = Array.from({ length: size }, () => ({ steps: 0, state: 1 }));
const head = (seq: number) => ({ seq, generation: 7, timeMs: 1_790_000_000_000 + seq });

function stateOf(decoder: FrameDecoder): unknown {
  return {
    steps: [...decoder.steps],
    states: [...decoder.states],
    gained: [...decoder.gained],
    exact: Array.from({ length: decoder.size }, (_, index) => decoder.exact(index)),
  };
}

describe('a history of samples', () => {
  test('arrives exactly, with what was gained', () => {
    fc.assert(
      fc.property(history, (frames) => {
        const encoder = new FrameEncoder();
        const decoder = new FrameDecoder(size);
        let series = started;
        for (const [seq, [key, changes]] of frames.entries()) {
          const before = series;
          series = series.map((one, index) => step(one, changes[index] ?? { kind: 'keep' }));
          const isFirst = seq === 0;
          const bytes = key || isFirst ? encoder.key(head(seq), series) : encoder.delta(head(seq), series);
          expect(peekFrame(bytes)).toEqual({ ...head(seq), key: key || isFirst });
          expect(decoder.apply(bytes)).toEqual(head(seq));
          for (const [index, { steps, state }] of series.entries()) {
            expect(decoder.states[index]).toBe(state);
            if (state !== 0) {
              expect(decoder.gained[index]).toBeNaN();
              continue;
            }
            expect(BigInt(decoder.exact(index))).toBe(BigInt(steps));
            expect(decoder.steps[index]).toBe(Number(steps) + 0);
            const last = before[index];
            if (isFirst || last?.state !== 0) expect(decoder.gained[index]).toBeNaN();
            else expect(decoder.gained[index]).toBe(Number(BigInt(steps) - BigInt(last.steps)));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a new connection needs only a key frame', () => {
    const encoder = new FrameEncoder();
    const series = [
      { steps: 12, state: 0 },
      { steps: 2n ** 65n + 1n, state: 0 },
      { steps: 5, state: 4 },
    ];
    encoder.key(head(1), series);
    const decoder = new FrameDecoder(3);
    expect(() => decoder.apply(encoder.delta(head(2), series))).toThrow(FrameError);
    decoder.apply(encoder.key(head(3), series));
    expect([decoder.exact(0), decoder.exact(1), [...decoder.states]]).toEqual([12, 2n ** 65n + 1n, [0, 0, 4]]);
  });

  test('a changed number of series needs a key frame', () => {
    const encoder = new FrameEncoder();
    encoder.key(head(1), started);
    expect(() => encoder.delta(head(2), started.slice(1))).toThrow(FrameError);
  });

  test.each([0.5, NaN, Infinity, -Infinity, 1e300, 2n ** 127n])(
    '%s is no count of steps and arrives as malformed',
    (odd) => {
      const encoder = new FrameEncoder();
      const decoder = new FrameDecoder(2);
      decoder.apply(encoder.key(head(1), [{ steps: 5, state: 0 }, { steps: 6, state: 0 }])); // prettier-ignore
      decoder.apply(encoder.delta(head(2), [{ steps: odd, state: 0 }, { steps: 7, state: 0 }])); // prettier-ignore
      expect([...decoder.states]).toEqual([5, 0]);
      decoder.apply(encoder.delta(head(3), [{ steps: 9, state: 0 }, { steps: 7, state: 0 }])); // prettier-ignore
      expect([...decoder.steps]).toEqual([9, 7]);
    },
  );

  test('nothing changed: the bitmap alone', () => {
    const encoder = new FrameEncoder();
    const series = Array.from({ length: 720 }, (_, index) => ({ steps: index * 1000, state: 0 }));
    encoder.key(head(1), series);
    expect(encoder.delta(head(2), series)).toHaveLength(1 + 1 + 1 + 6 + 90);
  });
});

describe('garbage', () => {
  const frames = fc
    .array(fc.tuple(fc.boolean(), fc.array(change, { minLength: size, maxLength: size })), {
      minLength: 2,
      maxLength: 4,
    })
    .map((changes) => {
      const encoder = new FrameEncoder();
      let series = started;
      return changes.map(([key, made], seq) => {
        series = series.map((one, index) => step(one, made[index] ?? { kind: 'keep' }));
        return key || seq === 0 ? encoder.key(head(seq), series) : encoder.delta(head(seq), series);
      });
    });

  /** Decodes or throws FrameError, and then nothing is different. */
  function offer(decoder: FrameDecoder, bytes: Uint8Array): void {
    const before = stateOf(decoder);
    try {
      decoder.apply(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(FrameError);
      expect(stateOf(decoder)).toEqual(before);
    }
  }

  function prepared(all: readonly Uint8Array[]): { readonly decoder: FrameDecoder; readonly last: Uint8Array } {
    const decoder = new FrameDecoder(size);
    for (const bytes of all.slice(0, -1)) decoder.apply(bytes);
    return { decoder, last: all.at(-1) ?? new Uint8Array() };
  }

  test('a frame cut short anywhere is refused', () => {
    fc.assert(
      fc.property(frames, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (all, share) => {
        const { decoder, last } = prepared(all);
        const cut = last.subarray(0, Math.floor(last.length * share));
        const before = stateOf(decoder);
        expect(() => decoder.apply(cut)).toThrow(FrameError);
        expect(stateOf(decoder)).toEqual(before);
      }),
    );
  });

  test('changed bytes are refused or read, never half taken in', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(frames, damage, (all, places) => {
        const { decoder, last } = prepared(all);
        const changed = last.slice();
        for (const [at, byte] of places) changed[at % changed.length] = byte;
        offer(decoder, changed);
      }),
      { numRuns: 500 },
    );
  });

  test('any bytes at all', () => {
    fc.assert(
      fc.property(frames, fc.uint8Array({ maxLength: 80 }), (all, bytes) => {
        const { decoder } = prepared(all);
        offer(decoder, bytes);
        try {
          peekFrame(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });

  test('an increment for a series without a value is refused', () => {
    const decoder = new FrameDecoder(1);
    decoder.apply(new FrameEncoder().key(head(1), [{ steps: 0, state: 3 }]));
    const delta = Uint8Array.from([2, 2, 7, 1, 1, 4]);
    expect(() => decoder.apply(delta)).toThrow(/no value/);
  });
});

// Profiling counters that stand at 0: when they are suspected and when they are believed again.
import { describe, expect, it } from 'vitest';
import { absent } from '#agent/contract';
import { DcpCheck, type DcpEvidence } from '../../../../agent/collectors/gpu/dcp-check.ts';

const works: DcpEvidence = { utilization: 0.99, powerWatts: 300, limitWatts: 400, engineActive: 0 };

/** One look per second for so many seconds; what the last one said. */
function look(check: DcpCheck, fromS: number, toS: number, evidence: DcpEvidence) {
  let last: ReturnType<DcpCheck['judge']> = absent('not_present');
  for (let second = fromS; second <= toS; second++) last = check.judge(second * 1000, evidence);
  return last;
}

describe('suspected', () => {
  it.each<[string, Partial<DcpEvidence>]>([
    ['at 0', {}],
    ['absent', { engineActive: absent('not_present') }],
    ['not there at all', { engineActive: undefined }],
  ])('after 60 s of work with counters %s, no second earlier', (_, more) => {
    const check = new DcpCheck();
    expect(look(check, 0, 59, { ...works, ...more })).toBe(false);
    expect(look(check, 60, 60, { ...works, ...more })).toBe(true);
  });

  it.each<[string, Partial<DcpEvidence>]>([
    ['a counter moves', { engineActive: 0.01 }],
    ['busy is only 90 %', { utilization: 0.9 }],
    ['power is only half of the limit', { powerWatts: 200 }],
    ['the limit is 0', { limitWatts: 0 }],
  ])('never where %s', (_, more) => {
    expect(look(new DcpCheck(), 0, 300, { ...works, ...more })).toBe(false);
  });

  it('not for work in pieces, nor over a gap in what was looked at', () => {
    const check = new DcpCheck();
    look(check, 0, 50, works);
    look(check, 51, 51, { ...works, utilization: 0.2 });
    expect(look(check, 52, 111, works)).toBe(false);
    const other = new DcpCheck();
    look(other, 0, 50, works);
    expect(look(other, 90, 149, works)).toBe(false);
    expect(look(other, 150, 150, works)).toBe(true);
  });
});

it('stays suspect while idle and is believed after 10 s of movement', () => {
  const check = new DcpCheck();
  look(check, 0, 60, works);
  expect(look(check, 61, 200, { ...works, utilization: 0, powerWatts: 60 })).toBe(true);
  expect(look(check, 201, 205, { ...works, engineActive: 0.5 })).toBe(true);
  expect(look(check, 206, 206, works)).toBe(true);
  expect(look(check, 207, 216, { ...works, engineActive: 0.5 })).toBe(true);
  expect(look(check, 217, 217, { ...works, engineActive: 0.5 })).toBe(false);
});

it('says nothing where nothing but the counters speaks', () => {
  const check = new DcpCheck();
  expect(check.judge(0, { ...works, utilization: absent('unsupported') })).toEqual(absent('unsupported'));
  expect(check.judge(1000, { ...works, limitWatts: undefined })).toEqual(absent('unsupported'));
  expect(check.judge(2000, { ...works, limitWatts: undefined, engineActive: 0.5 })).toBe(false);
});

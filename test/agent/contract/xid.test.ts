// The meaning of Xids: the policy's own list, and codes that nobody knows.
import { describe, expect, it } from 'vitest';
import { knownXids, xidOf, type XidClass } from '#agent/contract';

const policy: readonly (readonly [XidClass, readonly number[]])[] = [
  ['hardware', [79, 95, 64, 46, 119, 48, 62, 74, 120, 140, 143, 144, 145, 146, 147, 148, 149, 150]],
  ['degraded', [63, 92, 94, 154, 93, 121, 122, 123]],
  ['application', [13, 31, 32, 43, 45, 68, 69, 109]],
];

describe('Xids', () => {
  it.each(policy)('%s', (wanted, xids) => {
    expect(xids.map((xid) => xidOf(xid).class)).toEqual(xids.map(() => wanted));
  });

  it('have one owner each, by their class', () => {
    expect([79, 63, 31, 78, 106].map((xid) => xidOf(xid).owner)).toEqual([
      'hardware',
      'hardware',
      'user',
      'platform',
      'unknown',
    ]);
  });

  it('are told in one line of title and one sentence of advice', () => {
    for (const { title, advice } of knownXids.map(xidOf)) {
      expect(title).toMatch(/^[A-Za-z][^.\n]{3,59}$/);
      expect(advice).toMatch(/^[A-Z][^.\n]{15,130}\.$/);
    }
  });

  it('of one kind of engine have different titles', () => {
    const titles = knownXids.map((xid) => xidOf(xid).title);
    expect(new Set(titles).size).toBe(titles.length);
    expect(xidOf(70).title).toBe('Copy engine 3 stopped on an error');
    expect(xidOf(98).title).toBe('Video decoder 7 stopped on an error');
  });

  it.each([0, 173, 9999, -1, 1.5, Number.NaN])('%s is not in the catalogue and yet has an answer', (xid) => {
    expect(xidOf(xid)).toMatchObject({ class: 'driver', owner: 'unknown' });
    expect(xidOf(xid).title).toContain(String(xid));
  });
});

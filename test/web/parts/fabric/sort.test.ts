// The order of the table of links.
import { expect, test } from 'vitest';
import { linkRows, type LinkRow } from '../../../../web/parts/fabric/links.ts';
import { keepLinks, sortLinks } from '../../../../web/parts/fabric/sort.ts';
import { changed, devices, links } from './small-fabric.ts';

const keys = (rows: readonly LinkRow[]): readonly string[] => rows.map(({ key }) => key);
const byName = ['leaf1/33', 'leaf1/34', 'leaf2/33', 'leaf2/34', 'n1-hca/1', 'n2-hca/1', 'n3-hca/1', 'n4-hca/1'];

test('what is wrong comes first, then what waits, then by name', () => {
  const some = changed(5, 1, { congestion_ratio: 0.3 }).map((one, at) =>
    at === 2 ? { ...one, severity: 'warning' as const } : at === 1 ? { ...one, severity: 'critical' as const } : one,
  );
  expect(keys(sortLinks(linkRows({ devices, links: some }), { column: undefined, down: true }))).toEqual([
    'n2-hca/1',
    'n3-hca/1',
    'leaf1/34',
    'leaf1/33',
    'leaf2/33',
    'leaf2/34',
    'n1-hca/1',
    'n4-hca/1',
  ]);
});

test('a link that is down stands before one that waits', () => {
  const some = changed(5, 1, { congestion_ratio: 0.9 }).map((one, at) =>
    at === 6 ? (changed(6, 1, { state_id: 2 })[6] ?? one) : one,
  );
  const sorted = sortLinks(linkRows({ devices, links: some }), { column: undefined, down: true });
  expect(keys(sorted).slice(0, 2)).toEqual(['leaf2/33', 'leaf1/34']);
});

test('by name, both ways', () => {
  const rows = linkRows({ devices, links });
  expect(keys(sortLinks(rows, { column: 'port', down: false }))).toEqual(byName);
  expect(keys(sortLinks(rows, { column: 'port', down: true }))).toEqual(byName.toReversed());
});

test('a value that is not read comes last, whichever way it goes', () => {
  const rows = linkRows({ devices, links: changed(4, 0, { utilization_ratio: null }) });
  for (const down of [true, false]) expect(keys(sortLinks(rows, { column: 'sent', down })).at(-1)).toBe('leaf1/33');
});

test('each direction has its own column', () => {
  const rows = linkRows({ devices, links: changed(7, 1, { utilization_ratio: 0.5, congestion_ratio: 0.4 }) });
  for (const column of ['received', 'peerWait'] as const)
    expect(keys(sortLinks(rows, { column, down: true }))[0]).toBe('leaf2/34');
  for (const column of ['sent', 'wait'] as const)
    expect(keys(sortLinks(rows, { column, down: true }))[0]).toBe('leaf1/33');
});

test('an order fixed before is kept, new links come at the end', () => {
  const rows = linkRows({ devices, links });
  expect(keys(keepLinks(rows, ['n4-hca/1', 'leaf2/33'])).slice(0, 2)).toEqual(['n4-hca/1', 'leaf2/33']);
});

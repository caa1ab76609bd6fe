// The filter of links.
import { describe, expect, test } from 'vitest';
import { findingsByPort, matchesLink, parseLinkFilter } from '../../../../web/parts/fabric/filter.ts';
import { linkRows } from '../../../../web/parts/fabric/links.ts';
import { changed, devices, finding } from './small-fabric.ts';

const rows = linkRows({ devices, links: changed(3, 0, { state_id: 1 }) });
const findings = findingsByPort([
  finding({ kind: 'congestion', ports: [{ guid: 'spine1', port: 2, node: null, name: 'spine1' }] }),
]);
const kept = (text: string): readonly number[] => {
  const tokens = parseLinkFilter(text);
  return rows.flatMap((row, at) => (matchesLink(tokens, row, findings) ? [at] : []));
};

describe('a link is kept', () => {
  test.each<readonly [string, readonly number[]]>([
    ['', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['node:n1', [0]],
    ['switch:leaf1', [0, 1, 4, 5]],
    ['switch:LEAF1 tier:uplink', [4, 5]],
    ['tier:host', [0, 1, 2, 3]],
    ['state:down', [3]],
    ['speed:edr', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['finding:congestion', [6]],
    ['finding:any', [6]],
    ['finding:flap', []],
    ['spine2/2', [7]],
    ['n4', [3]],
    ['cause:storage model:V100 node:n2', [1]],
  ])('by %j: %j', (text, at) => {
    expect(kept(text)).toEqual(at);
  });
});

test('what is not understood is told and keeps everything', () => {
  const tokens = parseLinkFilter('tier:middle finding:nothing node: colour:red cause:storage leaf1');
  expect(tokens.map(({ kind }) => kind)).toEqual(['unknown', 'unknown', 'unknown', 'unknown', 'elsewhere', 'name']);
  expect(kept('tier:middle')).toHaveLength(8);
});

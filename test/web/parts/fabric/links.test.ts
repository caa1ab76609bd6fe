// Links as rows: names of both ends, the state of a link, what grew.
import { describe, expect, test } from 'vitest';
import { findRow, isDown, linkRows } from '../../../../web/parts/fabric/links.ts';
import { adapter, changed, devices, end, link, links } from './small-fabric.ts';

const rows = linkRows({ devices, links });

test('an adapter of one port is called by its name, a switch by name and port', () => {
  expect(rows[0]).toMatchObject({ key: 'n1-hca/1', near: { name: 'n1 mlx5_0', node: 'n1' }, far: { name: 'leaf1/1' } });
});

test('an adapter of two ports is told apart by its port, a device without a name by its GUID', () => {
  const two = adapter('n9', { ports: 2 });
  const nameless = adapter('n8', { name: '' });
  const [row] = linkRows({
    devices: [two, nameless],
    links: [link('host', [end(two.guid, 2), end(nameless.guid, 1)])],
  });
  expect([row?.near.name, row?.far.name]).toEqual(['n9 mlx5_0/2', 'n8-hca']);
});

describe('the state of a link', () => {
  const stateOf = (near: number | null, far: number | null): string | undefined => {
    const ends = [end('n1-hca', 1, { state_id: near }), end('leaf1', 1, { state_id: far })] as const;
    return linkRows({ devices, links: [link('host', ends)] })[0]?.state;
  };
  test.each<readonly [number | null, number | null, string]>([
    [4, 4, 'active'],
    [4, null, 'active'],
    [4, 2, 'init'],
    [1, 4, 'down'],
    [null, null, ''],
    [9, 4, 'state 9'],
  ])('%s and %s is "%s"', (near, far, state) => {
    expect(stateOf(near, far)).toBe(state);
  });

  test('a link that nobody read is not called down', () => {
    const [row] = linkRows({ devices, links: changed(0, 0, { state_id: null }).slice(0, 1) });
    expect(row && isDown(row)).toBe(false);
    const [unread] = linkRows({
      devices,
      links: [link('host', [end('n1-hca', 1, { state_id: null }), end('leaf1', 1, { state_id: null })])],
    });
    expect(unread && isDown(unread)).toBe(false);
  });
});

test('errors of both ends add up', () => {
  const ends = [
    end('n1-hca', 1, { errors_grown: { SymbolErrorCounter: 5 } }),
    end('leaf1', 1, { errors_grown: { LinkDownedCounter: 1, PortRcvErrors: 2 } }),
  ] as const;
  expect(linkRows({ devices, links: [link('host', ends)] })[0]?.errors).toBe(8);
});

test('a row is found by either end', () => {
  expect(findRow(rows, 'leaf2/34')).toBe(rows[7]);
  expect(findRow(rows, 'spine2/2')).toBe(rows[7]);
  expect(findRow(rows, 'leaf2/99')).toBeUndefined();
  expect(findRow(rows, '')).toBeUndefined();
});

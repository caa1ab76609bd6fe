// Addresses: the page of a path, and parameters that travel.
import { describe, expect, it, test } from 'vitest';
import { addressOf, pageOf, parameterOf } from '../../web/address.ts';

describe('the page of a path', () => {
  const cases = [
    ['/', { kind: 'fleet' }],
    ['/nodes', { kind: 'nodes' }],
    ['/fabric', { kind: 'fabric' }],
    ['/alerts', { kind: 'alerts' }],
    ['/incidents', { kind: 'incidents' }],
    ['/incident/tp4-x1', { kind: 'incident', incident: 'tp4-x1' }],
    ['/incident/a%20b', { kind: 'unknown', path: '/incident/a%20b' }],
    ['/jobs', { kind: 'jobs' }],
    ['/node/node07', { kind: 'node', node: 'node07' }],
    ['/node/a%20b', { kind: 'node', node: 'a b' }],
    ['/node/', { kind: 'unknown', path: '/node/' }],
    ['/node/%', { kind: 'unknown', path: '/node/%' }],
    ['/node/a/b', { kind: 'unknown', path: '/node/a/b' }],
    ['/elsewhere', { kind: 'unknown', path: '/elsewhere' }],
  ] as const;
  it.each(cases)('%s', (path, page) => {
    expect(pageOf(path)).toEqual(page);
  });
});

test('a change keeps what it does not know and drops what became empty', () => {
  expect(addressOf('/nodes', '?x=1&f=a', { f: undefined, r: '5' })).toBe('/nodes?x=1&r=5');
  expect(addressOf('/', '?f=a', { f: '' })).toBe('/');
  expect(addressOf('/', '', { f: 'node:a b' })).toBe('/?f=node%3Aa+b');
});

test('a parameter that is not there is empty', () => {
  expect(parameterOf('?r=5', 'r')).toBe('5');
  expect(parameterOf('?r=5', 'f')).toBe('');
});

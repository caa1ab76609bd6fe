// The filter's grammar and what it lets through.
import { describe, expect, it, test } from 'vitest';
import { leafClasses, type LeafClass } from '#server/contract';
import { causeOf, matchesFilter, parseFilter, toggleToken } from '../../web/filter.ts';

const gpu = (name: string, leaf: LeafClass, model = 'Tesla V100-SXM2-32GB') => ({
  node: { name, product: '', gpus: [] },
  model,
  class: leafClasses.indexOf(leaf),
});

describe('tokens', () => {
  it.each([
    ['node07', 'name', 'node07'],
    ['node:node07', 'node', 'node07'],
    ['cause:storage', 'cause', 'storage'],
    ['cause:productive', 'cause', 'productive'],
    ['cause:wether', 'unknown', 'wether'],
    ['model:V100', 'model', 'V100'],
    ['model:', 'unknown', ''],
    ['colour:blue', 'unknown', 'blue'],
    ['tier:uplink', 'elsewhere', 'uplink'],
  ])('%s', (text, kind, value) => {
    expect(parseFilter(text)).toEqual([{ text, kind, value }]);
  });
});

describe('matching', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['', true],
    ['tier:uplink', true],
    ['node07', true],
    ['NODE0', true],
    ['node08', false],
    ['cause:held', true],
    ['cause:free', false],
    ['model:v100', true],
    ['node07 cause:held model:V100', true],
    ['node07 cause:free', false],
  ];
  it.each(cases)('"%s" → %s', (text, expected) => {
    expect(matchesFilter(parseFilter(text), gpu('node07', 'held.idle'))).toBe(expected);
  });
});

test('every class has one cause', () => {
  expect(causeOf(leafClasses.indexOf('starved.storage_local'))).toBe('storage');
  expect(causeOf(leafClasses.indexOf('slowed.link'))).toBe('pcie');
  expect(causeOf(leafClasses.indexOf('productive.memory'))).toBe('productive');
  expect(causeOf(leafClasses.indexOf('unobserved'))).toBe('unobserved');
});

test('a token is added once and taken out again', () => {
  expect(toggleToken('node07', 'cause:held')).toBe('node07 cause:held');
  expect(toggleToken('node07  cause:held', 'cause:held')).toBe('node07');
});

test('a GPU has one cause: a new one replaces the old', () => {
  expect(toggleToken('cause:held node07', 'cause:free')).toBe('node07 cause:free');
});

// Patterns, assignments and the section `infiniband` of the configuration.
import { describe, expect, it } from 'vitest';
import { UsageError } from '#agent/contract';
import { fits, isWanted } from '../../../agent/collectors/infiniband/settings.ts';
import { turnsBetween } from '../../../agent/collectors/infiniband/pace.ts';
import { resolveAgentConfig, resolveSampleConfig } from '../../../agent/config.ts';

const agent = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
  resolveAgentConfig(['--listen', '9100', ...args], env).infiniband;

describe('patterns', () => {
  it.each([
    ['mlx5_*', 'mlx5_10', true],
    ['mlx5_?', 'mlx5_10', false],
    ['mlx5_?', 'mlx5_1', true],
    ['mlx5_1', 'mlx5_10', false],
    ['*', 'anything', true],
    ['a.c', 'abc', false],
    ['[a]*', '[a]b', true],
    ['0000:1A:00.0', '00000000:1a:00.0', true],
    ['1a:00.0', '00000000:1a:00.0', true],
    ['0000:1b:00.0', '00000000:1a:00.0', false],
  ])('%s on %s: %s', (pattern, name, expected) => {
    expect(fits(pattern, [name])).toBe(expected);
  });

  it('excludes what is included too, and includes all where nothing is named', () => {
    expect(isWanted({ include: [], exclude: [] }, ['mlx5_0'])).toBe(true);
    expect(isWanted({ include: ['mlx5_*'], exclude: ['mlx5_3'] }, ['mlx5_3'])).toBe(false);
    expect(isWanted({ include: ['mlx5_0'], exclude: [] }, ['mlx5_1'])).toBe(false);
  });
});

describe('configuration', () => {
  it('is everything and unknown by default', () => {
    expect(agent({})).toEqual({ include: [], exclude: [], roles: [], tickBytes: [] });
  });

  it('comes from flags and from the environment', () => {
    expect(
      agent(
        {
          WHYIDLE_INFINIBAND_EXCLUDE: 'mlx5_bond_*',
          WHYIDLE_INFINIBAND_ROLES: 'mlx5_4=storage, mlx5_0/2=management',
          WHYIDLE_INFINIBAND_TICK_BYTES: 'MT4115=128,8',
        },
        '--infiniband-include',
        'mlx5_0,0000:1a:00.0',
      ),
    ).toEqual({
      include: ['mlx5_0', '0000:1a:00.0'],
      exclude: ['mlx5_bond_*'],
      roles: [
        { pattern: 'mlx5_4', value: 'storage' },
        { pattern: 'mlx5_0/2', value: 'management' },
      ],
      tickBytes: [
        { pattern: 'MT4115', value: 128 },
        { pattern: '*', value: 8 },
      ],
    });
    expect(resolveSampleConfig(['--infiniband-exclude', 'mlx5_1'], {}).infiniband.exclude).toEqual(['mlx5_1']);
  });

  it.each([
    ['WHYIDLE_INFINIBAND_ROLES', 'mlx5_4=disk'],
    ['WHYIDLE_INFINIBAND_ROLES', '=storage'],
    ['WHYIDLE_INFINIBAND_TICK_BYTES', 'mlx5_4='],
    ['WHYIDLE_INFINIBAND_TICK_BYTES', '0'],
    ['WHYIDLE_INFINIBAND_TICK_BYTES', 'MT4115=99999'],
  ])('refuses %s=%s', (variable, text) => {
    expect(() => agent({ [variable]: text })).toThrow(UsageError);
  });
});

it.each([
  [0.5, 1],
  [20, 1],
  [20.1, 2],
  [100, 5],
  [5000, 60],
])('a pass of %s ms is made every %s turns', (passMs, turns) => {
  expect(turnsBetween(passMs)).toBe(turns);
});

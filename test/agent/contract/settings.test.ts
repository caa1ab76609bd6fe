// The settings resolver: file < environment < flag, and every mistake a sentence that names where and what was meant.
import {
  durationMs,
  flagSwitch,
  listenAddress,
  positiveInteger,
  renderFlags,
  resolveSettings,
  UsageError,
  wordList,
  type Settings,
  type SettingSources,
} from '#agent/contract';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';

const settings = {
  'agent.server': { schema: v.string(), default: undefined, flag: 'server', argument: 'URL', help: 'the server' },
  'agent.interval': {
    schema: durationMs,
    default: 1000,
    defaultText: '1s',
    flag: 'interval',
    argument: 'TIME',
    help: 'how often',
  },
  'agent.nvidia_smi': {
    schema: v.string(),
    default: undefined,
    flag: 'nvidia-smi',
    argument: 'FILE',
    help: 'the tool',
  },
  'agent.quiet': { schema: flagSwitch, default: false, flag: 'quiet', help: 'say less' },
  'access.hosts': { schema: wordList, default: [], help: 'names' },
} as const satisfies Settings;

const resolve = (sources: Partial<SettingSources>) => resolveSettings(settings, { env: {}, args: [], ...sources });

describe('where a value comes from', () => {
  test('nowhere: the default', () => {
    expect(resolve({}).values).toEqual({
      'agent.server': undefined,
      'agent.interval': 1000,
      'agent.nvidia_smi': undefined,
      'agent.quiet': false,
      'access.hosts': [],
    });
  });

  test('a later source wins', () => {
    const file = { agent: { server: 'file', interval: '5s', quiet: true }, access: { hosts: ['a', 'b'] } };
    const env = {
      WHYIDLE_AGENT_INTERVAL: '2s',
      WHYIDLE_AGENT_SERVER: 'env',
      PATH: '/bin',
      WHYIDLE_ACCESS_HOSTS: 'c, d',
    };
    expect(resolve({ file }).values).toMatchObject({
      'agent.server': 'file',
      'agent.interval': 5000,
      'agent.quiet': true,
      'access.hosts': ['a', 'b'],
    });
    const all = resolve({ file, env, args: ['--server', 'flag'] }).values;
    expect(all).toMatchObject({ 'agent.server': 'flag', 'agent.interval': 2000, 'access.hosts': ['c', 'd'] });
  });

  test('an underscore in the key is one in the variable and a dash in the flag', () => {
    expect(resolve({ env: { WHYIDLE_AGENT_NVIDIA_SMI: '/env' } }).values['agent.nvidia_smi']).toBe('/env');
    expect(resolve({ args: ['--nvidia-smi=/a=b'] }).values['agent.nvidia_smi']).toBe('/a=b');
  });

  test('an empty file is no file', () => {
    expect(resolve({ file: null }).values['agent.interval']).toBe(1000);
  });

  test('what is no flag is left to the command', () => {
    const { positionals, values } = resolve({ args: ['one', '--quiet', 'two', '--', '--server'] });
    expect([positionals, values['agent.quiet']]).toEqual([['one', 'two', '--server'], true]);
    expect(resolve({ args: ['--quiet=false', '-'] }).values['agent.quiet']).toBe(false);
  });
});

describe('mistakes', () => {
  const cases: readonly (readonly [string, Partial<SettingSources>, string])[] = [
    ['a flag', { args: ['--intreval', '1s'] }, 'unknown flag --intreval, did you mean --interval?'],
    ['a flag with a value', { args: ['--sever=x'] }, 'unknown flag --sever, did you mean --server?'],
    ['a flag like no other', { args: ['--zzzzzzzz'] }, 'unknown flag --zzzzzzzz'],
    ['a flag without its value', { args: ['--server'] }, '--server needs a value: --server URL'],
    [
      'a value of a flag',
      { args: ['--interval', 'soon'] },
      '--interval: "soon" is not a valid agent.interval: expected a duration such as 30s, 5m or 2h',
    ],
    [
      'a value of a variable',
      { env: { WHYIDLE_AGENT_INTERVAL: '-1s' } },
      'WHYIDLE_AGENT_INTERVAL: "-1s" is not a valid agent.interval: expected a duration such as 30s, 5m or 2h',
    ],
    [
      'a key of the file',
      { file: { agent: { serve: 'x' } }, fileName: 'a.yaml' },
      'a.yaml: unknown key agent.serve, did you mean agent.server?',
    ],
    ['a section', { file: { agnt: {} }, fileName: 'a.yaml' }, 'a.yaml: unknown section agnt, did you mean agent?'],
    ['a section without keys', { file: { agent: 'x' }, fileName: 'a.yaml' }, 'a.yaml: agent must hold keys'],
    ['a file of something else', { file: ['x'], fileName: 'a.yaml' }, 'a.yaml must hold sections'],
  ];
  test.each(cases)('%s', (_what, sources, message) => {
    expect(() => resolve(sources)).toThrow(UsageError);
    expect(() => resolve(sources)).toThrow(message);
  });

  test('names of what every object has are no keys', () => {
    expect(() => resolve({ file: { agent: { constructor: 'x' } } })).toThrow(/unknown key agent\.constructor/);
    expect(() => resolve({ args: ['--constructor', 'x'] })).toThrow(/unknown flag --constructor/);
  });
});

describe('schemas that settings share', () => {
  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['40', 40],
    [40, 40],
  ])('%s is %s ms', (text, ms) => {
    expect(v.parse(durationMs, text)).toBe(ms);
  });
  test.each(['', 's', '1 s', '1w', '-1', '1e3', 'NaN'])('%j is no duration', (text) => {
    expect(v.is(durationMs, text)).toBe(false);
  });

  test.each([
    ['9820', { host: '127.0.0.1', port: 9820 }],
    [9820, { host: '127.0.0.1', port: 9820 }],
    [':9820', { host: '127.0.0.1', port: 9820 }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['node07:80', { host: 'node07', port: 80 }],
  ])('%s is an address', (text, address) => {
    expect(v.parse(listenAddress, text)).toEqual(address);
  });
  test.each(['', 'node07', '127.0.0.1:', '1:65536', '1:123456', '127.0.0.1:x'])('%j is no address', (text) => {
    expect(v.is(listenAddress, text)).toBe(false);
  });

  test.each(['0', '-1', '1.5', 'x', ''])('%j is no count', (text) => {
    expect(v.is(positiveInteger, text)).toBe(false);
  });
  test.each(['yes', 'on', '2', ''])('%j is no switch', (text) => {
    expect(v.is(flagSwitch, text)).toBe(false);
  });
});

test('help has one line per flag, with its default', () => {
  expect(renderFlags(settings).split('\n')).toEqual([
    '  --server URL       the server',
    '  --interval TIME    how often (default 1s)',
    '  --nvidia-smi FILE  the tool',
    '  --quiet            say less',
  ]);
});

// Settings of agent and sample: which sources win, and that every mistake is a sentence with the right exit code.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeNameSchema, UsageError } from '#agent/contract';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CannotStart } from '../../agent/cannot-start.ts';
import { renderAgentHelp, renderSampleHelp, resolveAgentConfig, resolveSampleConfig } from '../../agent/config.ts';
import { createInstance, readNodeName } from '../../agent/identity.ts';
import { Tree } from '../../agent/sources/tree.ts';
import { asNobody } from '../doubles/nobody.ts';

let scratch: string;
let smi: string;
const file = (name: string, text: string): string => {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
};

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'whyidle-config-'));
  smi = file('nvidia-smi', '#!/bin/sh\n');
  chmodSync(smi, 0o755);
});
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

/** No configuration of the machine that tests run on. */
const nothing = ['--config', '/dev/null'];
const agent = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  resolveAgentConfig([...nothing, ...args], env);

describe('agent', () => {
  test('defaults', () => {
    expect(agent(['--listen', '9820'])).toMatchObject({
      'agent.server': undefined,
      'agent.listen': { host: '127.0.0.1', port: 9820 },
      'agent.name': undefined,
      'agent.root': '/',
      'agent.interval': 1000,
      'agent.nvidia_smi': undefined,
      'agent.compat': [],
    });
  });

  test('file < environment < flag', () => {
    const config = file('agent.yaml', 'agent:\n  server: http://file:1\n  name: file\n  interval: 5s\n');
    const found = resolveAgentConfig([`--config=${config}`, '--name', 'flag'], {
      WHYIDLE_AGENT_NAME: 'env',
      WHYIDLE_AGENT_INTERVAL: '2s',
    });
    expect(found).toMatchObject({
      'agent.server': 'http://file:1',
      'agent.name': 'flag',
      'agent.interval': 2000,
    });
  });

  test.each([
    [[], /--server URL.*--listen/],
    [['--server', 'node07'], /expected the address of a server/],
    [['--server', 'ftp://x'], /expected the address of a server/],
    [['--sever', 'http://x'], /--sever, did you mean --server\?/],
    [['--server', 'http://x', '--name', 'a b'], /not a valid agent\.name/],
    [['--server', 'http://x', '--interval', '1ms'], /shortest interval/],
    [['--server', 'http://x', '--interval', '1h'], /longest interval/],
    [['--listen', 'here'], /HOST:PORT/],
    [['--listen', '99999'], /HOST:PORT/],
    [['--listen', '1', 'more'], /more is not understood/],
    [['--listen', '1', '--compat', 'telegraf'], /there is node_exporter/],
    [['--listen', '1', '--dcgm-exporter', 'ftp://x'], /expected the address of a page/],
    [['--listen'], /--listen needs a value/],
  ] as const)('%j is wrong usage', (args, said) => {
    expect(() => agent(args)).toThrow(UsageError);
    expect(() => agent(args)).toThrow(said);
  });

  test('a wrong variable is named', () => {
    expect(() => agent(['--listen', '1'], { WHYIDLE_AGENT_INTERVAL: 'soon' })).toThrow(
      /^WHYIDLE_AGENT_INTERVAL: "soon" is not a valid agent\.interval/,
    );
  });

  test.each([
    ['an unknown key', 'agent:\n  sever: x\n', /unknown key agent\.sever, did you mean agent\.server\?/],
    ['an unknown section', 'agnet:\n  server: x\n', /unknown section agnet, did you mean agent\?/],
    ['no YAML', 'agent: [\n', /broken\.yaml is not valid YAML/],
    ['a list', '- 1\n', /must hold sections/],
  ])('a file with %s', (_what, text, said) => {
    const config = file('broken.yaml', text);
    expect(() => resolveAgentConfig(['--config', config], {})).toThrow(UsageError);
    expect(() => resolveAgentConfig(['--config', config], {})).toThrow(said);
  });

  test('a file that is not there', () => {
    expect(() => resolveAgentConfig(['--config', join(scratch, 'none.yaml')], {})).toThrow(/none\.yaml cannot be read/);
    expect(() => resolveAgentConfig(['--config'], {})).toThrow(/--config needs a value/);
  });
});

describe('sample', () => {
  test('defaults', () => {
    expect(resolveSampleConfig([], {})).toMatchObject({
      'sample.format': 'json',
      'sample.count': 1,
      'agent.root': '/',
    });
  });
  test.each([
    [['--format', 'xml'], /expected json or prom/],
    [['--formt', 'json'], /--formt, did you mean --format\?/],
    [['--count', '0'], /at least 1/],
    [['--count', '1.5'], /whole number/],
    [['--server', 'http://x'], /unknown flag --server/],
  ] as const)('%j is wrong usage', (args, said) => {
    expect(() => resolveSampleConfig(args, {})).toThrow(said);
  });
});

describe('where is read', () => {
  const root = (path: string) => () => resolveSampleConfig(['--root', path], {});

  test('a root that is not there, a file, below a file', () => {
    for (const [path, said] of [
      [join(scratch, 'none'), /none does not exist/],
      [smi, /nvidia-smi is not a directory/],
      [join(smi, 'below'), /is below a file/],
    ] as const) {
      expect(root(path)).toThrow(CannotStart);
      expect(root(path)).toThrow(said);
    }
  });

  test('a root that this user may not read', () => {
    const path = join(scratch, 'closed');
    chmodSync(scratch, 0o755);
    mkdirSync(path, { mode: 0 });
    asNobody(() => {
      expect(root(path)).toThrow(/may not be used by this user/);
    });
  });

  test('below a root no nvidia-smi of this machine is used unless it is named', () => {
    const env = { PATH: `/nowhere:${scratch}` };
    expect(resolveSampleConfig([], env).gpuSources.nvidiaSmi).toBe(smi);
    expect(resolveSampleConfig(['--root', scratch], env).gpuSources.nvidiaSmi).toBeUndefined();
    expect(resolveSampleConfig(['--root', scratch, '--nvidia-smi', smi], env).gpuSources.nvidiaSmi).toBe(smi);
    expect(() => resolveSampleConfig(['--nvidia-smi', `${smi}-x`], env)).toThrow(/nvidia-smi-x does not exist/);
  });
});

describe('the name of the node', () => {
  const named = (path: string, text: string): Tree => {
    const base = mkdtempSync(join(scratch, 'root-'));
    mkdirSync(join(base, path, '..'), { recursive: true });
    writeFileSync(join(base, path), text);
    return new Tree(base);
  };

  test('is the host name up to its first dot', () => {
    const own = hostname().split('.')[0] ?? '';
    if (v.is(nodeNameSchema, own)) expect(readNodeName(new Tree())).toBe(own);
    else expect(() => readNodeName(new Tree())).toThrow(/--name/);
  });
  test('below a root is that of the root', () => {
    expect(readNodeName(named('proc/sys/kernel/hostname', 'node07.cluster.example\n'))).toBe('node07');
    expect(readNodeName(named('etc/hostname', 'node08\n'))).toBe('node08');
    expect(readNodeName(named('etc/hostname', ' \n'))).toBe('unknown');
    expect(readNodeName(new Tree(scratch))).toBe('unknown');
  });
  test('instances differ', () => {
    expect(createInstance()).not.toBe(createInstance());
  });
});

test('help names every flag', () => {
  for (const flag of ['--server', '--listen', '--name', '--root', '--interval', '--nvidia-smi', '--state', '--config'])
    expect(renderAgentHelp()).toContain(flag);
  for (const flag of ['--root', '--nvidia-smi', '--interval', '--count', '--format', '--compat'])
    expect(renderSampleHelp()).toContain(flag);
});

// The server's settings: file < environment < flag, unknown keys with a suggestion, the bind rule.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveConfig, stateFolder } from '../../server/config.ts';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'whyidle-config-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function withFile(yaml: string, env: Record<string, string> = {}, args: readonly string[] = []) {
  const file = join(scratch, 'server.yaml');
  writeFileSync(file, yaml);
  return resolveConfig({ file, env, args }).config;
}

test('a flag is over the environment, the environment over the file, the file over the default', () => {
  const yaml = 'server: {listen: 127.0.0.1:1, cluster: file}\nalerts: {held_idle_after: 5m}\n';
  const env = { WHYIDLE_SERVER_LISTEN: '127.0.0.1:2', WHYIDLE_ALERTS_UNDERUSED_BELOW: '0.5' };
  expect(withFile(yaml, env, ['--listen', ':3'])).toMatchObject({
    'server.listen': { host: '127.0.0.1', port: 3 },
    'server.cluster': 'file',
    'alerts.held_idle_after': 300_000,
    'alerts.underused_below': 0.5,
    'alerts.node_down_after': 30_000,
  });
});

describe('is refused', () => {
  test.each([
    ['an unknown key', 'server: {lisen: 1}', /server\.lisen.*server\.listen/],
    ['an unknown section', 'sever: {listen: 1}', /sever.*server/],
    ['YAML that is none', 'server: [', /not valid YAML/],
    ['a share above one', 'alerts: {underused_below: 20}', /underused_below/],
    ['a public address without a word on access', 'server: {listen: "0.0.0.0:1"}', /access\.mode/],
    ['an access mode that is not there yet', 'access: {mode: oidc}', /only none/],
  ])('%s', (_name, yaml, said) => {
    expect(() => withFile(yaml)).toThrow(said);
  });
  test('a file that is not there', () => {
    expect(() => resolveConfig({ file: join(scratch, 'nowhere'), env: {}, args: [] })).toThrow(/cannot be read/);
  });
});

test('a public address with access.mode none is fine', () => {
  expect(withFile('server: {listen: "0.0.0.0:1"}\naccess: {mode: none}')['access.mode']).toBe('none');
});

test.each([
  [{ STATE_DIRECTORY: '/s', XDG_STATE_HOME: '/x' }, '/s'],
  [{ XDG_STATE_HOME: '/x' }, '/x/whyidle'],
])('state with %o is in %s', (env, folder) => {
  expect(stateFolder(resolveConfig({ file: undefined, env: {}, args: [] }).config, env)).toBe(folder);
});

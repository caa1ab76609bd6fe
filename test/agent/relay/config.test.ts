// The file of `--relay`: what it needs, what it defaults to, and how a mistake is told.
import { describe, expect, it } from 'vitest';
import { resolveAgentConfig } from '../../../agent/config.ts';
import { resolveRelayConfig } from '../../../agent/relay/config.ts';

const hostKey = `SHA256:${'A'.repeat(43)}`;
const pin = { fingerprint: hostKey, algorithm: undefined };
const defaults = { user: 'whyidle', key_file: '/etc/whyidle/relay' };
const node = { name: 'node01', host: '10.0.0.1', host_key: hostKey };

const resolve = (content: unknown) => resolveRelayConfig(content, 'relay.yaml');

describe('the nodes of a relay', () => {
  it('take from the defaults what they do not say', () => {
    expect(resolve({ defaults, nodes: [node, { ...node, name: 'node02', port: 2222, user: 'other' }] })).toEqual({
      intervalMs: 5000,
      nodes: [
        {
          name: 'node01',
          root: undefined,
          nvidiaSmi: 'nvidia-smi',
          target: {
            ...{ host: '10.0.0.1', port: 22, user: 'whyidle', keyFile: '/etc/whyidle/relay', hostKey: pin },
            jump: undefined,
          },
        },
        {
          name: 'node02',
          root: undefined,
          nvidiaSmi: 'nvidia-smi',
          target: {
            ...{ host: '10.0.0.1', port: 2222, user: 'other', keyFile: '/etc/whyidle/relay', hostKey: pin },
            jump: undefined,
          },
        },
      ],
    });
  });

  it('go through a jump host, with the same key unless it says another', () => {
    const [first] = resolve({
      interval: '10s',
      defaults: { ...defaults, jump: { host: 'login', host_key: hostKey, user: 'hop' } },
      nodes: [node],
    }).nodes;
    expect(first?.target.jump).toEqual({
      ...{ host: 'login', port: 22, user: 'hop', keyFile: '/etc/whyidle/relay', hostKey: pin },
    });
  });

  it('below a directory ask no nvidia-smi that was not named', () => {
    const [first] = resolve({ defaults, nodes: [{ ...node, root: '/srv/tree' }] }).nodes;
    expect(first).toMatchObject({ root: '/srv/tree', nvidiaSmi: undefined });
  });

  it.each([
    [{ defaults, nodes: [{ name: 'node01', host: 'a' }] }, /nodes\.0\.host_key/],
    [{ defaults, nodes: [{ ...node, host_key: 'any' }] }, /nodes\.0\.host_key: expected SHA256/],
    [{ defaults, nodes: [{ ...node, hostkey: hostKey }] }, /unknown key hostkey, did you mean host_key\?/],
    [{ defaults: { usr: 'x' }, nodes: [node] }, /defaults: unknown key usr, did you mean user\?/],
    [{ defaults: { ...defaults, jump: { hst: 'x' } }, nodes: [node] }, /jump: unknown key hst, did you mean host\?/],
    [{ defaults, node: [node] }, /unknown key node, did you mean nodes\?/],
    [{ defaults, nodes: [node, node] }, /node node01 is there twice/],
    [{ nodes: [{ ...node, key_file: '/k' }] }, /node node01: user is missing/],
    [{ nodes: [{ ...node, user: 'u' }] }, /node node01: key_file is missing/],
    [{ defaults: { ...defaults, key_file: 'relative' }, nodes: [node] }, /expected an absolute path/],
    [{ defaults, nodes: [{ ...node, host: '-oProxyCommand=x' }] }, /expected a host name/],
    [{ defaults, nodes: [] }, /there is no node/],
    [{ interval: '10ms', defaults, nodes: [node] }, /the shortest interval is 1s/],
    ['nodes', /relay\.yaml/],
    [null, /relay\.yaml/],
  ])('%j is refused', (content, message) => {
    expect(() => resolve(content)).toThrow(message);
  });
});

describe('the flag', () => {
  const flags = (...args: readonly string[]) => resolveAgentConfig(['--relay', 'nodes.yaml', ...args], {});

  it('goes with a server', () => {
    expect(flags('--server', 'http://127.0.0.1:8420')).toMatchObject({ 'agent.relay': 'nodes.yaml' });
  });

  it('does not go without one, nor with a page', () => {
    expect(() => flags('--listen', '9820')).toThrow(/--relay FILE needs --server URL/);
    expect(() => flags('--listen', '9820', '--server', 'http://127.0.0.1:8420')).toThrow(/takes no --listen/);
  });
});

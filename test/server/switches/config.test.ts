// The section `switches` of the server's file.
import { describe, expect, it } from 'vitest';
import { takeSwitches } from '../../../server/switches/config.ts';

const host_key = `SHA256:${'A'.repeat(43)}`;
const leaf = { name: 'leaf1', host: '10.0.1.1', user: 'monitor', key_file: '/etc/whyidle/switch', host_key };

describe('switches', () => {
  it('are taken out of the file', () => {
    const { switches, rest } = takeSwitches(
      { server: { cluster: 'x' }, switches: [{ ...leaf, guid: '248A0703009C0196' }] },
      'server.yaml',
    );
    expect(rest).toEqual({ server: { cluster: 'x' } });
    expect(switches).toEqual([
      {
        name: 'leaf1',
        guid: '0x248a0703009c0196',
        target: {
          ...{ host: '10.0.1.1', port: 22, user: 'monitor', keyFile: '/etc/whyidle/switch', passwordFile: undefined },
          hostKey: { fingerprint: host_key, algorithm: undefined },
        },
      },
    ]);
  });

  it.each([{}, null, undefined, 'text', { server: {} }])('are none in %j', (content) => {
    expect(takeSwitches(content, 'server.yaml')).toEqual({ switches: [], rest: content });
  });

  it.each([
    [{}, /switches: the list/],
    [[{ ...leaf, hst: 'x' }], /unknown key hst, did you mean host\?/],
    [[{ ...leaf, password: 'secret' }], /switches\[0\]: unknown key password$/],
    [[{ ...leaf, host_key: 'any' }], /0\.host_key: expected SHA256/],
    [[{ ...leaf, host_key: undefined }], /0\.host_key/],
    [[{ ...leaf, password_file: '/p' }], /leaf1 needs key_file or password_file, one of the two/],
    [[{ ...leaf, key_file: undefined }], /leaf1 needs key_file or password_file, one of the two/],
    [[{ ...leaf, guid: 'mf0' }], /0\.guid: expected a GUID/],
    [[leaf, leaf], /leaf1 is there twice/],
  ])('%j is refused', (switches, message) => {
    expect(() => takeSwitches({ switches }, 'server.yaml')).toThrow(message);
  });
});

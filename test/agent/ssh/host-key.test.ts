// Pinned host keys: as ssh-keygen -l prints them and as they stand in known_hosts.
import { describe, expect, it } from 'vitest';
import { fingerprintOf, parseHostKey } from '../../../agent/ssh/host-key.ts';

// The key and its fingerprint as `ssh-keygen -lf` prints it.
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGXbcpx0RPcBYjqWaHgfW5Pc1f0hgS7a1sr8Lp0f0zWj';
const blob = Buffer.from(key.split(' ')[1] ?? '', 'base64');

describe('a host key', () => {
  it('is a public key with or without a comment', () => {
    const pin = { fingerprint: fingerprintOf(blob), algorithm: 'ssh-ed25519' };
    expect(parseHostKey(key)).toEqual(pin);
    expect(parseHostKey(`${key} root@node01\n`)).toEqual(pin);
  });

  it('is a fingerprint with or without padding', () => {
    const fingerprint = fingerprintOf(blob);
    expect(fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(parseHostKey(fingerprint)).toEqual({ fingerprint, algorithm: undefined });
    expect(parseHostKey(`${fingerprint}=`)).toEqual({ fingerprint, algorithm: undefined });
  });

  it.each([
    '',
    'any',
    'MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48',
    'SHA256:short',
    'ssh-rsa AAAA',
    key.replace('ssh-ed25519', 'ssh-rsa'),
  ])('is not %j', (text) => {
    expect(parseHostKey(text)).toBeUndefined();
  });
});

// The host key that was pinned in a configuration and the one that a host shows. RFC 4253 section 8, fingerprints as ssh-keygen(1) -l.
import { createHash } from 'node:crypto';

export interface HostKeyPin {
  /** `SHA256:` and base64 without padding. */
  readonly fingerprint: string;
  /** Kind of key, if the whole key was given: then only this one is asked for. */
  readonly algorithm: string | undefined;
}

/** A fingerprint `SHA256:…`, or a public key `ssh-ed25519 AAAA…`; undefined for anything else. */
export function parseHostKey(text: string): HostKeyPin | undefined {
  const [, digest] = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(text.trim()) ?? [];
  if (digest !== undefined) return { fingerprint: `SHA256:${digest}`, algorithm: undefined };
  const [, algorithm = '', encoded = ''] = /^((?:ssh|ecdsa)-\S+) ([A-Za-z0-9+/]+={0,2})(?: |$)/.exec(text.trim()) ?? [];
  const key = Buffer.from(encoded, 'base64');
  return algorithmIn(key) === algorithm && algorithm !== ''
    ? { fingerprint: fingerprintOf(key), algorithm }
    : undefined;
}

export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** What a server may sign with so that its key is of that kind: RSA keys sign with SHA-2 only. */
export function signaturesOf(algorithm: string): readonly string[] {
  return algorithm === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [algorithm];
}

/** A key begins with the length and name of its own kind. */
function algorithmIn(key: Buffer): string | undefined {
  if (key.length < 4) return undefined;
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
}

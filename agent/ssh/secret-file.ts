// A private key or a password in a file that nobody else may read, as ssh(1) demands of its keys.
import { readFileSync, statSync } from 'node:fs';
import { SshFailure } from './failure.ts';

const OTHERS = 0o077;

/** Throws SshFailure of the kind `auth`; the content stands in no message. */
export function readSecretFile(file: string): Buffer {
  try {
    const { mode } = statSync(file);
    if ((mode & OTHERS) !== 0)
      throw new SshFailure('auth', `${file} can be read by others than its owner: chmod 600 ${file}`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof SshFailure) throw error;
    throw new SshFailure('auth', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

// Certificates as a site's own authority signs them, made by openssl.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsFiles } from '../../server/tls.ts';

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class TestAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), 'whyidle-tls-'));
  readonly caFile: string;

  constructor() {
    this.caFile = this.#file('ca.pem');
    const out = ['-keyout', this.#file('ca.key'), '-out', this.caFile];
    openssl(['req', '-x509', ...EC_KEY, ...out, '-days', '30', '-subj', '/CN=authority of a test']);
  }

  get ca(): string {
    return readFileSync(this.caFile, 'utf8');
  }

  /** For the names, `DNS:localhost` or `IP:127.0.0.1`; files of the same stem are written anew. */
  sign(names: readonly string[], { stem = 'server', days = 20 } = {}): TlsFiles {
    const files = { certFile: this.#file(`${stem}.pem`), keyFile: this.#file(`${stem}.key`) };
    const out = ['-keyout', files.keyFile, '-out', files.certFile];
    const signer = ['-CA', this.caFile, '-CAkey', this.#file('ca.key')];
    const extensions = [
      '-addext',
      `subjectAltName=${names.join(',')}`,
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    ];
    openssl([
      'req',
      '-x509',
      ...EC_KEY,
      ...out,
      ...signer,
      '-days',
      String(days),
      '-subj',
      '/CN=server',
      ...extensions,
    ]);
    chmodSync(files.keyFile, 0o600);
    return files;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.folder, name);
  }
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

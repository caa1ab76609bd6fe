// The server's certificate: read, checked, and followed, so that a renewed one is used without a restart.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { createSecureContext } from 'node:tls';
import { UsageError } from '#agent/contract';
import { isLoopback } from './access/bind.ts';
import { StartError } from './listen.ts';
import type { Log } from './log.ts';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** PEM texts that belong together. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

interface TlsConfig {
  readonly 'server.tls_cert_file'?: string | undefined;
  readonly 'server.tls_key_file'?: string | undefined;
}

const CHECK_MS = 30_000;
const DAY_MS = 86_400_000;
const ENDS_SOON_MS = 7 * DAY_MS;
const READABLE_BY_OTHERS = 0o007;

/** Undefined where the server speaks plain HTTP. Throws UsageError where one file is named without the other. */
export function tlsFilesOf(config: TlsConfig): TlsFiles | undefined {
  const certFile = config['server.tls_cert_file'];
  const keyFile = config['server.tls_key_file'];
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  if (certFile === undefined && keyFile === undefined) return undefined;
  const [named, missing] = certFile === undefined ? ['key', 'cert'] : ['cert', 'key'];
  throw new UsageError(`server.tls_${named}_file is set without server.tls_${missing}_file: TLS needs both`);
}

/** Throws StartError with the reason why they cannot be used. */
export function readIdentity({ certFile, keyFile }: TlsFiles): Identity {
  const cert = readText(certFile);
  const key = readText(keyFile);
  const certificate = attempt(`${certFile} holds no certificate in PEM`, () => new X509Certificate(cert));
  const privateKey = attempt(`${keyFile} holds no private key in PEM without a passphrase`, () =>
    createPrivateKey(key),
  );
  if (!certificate.checkPrivateKey(privateKey))
    throw new StartError(`the key in ${keyFile} is not that of the certificate in ${certFile}`);
  attempt(`${certFile} and ${keyFile} cannot be used`, () => createSecureContext({ cert, key }));
  return { cert, key };
}

/** What somebody should know of files that can be used. */
export function doubtsOf({ certFile, keyFile }: TlsFiles, { cert }: Identity, wallMs: number): readonly string[] {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  const doubts: string[] = [];
  if ((statSync(keyFile).mode & READABLE_BY_OTHERS) !== 0)
    doubts.push(`every user of this machine can read or change the key ${keyFile}: chmod 600 it`);
  if (validToDate.getTime() < wallMs) doubts.push(`the certificate in ${certFile} ended at ${iso(validToDate)}`);
  else if (validToDate.getTime() < wallMs + ENDS_SOON_MS)
    doubts.push(`the certificate in ${certFile} ends at ${iso(validToDate)}`);
  if (validFromDate.getTime() > wallMs) doubts.push(`the certificate in ${certFile} begins at ${iso(validFromDate)}`);
  return doubts;
}

/** The name by which this machine reaches a server of the certificate: the first that it is valid for. */
export function nameIn({ cert }: Identity, listenHost: string): string {
  const certificate = new X509Certificate(cert);
  const isValid = (name: string): boolean =>
    (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
  const names = (certificate.subjectAltName ?? '').split(', ').flatMap((one) => /^DNS:([^*]+)$/.exec(one)?.[1] ?? []);
  if (isLoopback(listenHost)) return [listenHost, 'localhost'].find(isValid) ?? listenHost;
  if (listenHost !== '0.0.0.0' && listenHost !== '::') return [listenHost, ...names].find(isValid) ?? listenHost;
  return ['127.0.0.1', 'localhost', hostname(), ...names].find(isValid) ?? '127.0.0.1';
}

export interface CertificateParts {
  readonly files: TlsFiles;
  readonly first: Identity;
  readonly log: Log;
  /** A new one is there. */
  readonly onChange: (identity: Identity) => void;
}

/** Reads the files again when they have changed, looking every 30 s and at SIGHUP. Gives the way to end it. */
export function followCertificate(parts: CertificateParts): () => void {
  const follower = new CertificateFollower(parts);
  const look = (): void => {
    follower.look();
  };
  const timer = setInterval(look, CHECK_MS);
  process.on('SIGHUP', look);
  return () => {
    clearInterval(timer);
    process.off('SIGHUP', look);
  };
}

export class CertificateFollower {
  readonly #parts: CertificateParts;
  #current: Identity;
  #problem: string | undefined;

  constructor(parts: CertificateParts) {
    this.#parts = parts;
    this.#current = parts.first;
  }

  /** One after the other is replaced, so that for a moment they need not fit: the old ones stay until they do. */
  look(): void {
    const { files, log, onChange } = this.#parts;
    try {
      const identity = readIdentity(files);
      this.#problem = undefined;
      if (identity.cert === this.#current.cert && identity.key === this.#current.key) return;
      onChange(identity);
      this.#current = identity;
      log.info('the new certificate is in use', { file: files.certFile, until: endOf(identity) });
      for (const doubt of doubtsOf(files, identity, Date.now())) log.warn(doubt);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (this.#problem !== error.message)
        log.warn('the certificate cannot be read again; the old one stays in use', { reason: error.message });
      this.#problem = error.message;
    }
  }
}

function readText(file: string): string {
  return attempt(`${file} cannot be read`, () => readFileSync(file, 'utf8'));
}

function attempt<T>(problem: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new StartError(`${problem}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function endOf({ cert }: Identity): string {
  return iso(new X509Certificate(cert).validToDate);
}

function iso(date: Date): string {
  return date.toISOString();
}

// TLS on the server's port: which files are taken, who gets in, how a certificate is renewed.
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { UsageError } from '#agent/contract';
import { io } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOriginRule } from '../../server/access/origin.ts';
import { resolveConfig } from '../../server/config.ts';
import { StartError } from '../../server/listen.ts';
import type { Details, Log } from '../../server/log.ts';
import { createSockets } from '../../server/sockets.ts';
import { CertificateFollower, doubtsOf, nameIn, readIdentity, type Identity } from '../../server/tls.ts';
import { createWebServer, type WebServer } from '../../server/web-server.ts';
import { leftOut } from '../left-out.ts';
import { missingPrograms } from '../real/programs.ts';
import { next } from './running.ts';
import { TestAuthority } from './tls-certificates.ts';

const missing = missingPrograms('openssl');
if (missing !== undefined) leftOut('TLS', missing);

class HeardLog implements Log {
  readonly warnings: string[] = [];
  info(): void {
    // What went well is not asked for.
  }
  warn(message: string, details: Details = {}): void {
    this.warnings.push([message, ...Object.values(details)].join(' '));
  }
}

describe.skipIf(missing !== undefined)('TLS', () => {
  let authority: TestAuthority;
  let log: HeardLog;
  let web: WebServer | undefined;
  beforeAll(() => {
    authority = new TestAuthority();
  });
  afterAll(() => {
    authority.remove();
  });
  beforeEach(() => {
    log = new HeardLog();
  });
  afterEach(() => {
    web?.stop();
    web?.http.closeAllConnections();
    web?.http.close();
    web = undefined;
  });

  /** Gives the port. */
  async function serve(names = ['IP:127.0.0.1']): Promise<number> {
    web = createWebServer({
      fetch: () => new Response('served'),
      tls: authority.sign(names),
      handshakesPerSecond: 150,
      log,
    });
    web.http.listen(0, '127.0.0.1');
    await once(web.http, 'listening');
    return (web.http.address() as AddressInfo).port; // it listens on a port
  }

  describe('files', () => {
    test('one without the other is a mistake of whoever wrote it', () => {
      const asked = (args: readonly string[]) => () => resolveConfig({ file: undefined, env: {}, args });
      expect(asked(['--tls-cert-file', 'a.pem'])).toThrow(
        new UsageError('server.tls_cert_file is set without server.tls_key_file: TLS needs both'),
      );
      expect(asked(['--tls-key-file', 'a.key'])).toThrow(
        new UsageError('server.tls_key_file is set without server.tls_cert_file: TLS needs both'),
      );
    });

    test('what cannot be used is named with its reason', () => {
      const files = authority.sign(['DNS:localhost']);
      const other = authority.sign(['DNS:localhost'], { stem: 'other' });
      const garbage = join(authority.folder, 'garbage.pem');
      writeFileSync(garbage, 'no PEM');
      const reading = (certFile: string, keyFile: string) => () => readIdentity({ certFile, keyFile });
      expect(reading('/nonexistent/a.pem', files.keyFile)).toThrow(StartError);
      expect(reading('/nonexistent/a.pem', files.keyFile)).toThrow(/^\/nonexistent\/a\.pem cannot be read: ENOENT/);
      expect(reading(garbage, files.keyFile)).toThrow(`${garbage} holds no certificate in PEM`);
      expect(reading(files.certFile, garbage)).toThrow(`${garbage} holds no private key in PEM without a passphrase`);
      expect(reading(files.certFile, other.keyFile)).toThrow(
        `the key in ${other.keyFile} is not that of the certificate in ${files.certFile}`,
      );
      expect(reading(files.certFile, files.keyFile)()).toEqual({
        cert: readFileSync(files.certFile, 'utf8'),
        key: readFileSync(files.keyFile, 'utf8'),
      });
    });

    test('a key that everybody can read and a certificate that has ended or ends soon are told of', () => {
      const files = authority.sign(['DNS:localhost'], { days: 20 });
      const identity = readIdentity(files);
      const dayMs = 86_400_000;
      expect(doubtsOf(files, identity, Date.now())).toEqual([]);
      expect(doubtsOf(files, identity, Date.now() + 15 * dayMs)).toEqual([expect.stringMatching(/ ends at \d{4}-/)]);
      expect(doubtsOf(files, identity, Date.now() + 21 * dayMs)).toEqual([expect.stringMatching(/ ended at \d{4}-/)]);
      expect(doubtsOf(files, identity, Date.now() - dayMs)).toEqual([expect.stringMatching(/ begins at \d{4}-/)]);
      chmodSync(files.keyFile, 0o644);
      expect(doubtsOf(files, identity, Date.now())).toEqual([
        `every user of this machine can read or change the key ${files.keyFile}: chmod 600 it`,
      ]);
      chmodSync(files.keyFile, 0o640);
      expect(doubtsOf(files, identity, Date.now())).toEqual([]);
    });

    test.each([
      { names: ['IP:127.0.0.1', 'DNS:head'], listen: '127.0.0.1', name: '127.0.0.1' },
      { names: ['DNS:localhost', 'DNS:head'], listen: '127.0.0.1', name: 'localhost' },
      { names: ['DNS:head.example.org'], listen: '127.0.0.1', name: '127.0.0.1' },
      { names: ['DNS:localhost', 'DNS:head'], listen: '0.0.0.0', name: 'localhost' },
      { names: ['DNS:head.example.org', 'DNS:head'], listen: '0.0.0.0', name: 'head.example.org' },
      { names: ['DNS:head.example.org'], listen: '10.0.0.1', name: 'head.example.org' },
      { names: ['DNS:*.example.org'], listen: '0.0.0.0', name: '127.0.0.1' },
    ])('a server on $listen with $names is reached as $name', ({ names, listen, name }) => {
      expect(names).not.toContain(`DNS:${hostname()}`);
      expect(nameIn(readIdentity(authority.sign(names)), listen)).toBe(name);
    });
  });

  test('pages come over TLS to who trusts the authority, and to nobody else', async () => {
    const port = await serve();
    expect(web?.url('127.0.0.1', port)).toBe(`https://127.0.0.1:${port}`);
    expect(await page(port, { ca: authority.ca })).toBe('served');
    await expect(page(port, {})).rejects.toThrow(/certificate/);
    await expect(page(port, { ca: authority.ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
    expect(await page(port, { ca: authority.ca, maxVersion: 'TLSv1.2' })).toBe('served');
    expect(log.warnings).toEqual([]);
  });

  test('who speaks plain HTTP is told what to do', async () => {
    const port = await serve();
    const request = getPlain({ host: '127.0.0.1', port, path: '/healthz' });
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream & { readonly statusCode: number }];
    expect(response.statusCode).toBe(400);
    let text = '';
    for await (const chunk of response) text += String(chunk);
    expect(text).toBe('This port speaks HTTPS: use https:// in the address.\n');
  });

  test('agents and browsers connect by WSS', async () => {
    const port = await serve();
    const origins = createOriginRule({ isSecure: true, listenHost: '127.0.0.1', port: () => port, hosts: [] });
    const sockets = createSockets((web as WebServer).http, { origins, handshakesPerSecond: 150 });
    sockets.of('/agents').on('connection', (socket) => {
      socket.on('frame', (bytes: Uint8Array) => socket.emit('ack', bytes.length));
    });
    const agent = io(`https://127.0.0.1:${port}/agents`, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      ca: authority.ca,
    });
    await next(agent, 'connect');
    agent.emit('frame', new Uint8Array(1000));
    expect(await next(agent, 'ack')).toBe(1000);
    agent.disconnect();
    await sockets.close();
  });

  test('a new certificate is used without a restart; one that does not fit its key is not', async () => {
    const port = await serve();
    const files = authority.sign(['IP:127.0.0.1'], { stem: 'next' });
    const before = await fingerprint(port, authority.ca);
    const inUse = { certFile: join(authority.folder, 'server.pem'), keyFile: join(authority.folder, 'server.key') };
    copyFileSync(files.certFile, inUse.certFile);
    process.emit('SIGHUP');
    process.emit('SIGHUP');
    expect(await fingerprint(port, authority.ca)).toBe(before);
    expect(log.warnings).toEqual([expect.stringContaining('the old one stays in use')]);
    copyFileSync(files.keyFile, inUse.keyFile);
    process.emit('SIGHUP');
    expect(await fingerprint(port, authority.ca)).not.toBe(before);
    expect(await page(port, { ca: authority.ca })).toBe('served');
  });

  test('files that say the same change nothing', () => {
    const files = authority.sign(['IP:127.0.0.1']);
    const changes: Identity[] = [];
    const onChange = (identity: Identity): void => void changes.push(identity);
    const follower = new CertificateFollower({ files, first: readIdentity(files), log, onChange });
    follower.look();
    expect(changes).toEqual([]);
    authority.sign(['IP:127.0.0.1']);
    follower.look();
    follower.look();
    expect(changes).toEqual([readIdentity(files)]);
  });
});

interface Trust {
  readonly ca?: string;
  readonly minVersion?: 'TLSv1';
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2';
}

async function page(port: number, trust: Trust): Promise<string> {
  const request = getSecure({ host: '127.0.0.1', port, path: '/', agent: false, ...trust });
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

/** Of the certificate that a new connection meets. */
async function fingerprint(port: number, ca: string): Promise<string> {
  const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, ca });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

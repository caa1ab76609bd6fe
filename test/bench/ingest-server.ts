// The programs under load, each a process of its own: the built server, and servers that only answer.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestAuthority } from '../server/tls-certificates.ts';
import { freePort, until } from '../system/program.ts';

export const builtServer = fileURLToPath(new URL('../../dist/cli/whyidle.js', import.meta.url));
const echoProgram = fileURLToPath(new URL('ingest-echo.ts', import.meta.url));

export interface ServerUnderLoad {
  readonly pid: number;
  readonly port: number;
  /** Of the certificate's signer, with TLS. */
  readonly ca?: string;
  readonly journalFolder: string;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly tls?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** No limit of new connections where that is not what is measured. */
const unlimited = { WHYIDLE_SERVER_HANDSHAKES_PER_SECOND: '100000' };

/** The server with a data folder of its own. */
export async function startServer(
  program: string,
  { tls = false, env = unlimited }: ServerOptions = {},
): Promise<ServerUnderLoad> {
  const place = await prepareServer(tls);
  const child = await place.start(program, env);
  const stop = async (): Promise<void> => {
    await end(child);
    place.remove();
  };
  return { ...place, pid: pidOf(child), stop };
}

export interface ServerPlace {
  readonly port: number;
  readonly ca?: string;
  readonly journalFolder: string;
  start(program: string, env?: Readonly<Record<string, string>>): Promise<ChildProcess>;
  remove(): void;
}

/** Port, folder and certificate of a server that may be started several times. */
export async function prepareServer(tls: boolean): Promise<ServerPlace> {
  const scratch = mkdtempSync(join(tmpdir(), 'whyidle-ingest-'));
  const port = await freePort();
  const authority = tls ? new TestAuthority() : undefined;
  const files = authority?.sign(['IP:127.0.0.1', 'DNS:localhost']);
  const secure = files ? ['--tls-cert-file', files.certFile, '--tls-key-file', files.keyFile] : [];
  const data = join(scratch, 'data');
  return {
    port,
    ...(authority ? { ca: authority.ca } : {}),
    journalFolder: join(data, 'journal'),
    start: (program, env = {}) =>
      start([program, 'server', '--listen', `127.0.0.1:${port}`, '--data', data, ...secure], port, env),
    remove: () => {
      authority?.remove();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

export async function startEcho(kind: 'ws' | 'tcp' | 'sockets'): Promise<ServerUnderLoad> {
  const port = await freePort();
  const child = await start([echoProgram, kind, String(port)], port, {});
  return { pid: pidOf(child), port, journalFolder: '/nonexistent', stop: () => end(child) };
}

async function start(
  args: readonly string[],
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', process.env['BENCH_VERBOSE'] ? 'inherit' : 'ignore'],
    env: { ...process.env, ...env },
  });
  await until('a listening server', () => answers(port));
  return child;
}

async function answers(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

export async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(timer);
}

export function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('a program could not be started');
  return pid;
}

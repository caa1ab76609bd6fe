// The programs under load, each a process of its own: the built server, and servers that only answer.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

/** No limit of new connections where that is not what is measured. */
const unlimited = { WHYIDLE_SERVER_HANDSHAKES_PER_SECOND: '100000' };

export async function startServer(
  program: string,
  { tls = false, env = unlimited }: { readonly tls?: boolean; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ServerUnderLoad> {
  const scratch = mkdtempSync(join(tmpdir(), 'whyidle-ingest-'));
  const port = await freePort();
  const args = [program, 'server', '--listen', `127.0.0.1:${port}`, '--data', join(scratch, 'data')];
  const child = await start(args, port, env);
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(scratch, { recursive: true, force: true });
  };
  if (tls) throw new Error('no TLS yet');
  return { pid: pidOf(child), port, journalFolder: join(scratch, 'data', 'journal'), stop };
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

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(timer);
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('a program could not be started');
  return pid;
}

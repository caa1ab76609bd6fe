// A whole server on a free port, and socket.io clients that speak to it as agents and browsers do.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import type { ServerConfig } from '../../server/config.ts';
import { silentLog } from '../../server/log.ts';
import { startServer, type RunningServer } from '../../server/main.ts';
import { MemoryStore } from '../doubles/memory-store.ts';
import { defaultConfig } from './stand-in.ts';

/** On a store in memory unless one is given. */
export function runServer(config: Partial<ServerConfig> = {}, store = new MemoryStore()): Promise<RunningServer> {
  const webFolder = join(tmpdir(), 'whyidle-web-not-built');
  const folder = join(tmpdir(), 'whyidle-no-state');
  return startServer({ config: { ...defaultConfig, ...config }, folder, webFolder, log: silentLog, store });
}

export function connect(
  server: RunningServer,
  namespace: '/agents' | '/live',
  headers: Record<string, string> = {},
): Socket {
  return io(`${server.url}${namespace}`, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    extraHeaders: headers,
  });
}

/** The next event of this name. */
export function next<T>(socket: Socket, event: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no ${event} came within 5 s`));
    }, 5000);
    socket.once(event, (message: T) => {
      clearTimeout(timer);
      resolve(message);
    });
  });
}

export async function connected(socket: Socket): Promise<Socket> {
  if (!socket.connected) await next(socket, 'connect');
  return socket;
}

/** Asks again until the answer is there. */
export async function until<T>(attempt: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 5000;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (performance.now() > deadline) throw new Error('it did not happen within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

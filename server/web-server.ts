// The one port of the server: HTTP, or HTTPS where a certificate is named.
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Server as HttpServer } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Admission } from './admission.ts';
import type { Log } from './log.ts';
import { doubtsOf, followCertificate, nameIn, readIdentity, type TlsFiles } from './tls.ts';

export interface WebServerParts {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly tls: TlsFiles | undefined;
  readonly handshakesPerSecond: number;
  readonly log: Log;
}

export interface WebServer {
  readonly http: HttpServer;
  /** As this machine reaches it. */
  url(host: string, port: number): string;
  /** Ends what goes on beside the server. */
  stop(): void;
}

/** So long a TLS handshake may wait for its turn before the connection is ended instead. */
const WAIT_MS = 5000;
/** A client that says nothing by then is none. */
const FIRST_BYTE_WITHIN_MS = 10_000;
const HANDSHAKE_WITHIN_MS = 15_000;
/** First byte of a TLS record that begins a handshake: RFC 8446 section 5.1. */
const HANDSHAKE_RECORD = 22;

/** Throws StartError where certificate and key cannot be used. */
export function createWebServer({ fetch, tls, handshakesPerSecond, log }: WebServerParts): WebServer {
  if (!tls) {
    const http = createAdaptorServer({ fetch }) as HttpServer; // without options it is a plain HTTP/1 server
    return { http, url: (host, port) => urlOf('http', reachable(host), port), stop: () => undefined };
  }
  const first = readIdentity(tls);
  for (const doubt of doubtsOf(tls, first, Date.now())) log.warn(doubt);
  const options = { ...first, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_WITHIN_MS } as const;
  const https = createAdaptorServer({
    fetch,
    createServer: createHttpsServer,
    serverOptions: options,
  }) as HttpsServer; // what the given function makes
  guardHandshakes(https, handshakesPerSecond);
  const stop = followCertificate({
    ...{ files: tls, first, log },
    onChange: (identity) => {
      https.setSecureContext({ ...options, ...identity });
    },
  });
  return { http: https, url: (host, port) => urlOf('https', nameIn(first, host), port), stop };
}

/**
 * A TLS handshake costs as much as hundreds of frames: each waits for its turn before it begins. Who speaks plain HTTP
 * is told so.
 */
function guardHandshakes(https: NetServer, perSecond: number): void {
  const admission = new Admission({ perSecond, lineMs: WAIT_MS });
  const beginTls = https.listeners('connection');
  https.removeAllListeners('connection');
  https.on('connection', (socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.setTimeout(FIRST_BYTE_WITHIN_MS, () => socket.destroy());
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.unshift(chunk);
      if (chunk[0] !== HANDSHAKE_RECORD) {
        sayHttps(socket);
        return;
      }
      const start = (): void => {
        for (const listener of beginTls) Reflect.apply(listener, https, [socket]);
      };
      if (!admission.enter({ start, isGone: () => socket.destroyed })) socket.destroy();
    });
  });
}

function sayHttps(socket: Socket): void {
  const body = 'This port speaks HTTPS: use https:// in the address.\n';
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

function urlOf(scheme: 'http' | 'https', host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

// The agent's own page, where it is a plain exporter: /metrics and /healthz. Formats: agent/contract/text-format.ts.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { contentTypes, type TextFormat } from '#agent/contract';
import { CannotStart } from './cannot-start.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface PageRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly accept?: string | undefined;
  readonly host?: string | undefined;
}

export interface PageAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface Pages {
  /** Only names of this machine are answered to: no web page elsewhere may read a loopback port through a browser. */
  readonly loopbackOnly: boolean;
  metrics(format: TextFormat): string;
  /** The page in another exporter's names; undefined if that one is not known. */
  compat(name: string): string | undefined;
  /** Compatibility pages that are always part of /metrics. */
  readonly defaultCompat: readonly string[];
}

export interface RunningPages {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

export async function serveMetrics(listen: ListenAddress, pages: Omit<Pages, 'loopbackOnly'>): Promise<RunningPages> {
  const all = { ...pages, loopbackOnly: isLoopback(listen.host) };
  const server = createServer((request, response) => {
    reply(request, response, all);
  });
  await bind(server, listen);
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : listen.port;
  return {
    address: { host: listen.host, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

export function answerRequest(request: PageRequest, pages: Pages): PageAnswer {
  if (pages.loopbackOnly && !isLoopback(hostnameOf(request.host ?? '')))
    return sentence(403, 'This page answers to the names of this machine only.');
  if (request.method !== 'GET' && request.method !== 'HEAD') return sentence(405, 'This page is only read.');
  const url = URL.parse(request.url, 'http://agent');
  switch (url?.pathname) {
    case '/metrics':
      return answerMetrics(request, url.searchParams.getAll('compat'), pages);
    case '/healthz':
      return sentence(200, 'ok');
    default:
      return sentence(404, 'There is /metrics and /healthz.');
  }
}

function answerMetrics(request: PageRequest, asked: readonly string[], pages: Pages): PageAnswer {
  const names = new Set([...pages.defaultCompat, ...asked.flatMap((list) => list.split(',')).filter(Boolean)]);
  const parts: string[] = [];
  for (const name of names) {
    const part = pages.compat(name);
    if (part === undefined)
      return sentence(400, `compat=${name} is not known; there is compat=node_exporter and compat=dcgm-exporter.`);
    parts.push(part);
  }
  // The other exporters' pages are text 0.0.4 alone.
  const format = names.size > 0 ? 'prometheus' : chooseFormat(request.accept);
  return { status: 200, type: contentTypes[format], body: pages.metrics(format) + parts.join('') };
}

/** RFC 9110 section 12.5.1; Prometheus sends several types with weights. */
export function chooseFormat(accept: string | undefined): TextFormat {
  const weights: Record<TextFormat, number> = { openmetrics: 0, prometheus: 0 };
  for (const part of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = part.split(';').map((word) => word.trim());
    const weight = Number(parameters.find((one) => one.startsWith('q='))?.slice(2) ?? 1);
    const format = formatsOf.get(type);
    if (format) weights[format] = Math.max(weights[format], Number.isNaN(weight) ? 0 : weight);
  }
  return weights.openmetrics > weights.prometheus ? 'openmetrics' : 'prometheus';
}

const formatsOf = new Map<string, TextFormat>([
  ['application/openmetrics-text', 'openmetrics'],
  ['text/plain', 'prometheus'],
  ['text/*', 'prometheus'],
  ['*/*', 'prometheus'],
]);

function sentence(status: number, text: string): PageAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

function reply(request: IncomingMessage, response: ServerResponse, pages: Pages): void {
  const { method = '', url = '', headers } = request;
  const { status, type, body } = answerRequest({ method, url, accept: headers.accept, host: headers.host }, pages);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(method === 'HEAD' ? undefined : body);
}

function bind(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new CannotStart(`cannot listen on ${host}:${port}: ${causeOf(error)}`, { cause: error }));
    });
    server.listen({ host, port }, resolve);
  });
}

function causeOf(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return 'the port is in use by another program';
  if (code === 'EACCES') return 'this user may not';
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'this machine does not have that address';
  return error.message;
}

/** `127.0.0.1:9820` → `127.0.0.1`, `[::1]:9820` → `::1`. */
function hostnameOf(host: string): string {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(host) ?? [];
  return bracketed ?? plain;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

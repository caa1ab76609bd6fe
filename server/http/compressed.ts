// gzip of metrics pages: level 1, in a thread of the library, shared by all who ask within a second.
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Context } from 'hono';
import { isLoopback } from '../access/bind.ts';

const compress = promisify(gzip);
/** Ten scrapers cost as much as one. */
const SHARED_MS = 1000;
/** A small page is sent as fast as it is compressed. */
const SMALL_BYTES = 2000;

export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isCompressed: boolean;
}

/** Whether a page is compressed for this client: it must ask for it, and on this machine bytes cost nothing. */
export function wantsGzip(c: Context): boolean {
  const accepted = c.req.header('accept-encoding') ?? '';
  const found = /(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([\d.]+))?\s*(?:,|$)/i.exec(accepted);
  if (!found || Number(found[1] ?? 1) === 0) return false;
  const address = remoteAddressOf(c);
  return address === undefined || !isLoopback(address.replace(/^::ffff:/, ''));
}

function remoteAddressOf(c: Context): string | undefined {
  const env: unknown = c.env;
  if (typeof env !== 'object' || env === null || !('incoming' in env)) return undefined;
  return (env.incoming as IncomingMessage).socket.remoteAddress; // the adapter's own
}

export async function packed(bytes: Uint8Array<ArrayBuffer>): Promise<Packed> {
  if (bytes.length < SMALL_BYTES) return { bytes: bytes.slice(), isCompressed: false };
  const compressed = await compress(bytes, { level: 1 });
  return { bytes: new Uint8Array(compressed.buffer, compressed.byteOffset, compressed.length), isCompressed: true };
}

/** Compressed pages of the last second. */
export class PackedPages {
  readonly #pages = new Map<string, { readonly sinceMs: number; readonly page: Promise<Packed> }>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The page of this name; made if there is none that is young. */
  get(name: string, make: () => Promise<Packed>): Promise<Packed> {
    const known = this.#pages.get(name);
    if (known && this.#nowMs() - known.sinceMs < SHARED_MS) return known.page;
    const page = make();
    this.#pages.set(name, { sinceMs: this.#nowMs(), page });
    page.catch(() => this.#pages.delete(name));
    return page;
  }
}

// Which metrics pages are compressed, and that whoever asks at the same time gets the same one.
import { gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { packed, PackedPages, wantsGzip } from '../../../server/http/compressed.ts';

async function asked(header: string | undefined, remoteAddress?: string): Promise<boolean> {
  const app = new Hono();
  app.get('/', (c) => c.json(wantsGzip(c)));
  const env = remoteAddress === undefined ? {} : { incoming: { socket: { remoteAddress } } };
  const answer = await app.request('/', header === undefined ? {} : { headers: { 'Accept-Encoding': header } }, env);
  return (await answer.json()) as boolean;
}

test.each([
  ['gzip', undefined, true],
  ['deflate, gzip;q=0.5', '10.0.0.1', true],
  ['*', '10.0.0.1', true],
  ['gzip;q=0', '10.0.0.1', false],
  ['deflate', '10.0.0.1', false],
  [undefined, '10.0.0.1', false],
  ['gzip', '127.0.0.1', false],
  ['gzip', '::1', false],
  ['gzip', '::ffff:127.0.0.1', false],
])('Accept-Encoding %s from %s: %s', async (header, address, expected) => {
  expect(await asked(header, address)).toBe(expected);
});

test('a page is the same after it is unpacked; a small one is sent as it is', async () => {
  const large = new Uint8Array(Buffer.from('whyidle_load1{node="n"} 1\n'.repeat(1000)));
  const page = await packed(large);
  expect(page.isCompressed).toBe(true);
  expect(gunzipSync(page.bytes).equals(large)).toBe(true);
  expect((await packed(new Uint8Array([1, 2]))).isCompressed).toBe(false);
});

test('whoever asks within a second gets the same page, one that failed is made again', async () => {
  let nowMs = 0;
  let made = 0;
  const pages = new PackedPages(() => nowMs);
  const make = () => packed(new Uint8Array([++made]));
  const both = await Promise.all([pages.get('a', make), pages.get('a', make)]);
  expect(both[0]).toBe(both[1]);
  await pages.get('b', make);
  expect(made).toBe(2);
  nowMs = 1000;
  await pages.get('a', make);
  expect(made).toBe(3);
  nowMs = 2000;
  await expect(pages.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await pages.get('a', make);
  expect(made).toBe(4);
});

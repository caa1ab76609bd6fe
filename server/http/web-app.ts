// The built web app from dist/web: files as they are, and index.html for every other path of a page.
import { readFileSync, statSync } from 'node:fs';
import { extname, join, resolve, sep } from 'node:path';
import type { Context } from 'hono';
import { Hono } from 'hono';
import { getMimeType } from 'hono/utils/mime';
import { refuse } from './errors.ts';

/** Names of built assets hold their content's hash: they never change. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

export function createWebApp(folder: string): Hono {
  const app = new Hono();
  const files = new Map<string, Buffer<ArrayBuffer>>();
  app.get('*', (c) => {
    const path = decodedPath(c);
    const body = path === undefined ? undefined : readInside(folder, path, files);
    if (path !== undefined && body) return serve(c, path, body);
    if (path === undefined || isFile(path)) return missing(c);
    const index = readInside(folder, '/index.html', files);
    return index ? serve(c, '/index.html', index) : c.html(notBuilt);
  });
  return app;
}

/** Node names may hold dots: only what lies at the top or among the assets is a file by its name. */
function isFile(path: string): boolean {
  return path.startsWith('/assets/') || (extname(path) !== '' && path.lastIndexOf('/') === 0);
}

function serve(c: Context, path: string, body: Buffer<ArrayBuffer>): Response {
  return c.body(body, 200, {
    'Content-Type': getMimeType(path) ?? 'application/octet-stream',
    'Cache-Control': path.startsWith('/assets/') ? IMMUTABLE : 'no-cache',
  });
}

/** Assets are kept in memory; index.html is read again, so that a new build shows without a restart. */
function readInside(
  folder: string,
  path: string,
  files: Map<string, Buffer<ArrayBuffer>>,
): Buffer<ArrayBuffer> | undefined {
  const known = files.get(path);
  if (known) return known;
  const file = resolve(join(folder, path));
  if (!file.startsWith(resolve(folder) + sep) || path.includes('\0')) return undefined;
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const body = readFileSync(file);
  if (path.startsWith('/assets/')) files.set(path, body);
  return body;
}

function decodedPath(c: Context): string | undefined {
  try {
    return decodeURIComponent(c.req.path);
  } catch {
    return undefined;
  }
}

function missing(c: Context): Response {
  return refuse(c, { status: 404, code: 'not_found', message: `there is no ${c.req.path} here` });
}

const notBuilt = `<!doctype html>
<html lang="en">
  <title>whyidle</title>
  <h1>whyidle</h1>
  <p>The server runs, but the page has not been built: run <code>npm run build</code> and reload.</p>
  <p>The API is at <a href="/api/v1/fleet">/api/v1/fleet</a>, metrics are at <a href="/metrics">/metrics</a>.</p>
</html>
`;

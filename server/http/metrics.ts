// /metrics, one node's page, and the http_sd list of all node pages
// (https://prometheus.io/docs/prometheus/latest/http_sd/).
import { ServerResponse } from 'node:http';
import { Hono, type Context } from 'hono';
import { contentTypes, type TextFormat } from '#agent/contract';
import type { Page } from '../exposition/page-buffer.ts';
import { chooseFormat } from '../exposition/negotiation.ts';
import { unknownNode } from './api.ts';
import { packed, PackedPages, wantsGzip, type Packed } from './compressed.ts';
import type { HttpContext } from './context.ts';
import { refuse } from './errors.ts';

export function createMetrics({ fleet, exposition, clock }: HttpContext): Hono {
  const metrics = new Hono();
  const pages = new PackedPages(() => clock.nowMs());
  metrics.get('/metrics', async (c) => {
    const compat = compatOf(c);
    if (compat.unknown !== undefined) return refuseCompat(c, compat.unknown);
    const { format, dcgm } = compat;
    const render = (): Promise<Page> => exposition.renderFleet(format, clock.nowMs(), dcgm);
    if (!wantsGzip(c)) return send(c, await render(), format);
    return sendPacked(c, await pages.get(`${format} ${dcgm}`, async () => pack(await render())), format);
  });
  metrics.get('/metrics/node/:name', async (c) => {
    const compat = compatOf(c);
    if (compat.unknown !== undefined) return refuseCompat(c, compat.unknown);
    const node = fleet.node(c.req.param('name'));
    if (!node) return refuse(c, unknownNode(c.req.param('name')));
    const page = exposition.renderNode(node, compat.format, clock.nowMs(), compat.dcgm);
    return wantsGzip(c) ? sendPacked(c, await pack(page), compat.format) : send(c, page, compat.format);
  });
  metrics.get('/sd', (c) => {
    const target = c.req.header('host') ?? 'localhost';
    return c.json(
      fleet.nodes.map(({ name }) => ({
        targets: [target],
        labels: { __metrics_path__: `/metrics/node/${encodeURIComponent(name)}`, __meta_whyidle_node: name },
      })),
    );
  });
  return metrics;
}

const VARY = 'Accept, Accept-Encoding';

function send(c: Context, page: Page, format: TextFormat): Response {
  // Without a connection (tests) nothing says when the bytes are no longer needed.
  connectionOf(c)?.once('close', page.giveBack);
  return c.body(page.bytes, 200, { 'Content-Type': contentTypes[format], Vary: VARY });
}

async function pack(page: Page): Promise<Packed> {
  try {
    return await packed(page.bytes);
  } finally {
    page.giveBack();
  }
}

function sendPacked(c: Context, { bytes, isCompressed }: Packed, format: TextFormat): Response {
  const encoding = isCompressed ? { 'Content-Encoding': 'gzip' } : {};
  return c.body(bytes, 200, { 'Content-Type': contentTypes[format], Vary: VARY, ...encoding });
}

function connectionOf(c: Context): ServerResponse | undefined {
  const env: unknown = c.env;
  if (typeof env !== 'object' || env === null || !('outgoing' in env)) return undefined;
  return env.outgoing instanceof ServerResponse ? env.outgoing : undefined;
}

interface Compat {
  readonly dcgm: boolean;
  /** A page that is not to be had here. */
  readonly unknown: string | undefined;
  readonly format: TextFormat;
}

function compatOf(c: Context): Compat {
  const names = (c.req.queries('compat') ?? []).flatMap((list) => list.split(',')).filter(Boolean);
  return {
    dcgm: names.length > 0,
    unknown: names.find((name) => name !== 'dcgm-exporter'),
    // Other exporters' pages are text 0.0.4 alone.
    format: names.length > 0 ? 'prometheus' : chooseFormat(c.req.header('accept')),
  };
}

function refuseCompat(c: Context, name: string): Response {
  return refuse(c, {
    status: 400,
    code: 'not_available',
    message: `this server writes no page of compat=${name}; there is compat=dcgm-exporter`,
    hint: 'scrape the page of the agent itself: whyidle agent --listen ADDR serves /metrics?compat=node_exporter',
  });
}

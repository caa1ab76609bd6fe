// /metrics, one node's page, and the http_sd list of all node pages
// (https://prometheus.io/docs/prometheus/latest/http_sd/).
import { ServerResponse } from 'node:http';
import { Hono, type Context } from 'hono';
import { contentTypes, type TextFormat } from '#agent/contract';
import type { Page } from '../exposition/page-buffer.ts';
import { chooseFormat } from '../exposition/negotiation.ts';
import { unknownNode } from './api.ts';
import type { HttpContext } from './context.ts';
import { refuse } from './errors.ts';

export function createMetrics({ fleet, exposition, clock }: HttpContext): Hono {
  const metrics = new Hono();
  metrics.get('/metrics', async (c) => {
    if (c.req.query('compat') !== undefined) return refuseCompat(c);
    const format = chooseFormat(c.req.header('accept'));
    return send(c, await exposition.renderFleet(format, clock.nowMs()), format);
  });
  metrics.get('/metrics/node/:name', (c) => {
    if (c.req.query('compat') !== undefined) return refuseCompat(c);
    const node = fleet.node(c.req.param('name'));
    if (!node) return refuse(c, unknownNode(c.req.param('name')));
    const format = chooseFormat(c.req.header('accept'));
    return send(c, exposition.renderNode(node, format, clock.nowMs()), format);
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

function send(c: Context, page: Page, format: TextFormat): Response {
  // Without a connection (tests) nothing says when the bytes are no longer needed.
  connectionOf(c)?.once('close', page.giveBack);
  return c.body(page.bytes, 200, { 'Content-Type': contentTypes[format], Vary: 'Accept' });
}

function connectionOf(c: Context): ServerResponse | undefined {
  const env: unknown = c.env;
  if (typeof env !== 'object' || env === null || !('outgoing' in env)) return undefined;
  return env.outgoing instanceof ServerResponse ? env.outgoing : undefined;
}

function refuseCompat(c: Context): Response {
  return refuse(c, {
    status: 400,
    code: 'not_available',
    message: 'this server does not write compatibility pages yet',
    hint: 'scrape the page of the agent itself: whyidle agent --listen ADDR serves /metrics?compat=node_exporter',
  });
}

// /metrics, one node's page, and the http_sd list of all node pages
// (https://prometheus.io/docs/prometheus/latest/http_sd/).
import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { contentTypes, type TextFormat } from '#agent/contract';
import type { Page } from '../exposition/page-buffer.ts';
import { chooseFormat } from '../exposition/negotiation.ts';
import { unknownNode } from './api.ts';
import type { HttpContext } from './context.ts';
import { refuse } from './errors.ts';

/** What the HTTP adapter says of the connection. */
interface Env {
  Bindings: Partial<HttpBindings>;
}

export function createMetrics({ fleet, exposition, clock }: HttpContext): Hono<Env> {
  const metrics = new Hono<Env>();
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

function send(c: Context<Env>, page: Page, format: TextFormat): Response {
  // Without a connection (tests) nothing says when the bytes are no longer needed.
  c.env.outgoing?.once('close', page.giveBack);
  return c.body(page.bytes, 200, { 'Content-Type': contentTypes[format], Vary: 'Accept' });
}

function refuseCompat(c: Context<Env>): Response {
  return refuse(c, {
    status: 400,
    code: 'not_available',
    message: 'this server does not write compatibility pages yet',
    hint: 'scrape the page of the agent itself: whyidle agent --listen ADDR serves /metrics?compat=node_exporter',
  });
}

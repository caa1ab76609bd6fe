// The HTTP interface, assembled: access first, then API, metrics, health, and the web app for the rest.
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { createApi } from './api.ts';
import type { HttpContext } from './context.ts';
import { refuse } from './errors.ts';
import { createHealth } from './health.ts';
import { createJobs } from './jobs.ts';
import { createLedger } from './ledger.ts';
import { createMetrics } from './metrics.ts';
import { createQuery } from './query.ts';
import { createWebApp } from './web-app.ts';

export function createApp(context: HttpContext): Hono {
  const app = new Hono();
  app.use(headers);
  app.use(async (c, next) => {
    const problem = context.origins.refuse({ host: c.req.header('host'), origin: c.req.header('origin') });
    if (problem === undefined) return next();
    return refuse(c, {
      status: 403,
      code: 'forbidden',
      message: problem,
      hint: 'name further hosts in access.hosts of the configuration',
    });
  });
  app.route('/api/v1', createApi(context));
  app.route('/api/v1', createQuery(context));
  app.route('/api/v1', createLedger(context));
  app.route('/api/v1', createJobs(context));
  app.all('/api/*', (c) =>
    refuse(c, {
      status: 404,
      code: 'not_found',
      message: `there is no ${c.req.path} here`,
      hint: 'see /api/v1/openapi.json',
    }),
  );
  app.route('/', createMetrics(context));
  app.route('/', createHealth(context));
  app.route('/', createWebApp(context.webFolder));
  app.notFound((c) =>
    refuse(c, { status: 404, code: 'not_found', message: `there is no ${c.req.method} ${c.req.path} here` }),
  );
  app.onError((error, c) => {
    context.log.warn('a request failed', { path: c.req.path, error: error.stack ?? String(error) });
    return refuse(c, { status: 500, code: 'internal', message: 'the server made a mistake; its log says more' });
  });
  return app;
}

const headers = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'self'"],
    connectSrc: [
      "'self'",
      (c) => `${c.req.url.startsWith('https:') ? 'wss' : 'ws'}://${c.req.header('host') ?? 'localhost'}`,
    ],
    imgSrc: ["'self'", 'data:'],
    objectSrc: ["'none'"],
    baseUri: ["'none'"],
    frameAncestors: ["'self'"],
  },
  // TLS ends elsewhere, if there is any.
  strictTransportSecurity: false,
});

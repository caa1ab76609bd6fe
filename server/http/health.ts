// Liveness and readiness, for supervisors and load balancers.
import { Hono } from 'hono';
import type { HttpContext } from './context.ts';

export function createHealth({ readiness }: HttpContext): Hono {
  const health = new Hono();
  health.get('/healthz', (c) => c.json({ status: 'ok' }));
  health.get('/readyz', (c) => {
    const { ready, reasons } = readiness();
    return c.json({ ready, reasons }, ready ? 200 : 503);
  });
  return health;
}

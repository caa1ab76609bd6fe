// /api/v1/ledger: where GPU time went, by what is asked for. /api/v1/verdicts: the class of every GPU and 10-s slot.
import { Hono } from 'hono';
import { API_SCHEMA_VERSION, leafClasses, type LedgerAnswer, type VerdictsAnswer } from '#server/contract';
import { dimensions, HOUR_MS, sumUp, type Dimension } from '../ledger/hour-book.ts';
import { QueryError, readRange } from '../query/request.ts';
import { answered } from './answered.ts';
import type { HttpContext } from './context.ts';

const SLOT_MS = 10_000;
const DAY_MS = 24 * HOUR_MS;

export function createLedger({
  ledger,
  raster,
  clock,
  price,
}: Pick<HttpContext, 'ledger' | 'raster' | 'clock' | 'price'>): Hono {
  const api = new Hono();
  api.get('/ledger', (c) =>
    answered(c, () => {
      const { from, to, by } = c.req.query();
      const range = readRange({ from: from ?? '-24h', to, step: undefined }, clock.nowMs());
      const asked = readDimensions(by);
      const { fromMs, toMs, cells } = ledger.cells(range.fromMs, range.toMs);
      const sums = sumUp(cells, asked);
      const total = sums.reduce((sum, { ms }) => sum + ms, 0);
      return c.json<LedgerAnswer>({
        schema_version: API_SCHEMA_VERSION,
        from_ms: fromMs,
        to_ms: toMs,
        by: asked,
        total_gpu_seconds: total / 1000,
        currency: price.perGpuHour === undefined ? null : price.currency,
        rows: sums.map(({ by: values, ms }) => ({
          by: values,
          gpu_seconds: ms / 1000,
          ratio: total === 0 ? 0 : ms / total,
          cost: price.perGpuHour === undefined ? null : (ms / HOUR_MS) * price.perGpuHour,
        })),
      });
    }),
  );
  api.get('/verdicts', (c) =>
    answered(c, () => {
      const { from, to } = c.req.query();
      const range = readRange({ from: from ?? '-1h', to, step: undefined }, clock.nowMs());
      if (range.toMs - range.fromMs > DAY_MS) throw new QueryError('at most one day at a time', 'from=-24h');
      const { fromMs, slots, rows } = raster.read(range.fromMs, range.toMs);
      return c.json<VerdictsAnswer>({
        schema_version: API_SCHEMA_VERSION,
        from_ms: fromMs,
        slot_ms: SLOT_MS,
        slots,
        classes: leafClasses,
        gpus: rows.map(({ node, gpu, uuid }) => ({ node, gpu, uuid })),
        raster: Buffer.concat(rows.map(({ classes }) => classes)).toString('base64'),
      });
    }),
  );
  return api;
}

/** Throws QueryError. */
function readDimensions(text: string | undefined): readonly Dimension[] {
  const words = (text ?? 'class').split(',').filter((word) => word !== '');
  const known = words.flatMap((word) => dimensions.find((one) => one === word) ?? []);
  const [unknown] = words.filter((word) => !dimensions.some((one) => one === word));
  if (unknown !== undefined) throw new QueryError(`time is not booked by ${unknown}`, `by=${dimensions.join(', ')}`);
  return [...new Set(known)];
}

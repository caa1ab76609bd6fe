// /api/v1/query and /api/v1/nodes/NAME/charts: readings of the past.
import { Hono } from 'hono';
import type { NodeChartsAnswer, QueryAnswer } from '#server/contract';
import { answerQuery } from '../query/answer.ts';
import { answerNodeCharts } from '../query/node-charts.ts';
import { readQuery, readRange } from '../query/request.ts';
import { answered } from './answered.ts';
import { unknownNode } from './api.ts';
import type { HttpContext } from './context.ts';
import { refuse } from './errors.ts';

export function createQuery({ store, fleet, clock }: Pick<HttpContext, 'store' | 'fleet' | 'clock'>): Hono {
  const query = new Hono();
  query.get('/query', (c) =>
    answered(c, async () => {
      const { metric, labels, from, to, step } = c.req.query();
      const asked = readQuery({ metric, labels, from, to, step }, clock.nowMs());
      return c.json<QueryAnswer>(await answerQuery(store, asked));
    }),
  );
  query.get('/nodes/:name/charts', (c) =>
    answered(c, async () => {
      const name = c.req.param('name');
      if (!fleet.node(name)) return refuse(c, unknownNode(name));
      const { from, to, step } = c.req.query();
      const range = readRange({ from, to, step: step === 'raw' ? '1s' : step }, clock.nowMs());
      return c.json<NodeChartsAnswer>(await answerNodeCharts(store, name, range));
    }),
  );
  return query;
}

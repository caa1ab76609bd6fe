// /api/v1: the fleet as JSON. Shapes: server/contract/api.ts, described by /api/v1/openapi.json.
import { Hono } from 'hono';
import {
  API_SCHEMA_VERSION,
  type AlertsAnswer,
  type FabricAnswer,
  type FleetSummary,
  type GpusAnswer,
  type GpuSummary,
  type Incident,
  type IncidentsAnswer,
  type NodeDetail,
  type NodesAnswer,
} from '#server/contract';
import { viewFabric } from '../fabric/view.ts';
import { coverageOf, detailNode, summarizeFleet, summarizeGpu, summarizeNode } from '../fleet/summary.ts';
import { attribution } from '../jobs/summary.ts';
import type { HttpContext } from './context.ts';
import { refuse } from './errors.ts';
import { openApi } from './openapi.ts';

export function createApi({ fleet, store, fabrics, alerts, incidents, jobs, cluster, clock }: HttpContext): Hono {
  const api = new Hono();
  const head = () => ({ schema_version: API_SCHEMA_VERSION, coverage: coverageOf(fleet, clock.nowMs()) });

  api.get('/openapi.json', (c) => c.json(openApi));
  api.get('/fleet', (c) =>
    c.json<FleetSummary>(
      summarizeFleet(
        fleet,
        { cluster, store: store.state, attribution: attribution(jobs, fleet, clock.nowMs()) },
        { nowMs: clock.nowMs(), wallMs: clock.wallMs() },
      ),
    ),
  );
  api.get('/nodes', (c) => {
    const nodes = fleet.nodes.map((node) => summarizeNode(fleet, node, clock.nowMs()));
    return c.json<NodesAnswer>({ ...head(), nodes });
  });
  api.get('/nodes/:name', (c) => {
    const node = fleet.node(c.req.param('name'));
    if (!node) return refuse(c, unknownNode(c.req.param('name')));
    return c.json<NodeDetail>(detailNode(fleet, node, clock.nowMs()));
  });
  api.get('/gpus', (c) => {
    const gpus = fleet.gpus.map((gpu) => summarizeGpu(gpu, clock.nowMs()));
    return c.json<GpusAnswer>({ ...head(), gpus });
  });
  // Two machines may claim one UUID (cloned images, broken virtualisation): ?node= tells them apart.
  api.get('/gpus/:uuid', (c) => {
    const { uuid } = c.req.param();
    const node = c.req.query('node');
    const gpu = fleet.gpus.find((one) => one.uuid === uuid && (node === undefined || one.node.name === node));
    if (!gpu)
      return refuse(c, {
        status: 404,
        code: 'not_found',
        message: `no GPU with the UUID ${uuid} has reported`,
        hint: 'see /api/v1/gpus',
      });
    return c.json<GpuSummary & { schema_version: number }>({
      schema_version: API_SCHEMA_VERSION,
      ...summarizeGpu(gpu, clock.nowMs()),
    });
  });
  api.get('/fabric', (c) => {
    const views = fabrics.fabrics.map((fabric) => viewFabric(fabric, clock.nowMs()));
    return c.json<FabricAnswer>({ ...head(), fabrics: views });
  });
  api.get('/incidents', (c) => c.json<IncidentsAnswer>({ ...head(), incidents: incidents.all }));
  api.get('/incidents/:id', (c) => {
    const { id } = c.req.param();
    const found = incidents.find(id);
    if (found) return c.json<Incident & { schema_version: number }>({ schema_version: API_SCHEMA_VERSION, ...found });
    return refuse(c, {
      status: 404,
      code: 'not_found',
      message: `there is no incident ${id}`,
      hint: 'see /api/v1/incidents',
    });
  });
  api.get('/alerts', (c) => c.json<AlertsAnswer>({ ...head(), alerts: alerts.current }));
  return api;
}

export function unknownNode(name: string) {
  return {
    status: 404,
    code: 'not_found',
    message: `no node called ${name} has reported to this server`,
    hint: 'see /api/v1/nodes',
  } as const;
}

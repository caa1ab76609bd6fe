// HTTP by request and response, without a port.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiError } from '#server/contract';
import { createOriginRule } from '../../../server/access/origin.ts';
import { Alerts } from '../../../server/alerts/alerts.ts';
import { Exposition } from '../../../server/exposition/exposition.ts';
import { createRegistry } from '../../../server/exposition/own-metrics.ts';
import { storeValues } from '../../../server/exposition/store-values.ts';
import { FabricWatch } from '../../../server/fabric/watch.ts';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { createApp } from '../../../server/http/app.ts';
import { JobTable } from '../../../server/jobs/job-table.ts';
import { parseJobs } from '../../../server/jobs/slurm/scontrol.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { Raster } from '../../../server/ledger/raster.ts';
import { silentLog } from '../../../server/log.ts';
import { MemoryStore } from '../../doubles/memory-store.ts';
import { checkExposition } from '../../exposition-check.ts';
import { bookOf } from '../incidents/book-of.ts';
import { defaultConfig, gpuSeries, SetClock, StandInNode } from '../stand-in.ts';

let webFolder: string;
let app: Hono;
let ready = true;

beforeAll(() => {
  webFolder = mkdtempSync(join(tmpdir(), 'whyidle-web-'));
  mkdirSync(join(webFolder, 'assets'));
  writeFileSync(join(webFolder, 'index.html'), '<title>page</title>');
  writeFileSync(join(webFolder, 'assets/app-1a2b.js'), 'export {}');
  app = appWith(webFolder);
});
afterAll(() => {
  rmSync(webFolder, { recursive: true, force: true });
});

const incidents = bookOf('thermal', 3);

function jobsOf(fleet: Fleet): JobTable {
  const jobs = new JobTable(fleet);
  const line =
    'JobId=7 JobName=x UserId=abel(1) JobState=RUNNING StartTime=2023-11-14T22:00:00 NumNodes=1 NumCPUs=4 Partition=p Account=a   Nodes=node2 CPU_IDs=0 Mem=0 GRES=gpu:1(IDX:0) ';
  jobs.take({ jobs: parseJobs(line), nodes: [], answeredMs: 0, problem: undefined }, 0);
  return jobs;
}

function appWith(folder: string, nodes = ['node2', 'node10.cluster']): Hono {
  const clock = new SetClock();
  const fleet = new Fleet(new Ledger());
  for (const name of nodes) {
    new StandInNode(name, { clock, fleet }).sample(gpuSeries({ busy: 50, processes: 1, uuid: 'GPU-twin' }));
  }
  const zero = (): number => 0;
  const registry = createRegistry({
    incidents: () => new Map(),
    attribution_coverage_ratio: () => 0,
    ledger_unobserved_seconds_total: zero,
    server_agents: zero,
    server_viewers: zero,
    server_frames_total: zero,
    server_frames_rejected_total: () => new Map(),
    server_bytes_total: zero,
    ...storeValues(new MemoryStore()),
  });
  return createApp({
    incidents,
    jobs: jobsOf(fleet),
    ledger: new Ledger(),
    raster: new Raster(),
    price: { perGpuHour: undefined, currency: 'EUR' },
    store: new MemoryStore(),
    fleet,
    clock,
    fabrics: new FabricWatch(),
    alerts: new Alerts(fleet, defaultConfig),
    exposition: new Exposition(fleet, registry),
    cluster: 'c',
    origins: createOriginRule({ listenHost: '127.0.0.1', port: () => 8420, hosts: [] }),
    readiness: () => ({ ready, reasons: ready ? [] : ['the server is stopping'] }),
    webFolder: folder,
    log: silentLog,
  });
}

const ask = (path: string, headers: Record<string, string> = {}, on = app): Response | Promise<Response> =>
  on.request(path, { headers: { host: '127.0.0.1:8420', ...headers } });

/** A query has to say what it asks for. */
function asked(path: string): string {
  return path === '/api/v1/query' ? `${path}?metric=whyidle_gpu_power_watts` : path;
}

describe('the API', () => {
  test.each([
    ['/api/v1/fleet', { cluster: 'c', coverage: { nodes: 2, nodes_up: 2, gpus: 2, gpus_reporting: 2 } }],
    ['/api/v1/nodes', { nodes: [{ name: 'node2' }, { name: 'node10.cluster' }] }],
    ['/api/v1/nodes/node10.cluster', { name: 'node10.cluster', gpu_list: [{ uuid: 'GPU-twin' }] }],
    ['/api/v1/gpus', { gpus: [{ node: 'node2' }, { node: 'node10.cluster' }] }],
    ['/api/v1/gpus/GPU-twin', { node: 'node2', schema_version: 1 }],
    ['/api/v1/gpus/GPU-twin?node=node10.cluster', { node: 'node10.cluster' }],
    ['/api/v1/alerts', { alerts: [], coverage: { gpus: 2 } }],
    ['/api/v1/openapi.json', { openapi: '3.1.0' }],
    ['/healthz', { status: 'ok' }],
    ['/readyz', { ready: true, reasons: [] }],
  ])('%s', async (path, expected) => {
    const answer = await ask(path);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject(expected);
  });

  test.each([
    ['/api/v1/nodes/nobody', 404],
    ['/api/v1/nodes/__proto__', 404],
    ['/api/v1/gpus/GPU-none', 404],
    ['/api/v1/nothing', 404],
    ['/api/v2/fleet', 404],
    ['/metrics/node/nobody', 404],
    ['/metrics?compat=node_exporter', 400],
    ['/assets/missing.js', 404],
    ['/favicon.ico', 404],
  ])('%s is an error in the one shape', async (path, status) => {
    const answer = await ask(path);
    expect(answer.status).toBe(status);
    const { error } = (await answer.json()) as ApiError;
    expect([error.code, error.message]).toEqual([error.code.replace(/\W/g, ''), error.message.trim()]);
    expect(error.code.length * error.message.length).toBeGreaterThan(0);
  });

  test('every path of the description answers, with the properties it requires', async () => {
    const { paths, components } = (await (await ask('/api/v1/openapi.json')).json()) as {
      paths: Record<
        string,
        { get: { responses: Record<string, { content: Record<string, { schema: { $ref: string } }> }> } }
      >;
      components: { schemas: Record<string, { required: string[] }> };
    };
    for (const [path, { get }] of Object.entries(paths)) {
      const answer = await ask(
        asked(path)
          .replace('{name}', 'node2')
          .replace('{uuid}', 'GPU-twin')
          .replace('{id}', path.includes('jobs') ? '7' : (incidents.all[0]?.id ?? '')),
      );
      const name = get.responses['200']?.content['application/json']?.schema.$ref.split('/').at(-1) ?? '';
      expect(Object.keys((await answer.json()) as object).toSorted(), path).toEqual(
        components.schemas[name]?.required.toSorted(),
      );
    }
  });

  test('the ledger says what time can be booked by', async () => {
    const answer = await ask('/api/v1/ledger?by=weather');
    expect(answer.status).toBe(400);
    const { error } = (await answer.json()) as { error: { message: string; hint: string } };
    expect(error.message).toBe('time is not booked by weather');
    expect(error.hint).toContain('by=class, owner');
  });

  test('not ready says why', async () => {
    ready = false;
    const answer = await ask('/readyz');
    ready = true;
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ ready: false, reasons: ['the server is stopping'] });
  });
});

describe('metrics', () => {
  test("dcgm-exporter's page follows, with the label node where several nodes are", async () => {
    const openMetrics = { accept: 'application/openmetrics-text' };
    const fleet = await (await ask('/metrics?compat=dcgm-exporter', openMetrics)).text();
    expect(checkExposition(fleet)).toEqual([]);
    expect(fleet).toContain('whyidle_gpu_up{');
    expect(fleet).toMatch(/^DCGM_FI_DEV_GPU_UTIL\{node="node10.cluster",gpu="0",UUID="GPU-twin",.*\} 50$/m);
    const node = await (await ask('/metrics/node/node2?compat=dcgm-exporter')).text();
    expect(checkExposition(node)).toEqual([]);
    expect(node.match(/^DCGM_FI_DEV_GPU_UTIL\{.*$/gm)).toEqual([
      'DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-twin",pci_bus_id="0000:00:00.0",device="nvidia0",' +
        'modelName="Tesla V100",hostname="node2",DCGM_FI_DRIVER_VERSION="driver"} 50',
    ]);
  });

  test.each([
    ['/metrics', 'text/plain; version=0.0.4; charset=utf-8', '*/*'],
    ['/metrics', 'application/openmetrics-text; version=1.0.0; charset=utf-8', 'application/openmetrics-text'],
    ['/metrics/node/node10.cluster', 'text/plain; version=0.0.4; charset=utf-8', ''],
  ])('%s as %s', async (path, type, accept) => {
    const answer = await ask(asked(path), { accept });
    expect(answer.headers.get('content-type')).toBe(type);
    const text = await answer.text();
    expect(checkExposition(text)).toEqual([]);
    expect(text).toContain('whyidle_node_up{node="node10.cluster"} 1');
  });

  test('/sd lists a page per node, and nothing without nodes', async () => {
    expect(await (await ask('/sd')).json()).toEqual([
      {
        targets: ['127.0.0.1:8420'],
        labels: { __metrics_path__: '/metrics/node/node2', __meta_whyidle_node: 'node2' },
      },
      {
        targets: ['127.0.0.1:8420'],
        labels: { __metrics_path__: '/metrics/node/node10.cluster', __meta_whyidle_node: 'node10.cluster' },
      },
    ]);
    expect(await (await ask('/sd', {}, appWith(webFolder, []))).json()).toEqual([]);
  });
});

describe('access', () => {
  test.each([
    ['a foreign host', { host: 'evil.example' }],
    ['a foreign origin', { origin: 'https://evil.example' }],
  ])('%s gets 403 everywhere', async (_name, headers) => {
    for (const path of ['/', '/metrics', '/api/v1/fleet', '/healthz', '/assets/app-1a2b.js']) {
      const answer = await ask(path, headers);
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ error: { code: 'forbidden' } });
    }
  });

  test('headers keep foreign script, frames and sniffing out', async () => {
    const { headers } = await ask('/');
    expect(headers.get('content-security-policy')).toMatch(
      /default-src 'self'; connect-src 'self' ws:\/\/127\.0\.0\.1:8420/,
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('the web app', () => {
  test.each(['/', '/node/node07', '/node/node10.cluster', '/%zz'.replace('%zz', 'gpus')])(
    '%s is the page',
    async (path) => {
      const answer = await ask(path);
      expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
      expect(answer.headers.get('cache-control')).toBe('no-cache');
      expect(await answer.text()).toBe('<title>page</title>');
    },
  );

  test('assets may be kept for ever', async () => {
    const answer = await ask('/assets/app-1a2b.js');
    expect(answer.headers.get('cache-control')).toContain('immutable');
    expect(answer.headers.get('content-type')).toMatch(/javascript/);
  });

  test.each(['/%zz', '/..%2f..%2fetc%2fpasswd', '/%00', '/assets/..%2f..%2fpackage.json'])(
    '%s never leaves the folder',
    async (path) => {
      expect(await (await ask(path)).text()).not.toMatch(/root:|"name"/);
    },
  );

  test('that is not built says how to build it', async () => {
    const answer = await ask('/', {}, appWith(join(webFolder, 'nowhere')));
    expect(await answer.text()).toContain('npm run build');
  });
});

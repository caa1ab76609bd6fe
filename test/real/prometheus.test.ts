// A real Prometheus scrapes the demo's server, its nodes through http_sd, and an agent's own page; promtool reads the same
// pages; every panel and every rule finds data.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogue, hasNodeLabel, instanceLabels, metricName, type MetricId } from '#agent/contract';
import { recordingRules } from '../../dashboards/rules.ts';
import type { DashboardFile } from '../dashboards/dashboard-file.ts';
import { checkExposition } from '../exposition-check.ts';
import { leftOut } from '../left-out.ts';
import { freePort, json, projectRoot, startProgram, until } from '../system/program.ts';
import { missingPrograms, runReal, startPrometheus, type Prometheus, type Sample } from './programs.ts';

const nodes = 16;
const gpus = 192;
/** What Prometheus 2.42 asks for. */
const openMetrics =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

const missing = missingPrograms('prometheus', 'promtool');
if (missing) leftOut('real programs: Prometheus', missing);

describe.skipIf(missing)('Prometheus', () => {
  let server: string;
  let agentPage: string;
  let prometheus: Prometheus;
  const running: (() => Promise<unknown>)[] = [];
  const start = (...args: readonly string[]): void => {
    const program = startProgram(args);
    running.push(() => program.interrupt());
  };

  beforeAll(async () => {
    server = `127.0.0.1:${await freePort()}`;
    start('demo', '--listen', server);
    const agentAddress = `127.0.0.1:${await freePort()}`;
    agentPage = `http://${agentAddress}/metrics`;
    start('agent', '--listen', agentAddress);
    await until('the demo is ready', async () => ((await fetch(`http://${server}/readyz`)).ok ? true : undefined));
    prometheus = await startPrometheus({
      global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '2s' },
      rule_files: [join(projectRoot, 'dashboards/prometheus/whyidle-rules.yml')],
      scrape_configs: [
        { job_name: 'whyidle', static_configs: [{ targets: [server] }] },
        {
          job_name: 'whyidle-nodes',
          scrape_interval: '5s',
          http_sd_configs: [{ url: `http://${server}/sd`, refresh_interval: '1s' }],
        },
        { job_name: 'whyidle-agent', static_configs: [{ targets: [agentAddress] }] },
      ],
    });
    running.push(() => prometheus.stop());
  }, 60_000);

  afterAll(async () => {
    await Promise.all(running.map((stop) => stop()));
  });

  test('every target is up: the server, each node of http_sd, the agent', async () => {
    const up = { whyidle: 1, 'whyidle-nodes': nodes, 'whyidle-agent': 1 };
    await until(
      'all targets up',
      async () => {
        const targets = await prometheus.targets();
        const failing = targets.filter((target) => target.health === 'down');
        if (failing.length > 0) throw new Error(failing.map((target) => target.lastError).join('\n'));
        const healthy = targets.filter((target) => target.health === 'up');
        const found = Object.fromEntries(
          Object.entries(Object.groupBy(healthy, (one) => one.labels['job'] ?? '')).map(([job, list]) => [
            job,
            list?.length,
          ]),
        );
        expect(found).toEqual(up);
        return true;
      },
      30_000,
    );
  }, 40_000);

  test('it negotiated OpenMetrics: the counter’s family has no _total', async () => {
    const family = metricName('disk_read_bytes_total').replace(/_total$/, '');
    const answer = await fetch(`http://${server}/metrics`, { headers: { accept: openMetrics } });
    expect(answer.headers.get('content-type')).toMatch(/^application\/openmetrics-text; *version=1\.0\.0/);
    const heads = (await answer.text()).split('\n').filter((line) => line.startsWith('# TYPE '));
    expect(heads).toContain(`# TYPE ${family} counter`);
    const metadata = await prometheus.metadata(family);
    expect(metadata).toContainEqual(expect.objectContaining({ type: 'counter' }));
  });

  test.each(['the server', 'a node', 'an agent'] as const)(
    'the page of %s: clean, no series twice, families whole',
    async (whose) => {
      const url = whose === 'an agent' ? agentPage : await pageOf(whose);
      for (const accept of ['text/plain', openMetrics]) {
        const answer = await fetch(url, { headers: { accept } });
        expect(answer.status).toBe(200);
        const text = await answer.text();
        expect(checkExposition(text)).toEqual([]);
        expect(foreignSeries(text)).toEqual([]);
        if (accept !== 'text/plain') continue;
        const { exitCode, stdout, stderr } = runReal('promtool', ['check', 'metrics'], text);
        expect(stdout + stderr).toBe('');
        expect(exitCode).toBe(0);
      }
    },
  );

  test('every GPU is in exactly one class, on the server’s page and over the nodes’ pages', async () => {
    const state = metricName('gpu_state');
    for (const job of ['whyidle', 'whyidle-nodes']) {
      expect(await single(`sum(${state}{job="${job}"})`)).toBe(gpus);
      expect(await single(`count(count by (uuid) (${state}{job="${job}"}))`)).toBe(gpus);
      expect(await single(`max(count by (uuid) (${state}{job="${job}"}))`)).toBe(1);
    }
  });

  test('a value is the same on the server’s page and on the node’s', async () => {
    const name = metricName('gpu_memory_total_bytes');
    expect(await single(`count(${name}{job="whyidle"})`)).toBe(gpus);
    expect(
      await single(`count(${name}{job="whyidle"} == on (node, gpu, uuid, pci_bus_id) ${name}{job="whyidle-nodes"})`),
    ).toBe(gpus);
  });

  test('the agent’s own page has no server metrics, and its labels are those of the server’s page', async () => {
    const { labels } = await first(`${metricName('cpu_seconds_total')}{job="whyidle-agent"}`);
    expect(Object.keys(labels).toSorted()).toEqual(['__name__', 'instance', 'job', 'mode', 'node', 'numa_node']);
    expect(await prometheus.query(`{__name__=~"whyidle_(server|gpu_state).*",job="whyidle-agent"}`)).toEqual([]);
  });

  describe('dashboards', () => {
    const file = join(projectRoot, 'dashboards/grafana/whyidle-fleet.json');
    const { panels, templating } = JSON.parse(readFileSync(file, 'utf8')) as DashboardFile; // Grafana's dashboard model
    const targets = panels.flatMap(({ title, targets }) =>
      (targets ?? []).map(({ expr, refId, legendFormat }) => ({ title, refId, expr, legend: legendFormat })),
    );

    test('the variables offer every job and every node', async () => {
      const queries = templating.list.filter((one) => one.type === 'query').map((one) => JSON.stringify(one.query));
      expect(queries.map((query) => /label_values\((\w+)/.exec(query)?.[1])).toEqual(
        Array(2).fill(metricName('node_info')),
      );
      const jobs = await prometheus.query(`group by (job) (${metricName('node_info')})`);
      expect(jobs.map(({ labels }) => labels['job']).toSorted()).toEqual(['whyidle', 'whyidle-agent', 'whyidle-nodes']);
      expect(await single(`count(${metricName('node_info')}{job="whyidle"})`)).toBe(nodes);
    });

    // Time is booked 30 s after a slot's end, so the first to wait here waits for the others.
    test.each(targets)(
      '$title, $refId',
      async ({ expr, legend }) => {
        const least = legend === '{{node}}' ? nodes : 1;
        await until(
          `${least} series`,
          async () => (await finite(substitute(expr))).length >= least || undefined,
          90_000,
        );
      },
      100_000,
    );
  });

  describe('rules', () => {
    test('are loaded and evaluate', async () => {
      const rules = await prometheus.rules();
      expect(rules.length).toBeGreaterThan(recordingRules.length);
      expect(rules.filter((rule) => rule.health !== 'ok')).toEqual([]);
    });

    test.each(recordingRules)(
      '$record has data',
      async ({ record }) => {
        await until('data', async () => (await finite(`{__name__="${record}"}`)).length > 0 || undefined, 20_000);
      },
      25_000,
    );
  });

  async function pageOf(whose: 'the server' | 'a node'): Promise<string> {
    if (whose === 'the server') return `http://${server}/metrics`;
    const [group] = await json<readonly SdGroup[]>(`http://${server}/sd`);
    const path = group?.labels['__metrics_path__'];
    if (path === undefined) throw new Error('/sd names no page');
    return `http://${group?.targets[0] ?? ''}${path}`;
  }

  async function finite(expression: string): Promise<readonly Sample[]> {
    return (await prometheus.query(expression)).filter(({ value }) => Number.isFinite(value));
  }

  async function first(expression: string): Promise<Sample> {
    const [sample] = await prometheus.query(expression);
    if (!sample) throw new Error(`${expression} finds nothing`);
    return sample;
  }

  /** Of several scrapes the newest may be half a round old: asks until the answer is there, and then takes it as it is. */
  async function single(expression: string): Promise<number> {
    return (await until(expression, () => first(expression), 10_000)).value;
  }
});

/** An entry of Prometheus' http_sd answer. */
interface SdGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Series whose name or labels are not a row of the catalogue; the server's own build has no node. */
function foreignSeries(page: string): readonly string[] {
  const shapes = new Set(
    [...page.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)].map(
      ([, name = '', labels = '']) =>
        `${name}{${[...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label]) => label).join()}}`,
    ),
  );
  return [...shapes].filter((shape) => !known.has(shape));
}

const known = new Set(
  Object.entries(catalogue).flatMap(([id, { labels }]) => {
    const name = metricName(id as MetricId); // the keys of a const record are its own
    const shape = (names: readonly string[]): string => `${name}{${names.join()}}`;
    if (!hasNodeLabel(id as MetricId)) return [shape(labels)];
    // A whole GPU has not the labels of an instance.
    const whole = labels.filter((label) => !instanceLabels.some((one) => one === label));
    return [
      shape(['node', ...labels]),
      shape(['node', ...whole]),
      shape(['node', ...labels.filter((label) => label !== 'mig_ci')]),
      ...(id === 'build_info' ? [shape(labels)] : []),
    ];
  }),
);

/** Puts values in place of Grafana's variables, as Grafana would for All nodes and the last minute. */
function substitute(expression: string): string {
  return expression
    .replaceAll('$job', 'whyidle')
    .replaceAll('$node', '.+')
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '1m');
}

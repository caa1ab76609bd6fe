// Every Grafana dashboard can be provisioned as it is and explains itself: the rules of dashboard-linter, and ours.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogue, hasNodeLabel, metricName, type MetricId } from '#agent/contract';
import { projectRoot } from '../system/program.ts';
import type { DashboardFile, TargetJson } from './dashboard-file.ts';

const folder = join(projectRoot, 'dashboards/grafana');
const names = readdirSync(folder);
const ids = new Map<string, MetricId>(Object.keys(catalogue).map((id) => [metricName(id as MetricId), id as MetricId])); // keys of a const record

test('there is a dashboard', () => {
  expect(names).toContain('whyidle-fleet.json');
});

describe.each(names)('%s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const dashboard = JSON.parse(text) as DashboardFile; // Grafana's dashboard model
  const panels = dashboard.panels.filter((panel) => panel.type !== 'row');
  const targets = panels.flatMap((panel) => (panel.targets ?? []).map((target) => ({ ...target, panel: panel.title })));
  const variables = dashboard.templating.list;

  test('names itself: uid as its file, title, tag, shared crosshair, no import dialog', () => {
    expect(dashboard.uid).toBe(name.replace(/\.json$/, ''));
    expect(dashboard.title).toMatch(/^whyidle \/ [A-Z]/);
    expect(dashboard.tags).toContain('whyidle');
    expect(dashboard.graphTooltip).toBe(1);
    expect(dashboard.editable).toBe(true);
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
    expect(dashboard).not.toHaveProperty('__inputs');
    expect(dashboard).not.toHaveProperty('id');
    expect(text).not.toContain('DS_PROMETHEUS');
  });

  test('has one variable for the data source, and everything uses it', () => {
    expect(variables.filter((one) => one.type === 'datasource').map((one) => [one.name, one.query])).toEqual([
      ['datasource', 'prometheus'],
    ]);
    for (const used of [...panels, ...targets, ...variables.filter((one) => one.type === 'query')])
      expect(used.datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
    expect(
      [...text.matchAll(/"uid": "([^"]*)"/g)].map(([, uid]) => uid).filter((uid) => uid !== dashboard.uid),
    ).toEqual(text.match(/"uid": "\$\{datasource\}"/g)?.map(() => '${datasource}'));
  });

  test('every variable is used, and every variable used is defined', () => {
    const defined = variables.map((one) => one.name);
    const builtIn = ['__rate_interval', '__range', '__all'];
    const used = new Set([...text.matchAll(/\$\{?(\w+)\}?/g)].map(([, one]) => one));
    for (const one of defined) expect(used).toContain(one);
    expect([...used].filter((one) => one !== undefined && !defined.includes(one) && !builtIn.includes(one))).toEqual(
      [],
    );
  });

  test('ids are set and unique, and panels do not overlap', () => {
    const given = dashboard.panels.map((panel) => panel.id);
    expect(given.every((id) => Number.isInteger(id) && id > 0)).toBe(true);
    expect(new Set(given).size).toBe(given.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)}/${y + Math.floor(cell / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  test.each(panels)('$title: described, with a unit, with expressions', (panel) => {
    expect(panel.title).not.toBe('');
    expect(panel.description?.length).toBeGreaterThan(20);
    expect(panel.fieldConfig.defaults.unit).toBeTruthy();
    expect(panel.targets?.length).toBeGreaterThan(0);
    expect(new Set(panel.targets?.map((target) => target.refId)).size).toBe(panel.targets?.length);
    if (panel.options?.reduceOptions) expect(panel.options.reduceOptions.calcs).toEqual(['lastNotNull']);
  });

  test.each(targets)(
    '$panel, $refId: only known metrics, within the variables, rates over the right range',
    (target) => {
      for (const { metric, selector, range } of selectorsOf(target)) {
        const id = ids.get(metric);
        if (id === undefined) throw new Error(`${metric} is not in the catalogue`);
        if (hasNodeLabel(id)) {
          expect(selector).toContain('job=~"$job"');
          expect(selector).toContain('node=~"$node"');
        }
        if (catalogue[id].kind === 'counter') expect(['[$__rate_interval]', '[$__range]']).toContain(range);
        else expect(range).toBe('');
      }
      if (target.format === 'table') expect(target.instant).toBe(true);
    },
  );
});

interface Selector {
  readonly metric: string;
  readonly selector: string;
  readonly range: string;
}

/** Every `name{…}[…]` of an expression. */
function selectorsOf({ expr }: TargetJson): readonly Selector[] {
  const found = [...expr.matchAll(/\b(whyidle_\w+)(\{[^}]*\})?(\[[^\]]*\])?/g)];
  if (found.length === 0) throw new Error(`no metric in ${expr}`);
  return found.map(([, metric = '', selector = '', range = '']) => ({ metric, selector, range }));
}

// The rules as promtool judges them, the mixin as jsonnet does, and that every alert has its runbook.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { alertRules, recordingRules } from '../../dashboards/rules.ts';
import { leftOut } from '../left-out.ts';
import { missingPrograms, runReal } from '../real/programs.ts';
import { projectRoot } from '../system/program.ts';

const file = (name: string): string => join(projectRoot, 'dashboards', name);
const noPromtool = missingPrograms('promtool');
const noJsonnet = missingPrograms('jsonnet');

describe.skipIf(noPromtool)('promtool', () => {
  test('finds nothing wrong with the rules, and reads all of them', () => {
    const { exitCode, stdout, stderr } = runReal('promtool', [
      'check',
      'rules',
      '--lint=all',
      '--lint-fatal',
      file('prometheus/whyidle-rules.yml'),
    ]);
    expect(stderr).toBe('');
    expect(stdout).toContain(`${recordingRules.length + alertRules.length} rules found`);
    expect(exitCode).toBe(0);
  });

  test('sees every alert fire, and not for its neighbour', () => {
    const { exitCode, stdout, stderr } = runReal('promtool', [
      'test',
      'rules',
      file('prometheus/whyidle-rules.test.yml'),
    ]);
    expect(stdout + stderr).toContain('SUCCESS');
    expect(exitCode).toBe(0);
  });
});

describe('alerts', () => {
  test.each(alertRules)('$alert is tested both firing and silent', ({ alert }) => {
    const tests = readFileSync(file('prometheus/whyidle-rules.test.yml'), 'utf8');
    const expectations = tests.split('- eval_time:').filter((text) => text.includes(`alertname: ${alert}\n`));
    expect(expectations.some((text) => text.includes('exp_alerts'))).toBe(true);
    expect(expectations.some((text) => !text.includes('exp_alerts'))).toBe(true);
  });

  test.each(alertRules)('$alert says what to do, and its runbook exists', ({ alert, annotations, labels }) => {
    expect(alert).toMatch(/^Whyidle([A-Z][a-z]+)+$/);
    expect(['critical', 'warning', 'info']).toContain(labels.severity);
    expect(annotations.summary).not.toMatch(/\{\{/);
    expect(annotations.description).toMatch(/\{\{ \$labels\.node \}\}.*\. (Find|Open|Check) /s);
    expect(annotations.runbook_url).toMatch(new RegExp(`/${alert.toLowerCase()}$`));
    const runbook = join(projectRoot, 'docs/runbooks', `${alert.toLowerCase()}.md`);
    expect(existsSync(runbook)).toBe(true);
    expect(readFileSync(runbook, 'utf8')).toMatch(new RegExp(`^# ${alert}\n`));
  });
});

test.each(recordingRules)('$record is named level:metric:operations', ({ record, expr }) => {
  expect(record).toMatch(/^[a-z_]+:whyidle_[a-z_]+:[a-z0-9_]+$/);
  expect(expr).not.toMatch(/\bby \(/);
});

describe.skipIf(noJsonnet)('the mixin', () => {
  const evaluate = (field: string): unknown => {
    const overridden = `((import 'mixin.libsonnet') + { _config+:: { runbookURLPattern: 'https://wiki.test/%s.html' } }).${field}`;
    const { exitCode, stdout, stderr } = runReal('jsonnet', ['-J', file(''), '-e', overridden]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    return JSON.parse(stdout);
  };

  test('has all rules, alerts with the site’s own runbooks, and the dashboard', () => {
    expect(evaluate('prometheusRules')).toEqual({ groups: [{ name: 'whyidle.rules', rules: recordingRules }] });
    const alerts = alertRules.map((rule) => ({
      ...rule,
      annotations: { ...rule.annotations, runbook_url: `https://wiki.test/${rule.alert.toLowerCase()}.html` },
    }));
    expect(evaluate('prometheusAlerts')).toEqual({ groups: [{ name: 'whyidle.alerts', rules: alerts }] });
    expect(evaluate("grafanaDashboards['whyidle-fleet.json'].uid")).toBe('whyidle-fleet');
  });
});

if (noPromtool) leftOut('dashboards: rules by promtool', noPromtool);
if (noJsonnet) leftOut('dashboards: the mixin by jsonnet', noJsonnet);

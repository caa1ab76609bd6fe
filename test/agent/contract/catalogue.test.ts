// The catalogue keeps its own rules, Prometheus' rules, and the list of names that other people's dashboards hold on to.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  agentMetricIds,
  areas,
  catalogue,
  hasNodeLabel,
  isAgentMetricId,
  metricName,
  units,
  type MetricId,
  type MetricRow,
} from '#agent/contract';
import { describe, expect, test } from 'vitest';
import { leftOut } from '../../left-out.ts';

const rows: readonly (readonly [string, MetricRow])[] = Object.entries(catalogue);

/** The last word of a name, before `_total`, for each unit; those that are none of their own end in what is counted. */
const endings = {
  bytes: /_bytes$/,
  bytes_per_second: /_bytes_per_second$/,
  seconds: /_seconds$/,
  timestamp_seconds: /_timestamp_seconds$/,
  ratio: /_ratio(_upper)?$/,
  celsius: /_celsius$/,
  watts: /_watts$/,
  joules: /_joules$/,
  hertz: /_hertz$/,
  rpm: /_rpm$/,
} as const;
const unitWords = /_(bytes|seconds|ratio|celsius|watts|joules|hertz|rpm)$/;
const reservedLabels = ['node', 'type', 'cluster', 'env', 'instance', 'job', 'le', 'quantile', '__name__'];

describe.each(rows)('%s', (id, row) => {
  const stem = id.replace(/_total$/, '');

  test('is a Prometheus name that promtool takes', () => {
    expect(id).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    expect(id).not.toMatch(/_(count|sum|bucket)$/);
    expect(`_${id}_`).not.toMatch(/_(counter|gauge|summary|histogram)_/);
    expect(id).not.toMatch(/milliseconds|microseconds|kilobytes|megabytes|percent|millis|_mb$|_ms$/);
  });

  test('ends in _total if and only if it is a counter, in _info if and only if it is one', () => {
    expect(id.endsWith('_total')).toBe(row.kind === 'counter');
    expect(id.endsWith('_info') || id === 'unavailable').toBe(row.kind === 'info');
  });

  test('says its unit with its last word', () => {
    expect(units).toContain(row.unit);
    if (row.unit in endings)
      expect(stem).toMatch(endings[row.unit as keyof typeof endings]); // just looked up
    else expect(stem).not.toMatch(unitWords);
  });

  test('has labels that Prometheus and the node label leave room for', () => {
    expect(new Set(row.labels).size).toBe(row.labels.length);
    for (const label of row.labels) {
      expect(label).toMatch(/^[a-z][a-z0-9_]*$/);
      // A fabric's device names its node itself, where it has one.
      if (label !== 'node' || hasNodeLabel(id as MetricId)) expect(reservedLabels).not.toContain(label); // keys of the catalogue
    }
  });

  test('tells people what it is', () => {
    expect(row.help).toMatch(/^[A-Z0-9].*[^.]$/);
    expect(row.title.length).toBeGreaterThan(1);
    expect(row.title.length).toBeLessThanOrEqual(32);
    expect(row.source).not.toBe('');
    expect(areas).toContain(row.area);
  });

  test('has a scale of a power of ten', () => {
    expect([1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 1_000_000_000]).toContain(row.scale);
  });
});

test('no two rows have the same help', () => {
  const helps = rows.map(([, { help }]) => help);
  expect(helps.filter((help, index) => helps.indexOf(help) !== index)).toEqual([]);
});

test('agents fill only what is theirs', () => {
  expect(agentMetricIds.every(isAgentMetricId)).toBe(true);
  expect(isAgentMetricId('gpu_state')).toBe(false);
  expect(isAgentMetricId('constructor')).toBe(false);
});

const list = fileURLToPath(new URL('../../../../shared/knowledge/metric-names.md', import.meta.url));
if (!existsSync(list)) leftOut('catalogue against the list of names', 'the list is not beside this project');

describe.skipIf(!existsSync(list))('the list of names', () => {
  const entries = existsSync(list) ? readEntries(readFileSync(list, 'utf8')) : [];

  test('was read', () => {
    expect(entries.length).toBeGreaterThan(100);
  });

  test.each(rows)('has %s with its kind and labels', (id, row) => {
    const found = entries.filter(({ matches }) =>
      matches.some((pattern) => namesOf(id).some((name) => pattern.test(name))),
    );
    expect(found, 'not in metric-names.md').not.toEqual([]);
    const kinds = found.flatMap(({ kind }) => (/^[CGI]$/.test(kind) ? [kind] : []));
    if (kinds.length > 0) expect(kinds).toContain({ counter: 'C', gauge: 'G', info: 'I' }[row.kind]);
    const text = found.map((entry) => entry.text).join('\n');
    for (const label of row.labels) expect(text, `label ${label}`).toMatch(new RegExp(`\\b${label}\\b`));
  });
});

/** The list names counters of fabric ports as those of the node's own ports. */
function namesOf(id: string): readonly string[] {
  const rest = /^fabric_port_(.*)/.exec(id)?.[1];
  const own = metricName(id as 'load1'); // any id will do
  return rest === undefined ? [own] : [own, `whyidle_infiniband_${rest}`, `whyidle_infiniband_port_${rest}`];
}

interface Entry {
  readonly matches: readonly RegExp[];
  readonly kind: string;
  /** The line of the table and what stands above the table. */
  readonly text: string;
}

function readEntries(text: string): readonly Entry[] {
  return text.split(/^## /m).flatMap((section) => {
    const intro = section.slice(0, section.indexOf('\n|'));
    return section
      .split('\n')
      .filter((line) => line.startsWith('| `whyidle_'))
      .map((line, at, lines) => {
        const [, names = '', kind = ''] = line.split('|').map((cell) => cell.trim());
        const above = line.includes('| as above |') ? (lines[at - 1] ?? '') : '';
        return { matches: patternsOf(names), kind, text: `${intro}\n${above}${line}` };
      });
  });
}

/** `whyidle_a_b`, `…_c`: the shorthand shares at least its first word with the full name before it. */
function patternsOf(names: string): readonly RegExp[] {
  let stem = 'whyidle';
  return [...names.matchAll(/`([a-z0-9_…]+)`/g)].map(([, name = '']) => {
    if (!name.startsWith('…')) {
      stem = /^whyidle_[a-z0-9]+/.exec(name)?.[0] ?? name;
      return new RegExp(`^${name.replaceAll('…', '[a-z0-9_]+')}$`);
    }
    return new RegExp(`^${stem}[a-z0-9_]*${name.slice(1).replaceAll('…', '[a-z0-9_]+')}$`);
  });
}

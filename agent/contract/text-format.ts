// The Prometheus text exposition format 0.0.4 and OpenMetrics 1.0, one line at a time.
// https://prometheus.io/docs/instrumenting/exposition_formats/
import { catalogue, metricName, type MetricId } from './catalogue.ts';
import type { Steps } from './frame.ts';
import { instanceLabels, type MetricRow } from './metrics/row.ts';

const optional: ReadonlySet<string> = new Set(instanceLabels);

export type TextFormat = 'prometheus' | 'openmetrics';

export const contentTypes: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** HELP and TYPE of one family. OpenMetrics names a counter's family without `_total` and has no kind `info` in lines of value 1 with a suffix of ours. */
export function renderFamilyHead(name: string, row: Pick<MetricRow, 'kind' | 'help'>, format: TextFormat): string {
  const family = format === 'openmetrics' && row.kind === 'counter' ? name.replace(/_total$/, '') : name;
  const type = row.kind === 'counter' ? 'counter' : 'gauge';
  return `# HELP ${family} ${escapeHelp(row.help, format)}\n# TYPE ${family} ${type}\n`;
}

export function renderHeadOf(id: MetricId, format: TextFormat): string {
  return renderFamilyHead(metricName(id), catalogue[id], format);
}

/** Everything of a line before its value: `name{a="b"} `. */
export function renderLinePrefix(name: string, labelNames: readonly string[], labelValues: readonly string[]): string {
  if (labelNames.length === 0) return `${name} `;
  const pairs = labelNames.flatMap((label, index) => {
    const text = labelValues[index] ?? '';
    return text === '' && optional.has(label) ? [] : [`${label}="${escapeLabel(text)}"`];
  });
  return `${name}{${pairs.join(',')}} `;
}

/** Whole steps as a decimal number of the base unit, exact at any size. */
export function renderSteps(steps: Steps, scale: number): string {
  if (scale === 1) return String(steps);
  if (typeof steps === 'number') return String(steps / scale);
  const whole = steps / BigInt(scale);
  const rest = (steps < 0n ? -steps : steps) % BigInt(scale);
  if (rest === 0n) return String(whole);
  const digits = String(scale).length - 1;
  return `${steps < 0n && whole === 0n ? '-' : ''}${String(whole)}.${String(rest).padStart(digits, '0').replace(/0+$/, '')}`;
}

function escapeLabel(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"') : text;
}

function escapeHelp(text: string, format: TextFormat): string {
  const escaped = text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  return format === 'openmetrics' ? escaped.replace(/"/g, '\\"') : escaped;
}

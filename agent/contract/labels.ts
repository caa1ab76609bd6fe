// The labels of one series as a record for JSON. Those of a MIG instance are left out where they are empty: it is the whole GPU.
import { instanceLabels, type MetricRow } from './metrics/row.ts';

const optional: ReadonlySet<string> = new Set(instanceLabels);

export function namedLabels(
  { labels }: Pick<MetricRow, 'labels'>,
  values: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    labels.flatMap((label, at) => {
      const text = values[at] ?? '';
      return text === '' && optional.has(label) ? [] : [[label, text]];
    }),
  );
}

/** Whether a series speaks of a MIG instance and not of the whole GPU. */
export function isOfInstance({ labels }: Pick<MetricRow, 'labels'>, values: readonly string[]): boolean {
  return labels.some((label, at) => optional.has(label) && (values[at] ?? '') !== '');
}

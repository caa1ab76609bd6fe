// One collector over one tree, and what it left in the snapshot: for tests of collectors.
import { absenceReasons, type AgentMetricId, type AbsenceReason, type Steps } from '#agent/contract';
import { noGpuSources, type Collector, type CollectorContext, type Reader } from '../../agent/collectors/collector.ts';
import { silentLog } from '../../agent/log.ts';
import { Snapshot } from '../../agent/snapshot.ts';
import { Tree } from '../../agent/sources/tree.ts';

export interface Reading {
  readonly reader: Reader;
  readonly snapshot: Snapshot;
  /** Whole steps, the reason of the absence, or undefined if there is no such series. Labels that are not named do not matter. */
  value(id: AgentMetricId, labels?: Readonly<Record<string, string>>): Steps | AbsenceReason | undefined;
  /** In base units. */
  amount(id: AgentMetricId, labels?: Readonly<Record<string, string>>): number | AbsenceReason | undefined;
  labels(id: AgentMetricId, labels?: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined;
  /** Every series as text, for finding out that nothing changed or nothing is left. */
  lines(): readonly string[];
}

export function startReading(collector: Collector, root: string, context: Partial<CollectorContext> = {}): Reading {
  const snapshot = new Snapshot();
  const reader = collector.start({
    tree: new Tree(root),
    snapshot,
    commands: undefined,
    gpuSources: noGpuSources,
    monotonicMs: () => performance.now(),
    after: () => () => undefined,
    gpuProcesses: () => [],
    intervalMs: 1000,
    log: silentLog,
    ...context,
  });
  return readingOf(reader, snapshot);
}

export async function readAll({ reader }: Reading): Promise<void> {
  await reader.discover();
  for (const lane of ['fast', 'medium', 'slow'] as const) await reader.read(lane);
}

export function readingOf(reader: Reader, snapshot: Snapshot): Reading {
  const find = (id: AgentMetricId, wanted: Readonly<Record<string, string>> = {}) =>
    snapshot.series.find(
      (series) =>
        series.id === id &&
        Object.entries(wanted).every(([label, text]) => series.labels[series.row.labels.indexOf(label)] === text),
    );
  const value: Reading['value'] = (id, wanted) => {
    const series = find(id, wanted);
    return series && (series.state === 0 ? series.steps : absenceReasons[series.state - 1]);
  };
  return {
    reader,
    snapshot,
    value,
    amount: (id, wanted) => {
      const steps = value(id, wanted);
      return typeof steps === 'string' || steps === undefined
        ? steps
        : Number(steps) / (find(id, wanted)?.row.scale ?? 1);
    },
    labels: (id, wanted) => {
      const series = find(id, wanted);
      return series && Object.fromEntries(series.row.labels.map((label, index) => [label, series.labels[index] ?? '']));
    },
    lines: () =>
      snapshot.series.map((series) => `${series.id}{${series.labels.join()}} ${series.state} ${String(series.steps)}`),
  };
}

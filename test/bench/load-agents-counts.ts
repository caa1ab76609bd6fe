// What the load agents of one process count.
import { Histogram } from './load-agents-histogram.ts';

export class LoadCounts {
  sent = 0;
  acknowledged = 0;
  resyncs = 0;
  /** Live connections that ended. */
  lost = 0;
  /** Worst delay of a sample behind its time: the load process was short of CPU. */
  lateMs = 0;
  ackMs = new Histogram();
  readonly failures = new Map<string, number>();

  failed(reason: string): void {
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1);
  }

  reset(): void {
    this.sent = this.acknowledged = this.resyncs = this.lost = this.lateMs = 0;
    this.ackMs = new Histogram();
    this.failures.clear();
  }
}

/** As it travels between processes. */
export interface LoadReport {
  readonly open: number;
  readonly live: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly resyncs: number;
  readonly lost: number;
  readonly lateMs: number;
  readonly ackMs: readonly number[];
  readonly failures: Readonly<Record<string, number>>;
}

export function reportOf(counts: LoadCounts, standing: { readonly open: number; readonly live: number }): LoadReport {
  const { sent, acknowledged, resyncs, lost, lateMs } = counts;
  const failures = Object.fromEntries(counts.failures);
  return { ...standing, sent, acknowledged, resyncs, lost, lateMs, ackMs: counts.ackMs.counts, failures };
}

export function sumOf(reports: readonly LoadReport[]): LoadReport & { readonly ack: Histogram } {
  const ack = new Histogram();
  const failures: Record<string, number> = {};
  const sum = { open: 0, live: 0, sent: 0, acknowledged: 0, resyncs: 0, lost: 0 };
  for (const report of reports) {
    for (const name of ['open', 'live', 'sent', 'acknowledged', 'resyncs', 'lost'] as const) sum[name] += report[name];
    ack.add(new Histogram(report.ackMs));
    for (const [reason, count] of Object.entries(report.failures)) failures[reason] = (failures[reason] ?? 0) + count;
  }
  const lateMs = Math.max(0, ...reports.map((report) => report.lateMs));
  return { ...sum, lateMs, failures, ack, ackMs: ack.counts };
}

// How urgent a cause is. detection.md §4, column Sev. Pure.
import type { Cause, Incident } from '#server/contract';

const critical: ReadonlySet<Cause> = new Set<Cause>(['fault', 'hang', 'power_brake']);
const info: ReadonlySet<Cause> = new Set<Cause>([
  'unknown',
  'imbalance',
  'nvlink',
  'ib.bandwidth',
  'launch_bound',
  'small_batch',
  'low_demand',
]);
/** A shared server that starves so many nodes is everybody's trouble. */
const MANY_NODES = 3;

export function severityOf(
  cause: Cause,
  size: { readonly nodes: number; readonly loss: number },
): Incident['severity'] {
  if (critical.has(cause) || (cause === 'storage.network' && size.nodes >= MANY_NODES)) return 'critical';
  if (info.has(cause)) return size.loss > 0.4 && cause !== 'unknown' ? 'warning' : 'info';
  return 'warning';
}

// Incidents that have lasted: what the page says, somebody is told. detection.md §9, column `for`.
import type { Alert, Cause, Incident } from '#server/contract';

const MINUTE_MS = 60_000;
const USUAL_MS = 15 * MINUTE_MS;
/** How long each may last before it fires; those that are not here are as starving jobs. */
const patience: Partial<Readonly<Record<Cause, number>>> = {
  straggler: 5 * MINUTE_MS,
  hang: 10 * MINUTE_MS,
  'ib.congestion': 10 * MINUTE_MS,
  rail_imbalance: 10 * MINUTE_MS,
  link_degraded: 5 * MINUTE_MS,
  thermal: 10 * MINUTE_MS,
  power_brake: 0,
  power_cap: 30 * MINUTE_MS,
  'held.no_process': 10 * MINUTE_MS,
};
/** Told by alerts of their own, one per GPU. */
const toldElsewhere: ReadonlySet<Cause> = new Set<Cause>(['fault', 'held.idle']);

export function alertsOfIncidents(open: readonly Incident[], nowMs: number): readonly Alert[] {
  return open.flatMap((incident): readonly Alert[] => {
    const { id, cause, severity, nodes, culprit, since_ms, text } = incident;
    if (severity === 'info' || toldElsewhere.has(cause)) return [];
    const lasted = nowMs - since_ms >= (severity === 'critical' ? 5 * MINUTE_MS : (patience[cause] ?? USUAL_MS));
    return [
      {
        id: `incident:${id}`,
        kind: 'incident',
        severity,
        state: lasted ? 'firing' : 'pending',
        node: culprit?.node ?? nodes[0] ?? '',
        gpu: null,
        uuid: null,
        since_ms,
        text,
      },
    ];
  });
}

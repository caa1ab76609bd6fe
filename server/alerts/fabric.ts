// Alerts about InfiniBand fabrics: findings that somebody should act on, and a fabric that nobody sweeps any more.
// Names and counters that cannot be believed are for the page of the fabric alone.
import type { Alert, FindingKind } from '#server/contract';
import type { FabricFinding } from '../fabric/finding.ts';
import { isStale, type Fabric, type FabricWatch } from '../fabric/watch.ts';
import { renderDuration } from './texts.ts';

/** How long a finding must have been made before it fires; kinds that judge over time themselves fire at once. */
export const FIRES_AFTER_MS: Readonly<Record<FindingKind, number | 'never'>> = {
  bad_link: 0,
  flap: 0,
  degraded_speed: 60_000,
  degraded_width: 60_000,
  congestion: 0,
  port_down: 0,
  missing_rail: 60_000,
  missing_uplink: 60_000,
  rail_imbalance: 0,
  silent_node: 60_000,
  naming: 'never',
  counters_reset: 'never',
  saturated: 'never',
};
/** A fabric is swept again by another host, or the sweeper is started again. */
export const STALE_FIRES_AFTER_MS = 120_000;

/** After a day without a sweep nobody means to sweep it any more. */
export const STALE_TOLD_MS = 86_400_000;

export function alertsOfFabrics(watch: FabricWatch, nowMs: number): readonly Alert[] {
  return watch.fabrics.flatMap((fabric) => {
    // What was wrong when it was last seen may no longer be so.
    if (isStale(fabric, nowMs)) return nowMs - fabric.atMs < STALE_TOLD_MS ? [staleAlert(fabric, nowMs)] : [];
    return fabric.findings.flatMap((finding) => alertOf(fabric, finding, nowMs));
  });
}

function alertOf({ subnet, foundMs }: Fabric, finding: FabricFinding, nowMs: number): readonly Alert[] {
  const { id, kind, severity, ports, sinceMs, text } = finding;
  const afterMs = FIRES_AFTER_MS[kind];
  if (severity === 'info' || afterMs === 'never') return [];
  const firstMs = foundMs.get(id) ?? nowMs;
  return [
    {
      id: `fabric:${subnet}:${id}`,
      kind: 'fabric',
      severity,
      state: nowMs - firstMs >= afterMs ? 'firing' : 'pending',
      node: ports.find(({ node }) => node !== null)?.node ?? '',
      gpu: null,
      uuid: null,
      since_ms: sinceMs ?? firstMs,
      text,
    },
  ];
}

function staleAlert({ subnet, sweptBy, atMs }: Fabric, nowMs: number): Alert {
  const forMs = nowMs - atMs;
  return {
    id: `fabric:${subnet}:stale`,
    kind: 'fabric',
    severity: 'warning',
    state: forMs >= STALE_FIRES_AFTER_MS ? 'firing' : 'pending',
    node: sweptBy,
    gpu: null,
    uuid: null,
    since_ms: atMs,
    text: `the InfiniBand subnet ${subnet} was not swept for ${renderDuration(forMs)}; ${sweptBy} did it last`,
  };
}

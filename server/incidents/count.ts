// Open incidents by cause, owner and severity, for the metrics page.
import type { Incident } from '#server/contract';

export function countIncidents(open: readonly Incident[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { cause, owner, severity } of open) {
    const key = [cause, owner, severity].join('\n');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

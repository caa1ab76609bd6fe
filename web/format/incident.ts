// Where an incident is and who is behind it, in a few words.
import type { Incident } from '#server/contract';

/** `job 8812, node07` · `3 nodes`. */
export function whereText({ job_id, nodes }: Pick<Incident, 'job_id' | 'nodes'>): string {
  const where = nodes.length === 1 ? (nodes[0] ?? '') : `${nodes.length} nodes`;
  return job_id === null ? where : `job ${job_id}, ${where}`;
}

/** null where nobody is named. */
export function culpritText({ culprit }: Pick<Incident, 'culprit'>): string | null {
  if (!culprit) return null;
  const { node, gpu, device } = culprit;
  return [node, device ?? (gpu === null ? '' : `GPU ${gpu}`)].filter((part) => part !== '').join(' ');
}

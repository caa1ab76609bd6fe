// What the classes of a node's GPUs say in one sentence. It only counts; the verdicts are the server's.
import { leafClasses, leaves, type GpuSummary, type LeafClass } from '#server/contract';

export interface NodeVerdict {
  /** The class that needs somebody first. */
  readonly leaf: LeafClass;
  readonly headline: string;
  readonly rest: string;
}

/** undefined where the node has no GPU. */
export function verdictOf(gpus: readonly Pick<GpuSummary, 'class'>[]): NodeVerdict | undefined {
  if (gpus.length === 0) return undefined;
  const counts = leafClasses
    .map((leaf) => ({ leaf, count: gpus.filter((gpu) => gpu.class === leaf).length }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => rank(a.leaf) - rank(b.leaf));
  const [first, ...others] = counts;
  if (!first) return undefined;
  const all = first.count === gpus.length;
  const headline = `${all ? allOf(gpus.length) : `${first.count} of ${gpus.length} GPUs`} ${stateText(first.leaf, all ? gpus.length : first.count)}.`;
  const rest = others.map(({ leaf, count }) => `${count} ${stateText(leaf, count)}`).join(', ');
  return { leaf: first.leaf, headline, rest: rest === '' ? '' : `${rest}.` };
}

/** What needs somebody first comes first. */
function rank(leaf: LeafClass): number {
  const families = ['out', 'starved', 'comm', 'slowed', 'held', 'unobserved', 'phase', 'service', 'productive', 'free'];
  return families.indexOf(leaf.split('.')[0] ?? '');
}

function allOf(count: number): string {
  return count === 1 ? 'The only GPU' : `All ${count} GPUs`;
}

function stateText(leaf: LeafClass, count: number): string {
  const { title } = leaves[leaf];
  // Titles that begin with a verb in the third person stand as they are for one GPU only.
  if (/^(waits|hangs|writes|serves) /.test(title)) return count === 1 ? title : title.replace(/^(\w+)s /, '$1 ');
  return `${count === 1 ? 'is' : 'are'} ${title}`;
}

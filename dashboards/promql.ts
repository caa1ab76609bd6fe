// PromQL over the catalogue: a renamed metric, label or class breaks the build here, not a panel on somebody's wall.
import { hasNodeLabel, metricName, type LabelsOf, type MetricId } from '#agent/contract';
import { leafClasses, type LeafClass } from '#server/contract';

type LabelOf<M extends MetricId> = keyof LabelsOf<M> | 'node' | 'job';

/** A condition on one label: operator and value, as in `=~"a|b"`. */
export type Matcher = `${'=' | '!=' | '=~' | '!~'}"${string}"`;
export type Matchers<M extends MetricId> = Readonly<Partial<Record<LabelOf<M>, Matcher>>>;

/** `whyidle_gpu_state{class="held.idle"}` */
export function series<M extends MetricId>(id: M, matchers?: Matchers<M>): string {
  const conditions = Object.entries<Matcher | undefined>(matchers ?? {})
    .filter(([, matcher]) => matcher !== undefined)
    .map(([label, matcher]) => `${label}${matcher ?? ''}`);
  return conditions.length === 0 ? metricName(id) : `${metricName(id)}{${conditions.join(',')}}`;
}

/** The same within what the dashboard's variables select; the server's own series belong to no node. */
export function selected<M extends MetricId>(id: M, matchers?: Matchers<M>): string {
  const scope = hasNodeLabel(id) ? { job: '=~"$job"', node: '=~"$node"' } : {};
  return series(id, { ...scope, ...matchers } as Matchers<M>); // every node series carries both labels
}

type FamilyOf<C extends string> = C extends `${infer F}.${string}` ? F : C;
export type Family = FamilyOf<LeafClass>;

/** Regular expression of all leaf classes of some families. */
export function classesOf(...families: readonly Family[]): string {
  return families.map((family) => (isLeaf(family) ? family : `${family}[.].+`)).join('|');
}

export const inClasses = (...families: readonly Family[]): Matcher => `=~"${classesOf(...families)}"`;
export const outsideClasses = (...families: readonly Family[]): Matcher => `!~"${classesOf(...families)}"`;

/** An expression that is empty when nothing matches, as the zero it then is, wherever the witness has data. */
export function zeroWhere(witness: string, expression: string): string {
  return `${expression} or on () 0 * ${witness}`;
}

function isLeaf(family: Family): boolean {
  return leafClasses.some((leaf) => leaf === family);
}

// What an Xid means and what is to be done about it. Authority: NVIDIA's Xid catalogue; the classes are our own policy.
import { xidRows } from './xid-rows.ts';
import { UNKNOWN_ADVICE, adviceTexts, type XidClass, type XidOwner } from './xid-policy.ts';

export { xidClasses, xidOwners, type XidClass, type XidOwner } from './xid-policy.ts';

export interface XidMeaning {
  readonly title: string;
  readonly class: XidClass;
  /** One sentence: what to do. */
  readonly advice: string;
  /** Who is to do it. */
  readonly owner: XidOwner;
}

const ownerOf: Readonly<Record<XidClass, XidOwner>> = {
  hardware: 'hardware',
  degraded: 'hardware',
  application: 'user',
  driver: 'platform',
  info: 'unknown',
};

const meanings: ReadonlyMap<number, XidMeaning> = new Map(
  xidRows.map(([xid, title, xidClass, advice]) => [
    xid,
    { title, class: xidClass, advice: adviceTexts[advice], owner: ownerOf[xidClass] },
  ]),
);

/** Every code of the catalogue, ascending. */
export const knownXids: readonly number[] = [...meanings.keys()].toSorted((a, b) => a - b);

/** A code that the catalogue does not have is the driver's until somebody knows better: it pages nobody and is not lost. */
export function xidOf(xid: number): XidMeaning {
  return (
    meanings.get(xid) ?? {
      title: `Xid ${xid}, not in the catalogue`,
      class: 'driver',
      advice: UNKNOWN_ADVICE,
      owner: 'unknown',
    }
  );
}

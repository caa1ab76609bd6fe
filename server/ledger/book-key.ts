// Under what time is booked: a class and whose it is. A class alone stands for its usual owner.
import { leafClasses, leaves, owners, type LeafClass, type Owner } from '#server/contract';

export type BookKey = LeafClass | `${LeafClass}|${Owner}`;

export function bookKey(leaf: LeafClass, owner: Owner): BookKey {
  return leaves[leaf].owner === owner ? leaf : `${leaf}|${owner}`;
}

export const bookKeys: readonly BookKey[] = leafClasses.flatMap((leaf) => owners.map((owner) => bookKey(leaf, owner)));
const parts = new Map<BookKey, { readonly class: LeafClass; readonly owner: Owner }>(
  leafClasses.flatMap((leaf) => owners.map((owner) => [bookKey(leaf, owner), { class: leaf, owner }] as const)),
);

export function partsOfKey(key: BookKey): { readonly class: LeafClass; readonly owner: Owner } {
  return parts.get(key) ?? { class: 'unobserved', owner: 'unknown' };
}

// How the topology of one subnet differs between two sweeps. A link is told by both its ends; an adapter's port that has another
// peer was moved.
import { keyOf, type FabricModel, type ModelLink, type ModelPort } from './model.ts';

interface LinkEnds {
  readonly a: { readonly guid: string; readonly port: number };
  readonly b: { readonly guid: string; readonly port: number };
}

export type FabricChange =
  | { readonly kind: 'device_appeared' | 'device_vanished'; readonly guid: string; readonly name: string }
  | ({ readonly kind: 'link_appeared' | 'link_vanished' } & LinkEnds)
  /** `a` led to `from` and leads to `b` now. */
  | ({ readonly kind: 'link_moved'; readonly from: LinkEnds['b'] } & LinkEnds);

export function diffFabric(before: FabricModel, after: FabricModel): readonly FabricChange[] {
  const moved = movesOf(before, after);
  const movedKeys = new Set(moved.flatMap(({ a, b, from }) => [pair(a, b), pair(a, from)]));
  const isMoved = (link: ModelLink): boolean => movedKeys.has(pair(endOf(link.a), endOf(link.b)));
  return [
    ...devicesOnlyIn(after, before).map((one) => ({ kind: 'device_appeared', ...one }) as const),
    ...devicesOnlyIn(before, after).map((one) => ({ kind: 'device_vanished', ...one }) as const),
    ...moved,
    ...linksOnlyIn(after, before, isMoved).map((ends) => ({ kind: 'link_appeared', ...ends }) as const),
    ...linksOnlyIn(before, after, isMoved).map((ends) => ({ kind: 'link_vanished', ...ends }) as const),
  ];
}

const endOf = ({ device, port }: ModelPort): LinkEnds['a'] => ({ guid: device.guid, port });

const pair = (a: LinkEnds['a'], b: LinkEnds['b']): string =>
  [keyOf(a.guid, a.port), keyOf(b.guid, b.port)].toSorted().join('-');

function devicesOnlyIn(one: FabricModel, other: FabricModel): readonly { guid: string; name: string }[] {
  return [...one.devices.values()]
    .filter(({ guid }) => !other.devices.has(guid))
    .map(({ guid, name }) => ({ guid, name }));
}

function linksOnlyIn(one: FabricModel, other: FabricModel, isMoved: (link: ModelLink) => boolean): readonly LinkEnds[] {
  return one.links
    .filter((link) => !isMoved(link) && !hasLink(other, link))
    .map(({ a, b }) => ({ a: endOf(a), b: endOf(b) }));
}

function hasLink({ linkOf }: FabricModel, { a, b }: ModelLink): boolean {
  const same = linkOf.get(a.key);
  return same !== undefined && [same.a.key, same.b.key].includes(b.key);
}

/** Of links between switches nobody can say which end was moved: they vanish and appear. */
function movesOf(before: FabricModel, after: FabricModel): readonly Extract<FabricChange, { kind: 'link_moved' }>[] {
  return after.links.flatMap((link) => {
    const was = link.tier === 'host' ? before.linkOf.get(link.a.key) : undefined;
    if (was?.a.key !== link.a.key || was.b.key === link.b.key) return [];
    return [{ kind: 'link_moved', a: endOf(link.a), b: endOf(link.b), from: endOf(was.b) } as const];
  });
}

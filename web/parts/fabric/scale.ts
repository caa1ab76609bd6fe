// How a link is drawn: a step of the sequential palette by its busier direction, thickness by lanes. Pure.
import type { FabricLinkView } from '#server/contract';

export const linkModes = ['utilisation', 'congestion'] as const;
export type LinkMode = (typeof linkModes)[number];

/** Where each step but the first begins. Congestion matters long before it is half: 5 % is a warning, 20 % is critical. */
const stepsFrom: Readonly<Record<LinkMode, readonly number[]>> = {
  utilisation: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9],
  congestion: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.64],
};

/** What the last step begins with. */
export const topOf = (mode: LinkMode): number => stepsFrom[mode].at(-1) ?? 1;

/** Of the direction that has more of it; where the length of a wait tick is not known, what is lost at least. */
export function loadOf({ ends }: FabricLinkView, mode: LinkMode): number | null {
  const known = ends
    .map(({ utilization_ratio, congestion_ratio }) => (mode === 'utilisation' ? utilization_ratio : congestion_ratio))
    .filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** 0–8; null where nothing was read. */
export function stepOf(link: FabricLinkView, mode: LinkMode): number | null {
  const load = loadOf(link, mode);
  return load === null ? null : stepsFrom[mode].filter((from) => load >= from).length;
}

const ONE_LANE = 0.75;
const PER_LANE = 0.25;

/** Pixels: 1 for 1X, 1.75 for 4X, 3.75 for 12X. Where the width is not known, as thin as can be. */
export function thicknessOf({ speed }: Pick<FabricLinkView, 'speed'>): number {
  const lanes = Number(/^(\d+)X/.exec(speed)?.[1] ?? 0);
  return ONE_LANE + PER_LANE * lanes;
}

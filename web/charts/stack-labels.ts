// Where the names of stacked areas stand at their right end: beside their middle, pushed apart where they would touch.

export interface Layer {
  readonly title: string;
  readonly count: number;
}

export interface LayerLabel extends Layer {
  /** Share of the height from above. */
  readonly top: number;
}

/** Least distance, as a share of the height. */
const LEAST_STEP = 0.11;

/** Layers from the lowest up; those without a count have no label. */
export function placeLabels(layers: readonly Layer[], max: number): readonly LayerLabel[] {
  const shown = layers.filter(({ count }) => count > 0);
  let below = 0;
  const wished = shown.map((layer) => {
    const middle = (below + layer.count / 2) / max;
    below += layer.count;
    return { ...layer, top: 1 - middle };
  });
  const placed: LayerLabel[] = [];
  for (const label of wished) {
    const lowest = (placed.at(-1)?.top ?? Infinity) - LEAST_STEP;
    placed.push({ ...label, top: Math.min(label.top, lowest) });
  }
  // What was pushed over the edge pushes back from above.
  let highest = 0;
  return placed
    .toReversed()
    .map((label) => {
      const top = Math.max(label.top, highest);
      highest = top + LEAST_STEP;
      return { ...label, top };
    })
    .toReversed();
}

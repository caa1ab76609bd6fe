// Seconds as bins.

/** Adds a rate over a span to the seconds it touches. */
export function addOver(bins: Float64Array | undefined, fromS: number, toS: number, rate: number): void {
  if (!bins || rate === 0) return;
  const last = Math.min(bins.length, Math.ceil(toS));
  for (let second = Math.max(0, Math.floor(fromS)); second < last; second++) {
    const part = Math.min(toS, second + 1) - Math.max(fromS, second);
    if (part > 0) bins[second] = (bins[second] ?? 0) + rate * part;
  }
}

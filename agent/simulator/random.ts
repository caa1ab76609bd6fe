// Random numbers that follow from a seed and a name alone, so that no part of the simulation disturbs another.

export class Random {
  #state: number;

  constructor(seed: number, ...names: readonly (string | number)[]) {
    this.#state = hashOf(seed, ...names);
  }

  /** Evenly in [0, 1). mulberry32, public domain. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    return mix(this.#state);
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[Math.floor(this.next() * list.length)] ?? list[0];
  }

  /** Picks by weight. */
  weighted<T>(list: readonly (readonly [T, number])[], fallback: T): T {
    let rest = this.next() * list.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [one, weight] of list) {
      rest -= weight;
      if (rest < 0) return one;
    }
    return fallback;
  }

  /** Time to the next event of a Poisson process. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Half lie below the median; sigma is that of the logarithm. */
  logNormal(median: number, sigma: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return median * Math.exp(sigma * normal);
  }
}

/** 32 bits of a seed and names: FNV-1a over their text, then MurmurHash3's finalizer. */
export function hashOf(seed: number, ...names: readonly (string | number)[]): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const name of names) {
    for (const letter of `/${name}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}

export function uuidOf(seed: number, ...names: readonly (string | number)[]): string {
  const hex = hexOf(seed, 32, ...names);
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}

export function hexOf(seed: number, digits: number, ...names: readonly (string | number)[]): string {
  let text = '';
  for (let part = 0; text.length < digits; part++) {
    text += (hashOf(seed, ...names, part) >>> 0).toString(16).padStart(8, '0');
  }
  return text.slice(0, digits);
}

/** Noise in [0, 1) of a moment: the same stream and number give the same value, whoever asks and how often. */
export function noiseAt(stream: number, number: number): number {
  return mix(Math.imul(stream ^ Math.imul(number, 0x9e3779b1), 0x85ebca6b) | 0);
}

/** Noise that wanders from value to value in steps of `period`. */
export function smoothNoiseAt(stream: number, timeS: number, period: number): number {
  const at = Math.floor(timeS / period);
  const share = timeS / period - at;
  return noiseAt(stream, at) * (1 - share) + noiseAt(stream, at + 1) * share;
}

function mix(state: number): number {
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}

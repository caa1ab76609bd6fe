// Whole counts of any size: a number while it is exact, a bigint beyond.
import type { Steps } from '#agent/contract';

/** undefined for what is no whole number without a sign. */
export function stepsOf(text: string): Steps | undefined {
  if (!/^\d{1,40}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

export function times(value: Steps, factor: number): Steps {
  const product = Number(value) * factor;
  return Number.isSafeInteger(product) ? product : BigInt(value) * BigInt(factor);
}

export function plus(a: Steps, b: Steps): Steps {
  const sum = Number(a) + Number(b);
  return Number.isSafeInteger(sum) ? sum : BigInt(a) + BigInt(b);
}

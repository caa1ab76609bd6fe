// Units of measure, as the last word of a metric's name says them (Prometheus base units).

/** What a metric row may be measured in. `none` is for info rows, states and enum numbers. */
export const units = [
  'bytes',
  'bytes_per_second',
  'seconds',
  'timestamp_seconds',
  'ratio',
  'celsius',
  'watts',
  'joules',
  'hertz',
  'rpm',
  'boolean',
  'count',
  'none',
] as const;
export type Unit = (typeof units)[number];

declare const unit: unique symbol;

/** A number that carries its unit in its type: what is not converted into it does not compile. */
export type Quantity<U extends Unit> = number & { readonly [unit]: U };

/** What a level of a unit is given as. Counts, switches and numbered states have no unit to be mistaken for another. */
export type Amount<U extends Unit> = U extends 'boolean' | 'count' | 'none' ? number : Quantity<U>;

// The casts below are the only places where a number gains a unit: the caller has just read or converted it.
export const bytes = (value: number): Quantity<'bytes'> => value as Quantity<'bytes'>;
export const bytesPerSecond = (value: number): Quantity<'bytes_per_second'> => value as Quantity<'bytes_per_second'>;
export const seconds = (value: number): Quantity<'seconds'> => value as Quantity<'seconds'>;
export const timestampSeconds = (value: number): Quantity<'timestamp_seconds'> =>
  value as Quantity<'timestamp_seconds'>;
export const ratio = (value: number): Quantity<'ratio'> => value as Quantity<'ratio'>;
export const celsius = (value: number): Quantity<'celsius'> => value as Quantity<'celsius'>;
export const hertz = (value: number): Quantity<'hertz'> => value as Quantity<'hertz'>;
export const rpm = (value: number): Quantity<'rpm'> => value as Quantity<'rpm'>;
export const watts = (value: number): Quantity<'watts'> => value as Quantity<'watts'>;

// Units of measure, as the last word of a metric's name says them (Prometheus base units).

declare const unit: unique symbol;

/** A plain number that carries its unit in its type. */
export type Quantity<U extends string> = number & { readonly [unit]: U };

export type Bytes = Quantity<'bytes'>;
export type BytesPerSecond = Quantity<'bytes_per_second'>;
export type Seconds = Quantity<'seconds'>;
export type Milliseconds = Quantity<'milliseconds'>;
export type Ratio = Quantity<'ratio'>;
export type Celsius = Quantity<'celsius'>;
export type Watts = Quantity<'watts'>;
export type Hertz = Quantity<'hertz'>;

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

// The casts below are the only places where a number gains a unit: the caller has just read it in that unit.
export const bytes = (value: number): Bytes => value as Bytes;
export const bytesPerSecond = (value: number): BytesPerSecond => value as BytesPerSecond;
export const seconds = (value: number): Seconds => value as Seconds;
export const milliseconds = (value: number): Milliseconds => value as Milliseconds;
export const ratio = (value: number): Ratio => value as Ratio;
export const celsius = (value: number): Celsius => value as Celsius;
export const watts = (value: number): Watts => value as Watts;
export const hertz = (value: number): Hertz => value as Hertz;

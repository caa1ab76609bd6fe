// What goes into the database.

/** One series in one minute. */
export interface Row {
  readonly series: number;
  readonly minute: number;
  readonly count: number;
  readonly weight: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** A new series, to be entered together with its first rows. */
export interface NewSeries {
  readonly id: number;
  readonly node: string;
  readonly metric: string;
  readonly labels: string;
}

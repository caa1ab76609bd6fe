// A metric family of another exporter's page.

export interface Family {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly values: readonly string[];
  /** As the other exporter computes it; a bigint where it counts in 64 bits. */
  readonly value: number | bigint;
}

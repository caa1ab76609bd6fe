// Where GPU time went, as /api/v1/ledger and /api/v1/verdicts tell it.

export interface LedgerRow {
  /** The values of the dimensions that were asked for. */
  readonly by: Readonly<Record<string, string>>;
  readonly gpu_seconds: number;
  /** Of all time in the answer. */
  readonly ratio: number;
  /** By the list price; null where none is set. */
  readonly cost: number | null;
}

export interface LedgerAnswer {
  readonly schema_version: number;
  /** Whole hours that hold what was asked for. */
  readonly from_ms: number;
  readonly to_ms: number;
  readonly by: readonly string[];
  readonly total_gpu_seconds: number;
  readonly currency: string | null;
  readonly rows: readonly LedgerRow[];
}

export interface VerdictsAnswer {
  readonly schema_version: number;
  readonly from_ms: number;
  readonly slot_ms: number;
  readonly slots: number;
  /** A byte of `raster` is an index into this; 255 = nothing was judged. */
  readonly classes: readonly string[];
  readonly gpus: readonly { readonly node: string; readonly gpu: string; readonly uuid: string }[];
  /** Base64: row after row, a byte per slot. */
  readonly raster: string;
}

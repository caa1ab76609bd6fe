// What a rank of a training job does and gets, and when all ranks pause.

/** What one rank does and gets; bandwidths and cores are those of its node. */
export interface RankParameters {
  /** Kernels of a step at full clock, and how they vary. */
  readonly computeS: number;
  readonly jitter: number;
  readonly gapShare: number;
  readonly sm: number;
  readonly dram: number;
  readonly tensor: number;
  readonly clock: number;
  /** Copies before the kernels, that nothing overlaps. */
  readonly copyS: number;
  readonly copyBps: number;
  readonly batchBytes: number;
  /** A batch waits at least so long for its data. */
  readonly fetchS: number;
  readonly storageBps: number;
  /** CPU time of a batch. */
  readonly prepS: number;
  readonly workers: number;
  readonly cores: number;
  /** The collective after the barrier, as far as nothing overlaps it, and what it moves. */
  readonly exposedS: number;
  readonly nvlinkBytes: number;
  readonly ibBytes: number;
  readonly mainShare: number;
  /** The loader is the main thread itself. */
  readonly loadsInMainThread: boolean;
}

export interface Span {
  readonly fromS: number;
  readonly toS: number;
}

/** Steps stop for these: all ranks together. */
export interface Pause extends Span {
  readonly kind: 'checkpoint' | 'gap' | 'eval';
  /** While rank 0 writes, the others wait in a collective. */
  readonly others: 'spin' | 'rest';
}

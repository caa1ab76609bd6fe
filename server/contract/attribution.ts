// How much is known of who has the GPUs: of the fleet, and of the list of jobs.

/** Of how many GPUs it is known who has them. */
export interface Attribution {
  readonly gpus: number;
  readonly attributed: number;
  /** Why not all; null where all are. */
  readonly problem: string | null;
  /** What is missing of how many GPUs, and on which nodes. */
  readonly reasons: readonly { readonly reason: string; readonly gpus: number; readonly nodes: readonly string[] }[];
  /** All of it in one line. */
  readonly text: string;
}

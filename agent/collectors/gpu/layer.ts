// Whose word on a GPU counts, best first: the carrier is read every tick, profiling adds what only DCGM counts, details are
// nvidia-smi's slow report.

export const layers = ['carrier', 'profiling', 'details'] as const;
export type Layer = (typeof layers)[number];

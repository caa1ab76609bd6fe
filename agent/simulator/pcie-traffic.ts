// What one GPU moves over PCIe: batches from the input pipeline, weights at the start, checkpoints, and what an InfiniBand
// adapter reads and writes in its memory.
import type { Pace } from './pace.ts';

export interface PcieLoad {
  /** From the GPU to the host. */
  readonly txBytesPerS: number;
  /** From the host to the GPU. */
  readonly rxBytesPerS: number;
}

export const noPcieLoad: PcieLoad = { txBytesPerS: 0, rxBytesPerS: 0 };

/** Sixteen lanes of generation 3, without their overhead. */
export const PCIE_BYTES_PER_S = 12.6e9;
/** Decoded pictures are larger than their files; tokens are what they were. */
const DECODED = 4.5;
const DECODING_CORES = 1;
/** Launches of kernels, and what comes back of them. */
const LAUNCHES_RX = 3e6;
const LAUNCHES_TX = 1.5e6;
const WEIGHTS_RX = 350e6;
const CELL_RX = 40e6;
const FEWEST_WRITERS = 4;

export function pcieLoadOf(pace: Pace, busy: number, fabricBytesPerS: number): PcieLoad {
  const host = hostTraffic(pace, busy);
  return {
    txBytesPerS: Math.min(host.txBytesPerS + fabricBytesPerS, PCIE_BYTES_PER_S),
    rxBytesPerS: Math.min(host.rxBytesPerS + fabricBytesPerS, PCIE_BYTES_PER_S),
  };
}

function hostTraffic({ job, phase, speed, progress }: Pace, busy: number): PcieLoad {
  const { needs, rhythm } = job;
  const launches = { txBytesPerS: LAUNCHES_TX * busy, rxBytesPerS: LAUNCHES_RX * busy };
  switch (phase) {
    case 'run': {
      const loaded = needs.dataset === 'none' ? 0 : needs.readBytesPerS * speed;
      const batches = loaded * (needs.loaderCores >= DECODING_CORES ? DECODED : 1);
      return { ...launches, rxBytesPerS: launches.rxBytesPerS + batches };
    }
    case 'startup':
      return { ...launches, rxBytesPerS: WEIGHTS_RX * progress };
    case 'burst':
      return { ...launches, rxBytesPerS: CELL_RX * busy };
    case 'checkpoint': {
      const writers = Math.max(FEWEST_WRITERS, Math.max(...job.places.map(({ gpus }) => gpus.length)));
      return { ...launches, txBytesPerS: rhythm.checkpointBytesPerS / writers };
    }
    case 'idle':
    case 'none':
      return launches;
  }
}

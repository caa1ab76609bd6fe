// The sources that this node may be read with, in order of preference.
import type { XidEvent } from '../../parse/gpu/xid-event.ts';
import type { GpuSource } from '../../sources/gpu-source.ts';
import { fastFields } from '../../parse/gpu/smi-csv-sheet.ts';
import { NvidiaSmi } from '../../sources/nvidia-smi.ts';
import type { CollectorContext } from '../collector.ts';

/** Kinds of children that ask the driver, as agent/command.ts tells them apart. */
export const driverKinds: ReadonlySet<string> = new Set([
  'gpu',
  'nvidia-smi',
  'nvidia-smi help',
  'nvidia-smi processes',
  'nvidia-smi details',
  'dcgmi',
]);

export interface NodeSources {
  /** Best first. */
  readonly carriers: readonly GpuSource[];
  readonly details: GpuSource | undefined;
  readonly profiling: readonly GpuSource[];
}

export function createSources(context: CollectorContext, onXid: (event: XidEvent) => void): NodeSources {
  void onXid;
  const { commands, gpuSources, intervalMs, monotonicMs, log } = context;
  const { nvidiaSmi } = gpuSources;
  const carriers: GpuSource[] = [];
  if (commands && nvidiaSmi !== undefined) {
    carriers.push(new NvidiaSmi({ commands, file: nvidiaSmi, fields: fastFields, intervalMs, monotonicMs, log }));
  }
  return { carriers, details: undefined, profiling: [] };
}

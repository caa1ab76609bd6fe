// The sources that this node may be read with, in order of preference.
import type { DcgmSwitch } from '../../parse/gpu/dcgm-page.ts';
import { fastFields } from '../../parse/gpu/smi-csv-sheet.ts';
import type { XidEvent } from '../../parse/gpu/xid-event.ts';
import { DcgmExporter, dcgmExporterUrl } from '../../sources/dcgm-exporter.ts';
import { Dcgmi } from '../../sources/dcgmi.ts';
import type { GpuSource } from '../../sources/gpu-source.ts';
import { NvidiaSmi } from '../../sources/nvidia-smi.ts';
import { NvidiaSmiDetails } from '../../sources/nvidia-smi-details.ts';
import { gpuReaderProgram, Nvml } from '../../sources/nvml.ts';
import { shareSource } from '../../sources/shared-source.ts';
import type { CollectorContext } from '../collector.ts';
import { withoutSecondAsker } from './no-second-asker.ts';

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
  /** What a dcgm-exporter says of NVSwitches now. */
  readonly switches: () => readonly DcgmSwitch[];
}

export function createSources(context: CollectorContext, onXid: (event: XidEvent) => void): NodeSources {
  const { commands, gpuSources } = context;
  const { nvml: library, nvidiaSmi, dcgmExporter, dcgmi } = gpuSources;
  const url = dcgmExporter === undefined ? undefined : dcgmExporterUrl(dcgmExporter);
  const exporter = url && new DcgmExporter({ ...context, url });
  const [page, pageBeside] = exporter ? shareSource(exporter) : [];
  const switches = (): readonly DcgmSwitch[] => exporter?.switches ?? [];
  if (!commands) {
    return { carriers: page ? [page] : [], details: undefined, profiling: pageBeside ? [pageBeside] : [], switches };
  }
  const asking = { ...context, commands: withoutSecondAsker(commands, driverKinds) };
  const nvml =
    library === undefined
      ? undefined
      : new Nvml({ ...asking, library, onXid, program: gpuReaderProgram(), processes: true });
  const smi = nvidiaSmi === undefined ? undefined : new NvidiaSmi({ ...asking, file: nvidiaSmi, fields: fastFields });
  return {
    carriers: [nvml, smi, page].filter((source) => source !== undefined),
    details: nvidiaSmi === undefined ? undefined : new NvidiaSmiDetails({ ...asking, file: nvidiaSmi }),
    profiling: pageBeside ? [pageBeside] : dcgmi === undefined ? [] : [new Dcgmi({ ...asking, file: dcgmi })],
    switches,
  };
}

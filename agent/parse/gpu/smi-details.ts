// What of `nvidia-smi -q -x` and `nvlink` is worth a minute's wait, as sheets. Lanes: agent/contract/metrics/gpu*.ts.
import { rowOf } from '#agent/contract';
import type { GpuColumn, GpuIdentity, GpuSheet } from './sheet.ts';
import type { NvlinkGpu } from './smi-nvlink.ts';

/** Fast rows that lose nothing by a minute: counts, and samples that nothing else here tells. */
const worthIt: ReadonlySet<string> = new Set([
  'gpu_throttle_seconds_total',
  'gpu_energy_joules_total',
  'gpu_nvlink_tx_bytes_total',
  'gpu_nvlink_rx_bytes_total',
  'gpu_pcie_tx_bytes_per_second',
  'gpu_pcie_rx_bytes_per_second',
  'gpu_bar1_memory_used_bytes',
]);

/** Processes are left out: they come and go faster. */
export function detailSheets(
  sheets: readonly GpuSheet[],
  links: readonly (readonly NvlinkGpu[])[],
): readonly GpuSheet[] {
  return sheets.map(({ identity, facts, loss, values, instances }) => {
    const ofLinks = loss === undefined ? links.flatMap((gpus) => linksOf(identity, gpus)?.values ?? []) : [];
    const kept = [...values, ...ofLinks].filter(({ column }) => isDetail(column));
    return { identity, facts, loss, values: kept, ...(instances && { instances }) };
  });
}

function isDetail({ id }: GpuColumn): boolean {
  const { lane } = rowOf(id);
  return lane === 'slow' || lane === 'inventory' || worthIt.has(id);
}

function linksOf(identity: GpuIdentity, gpus: readonly NvlinkGpu[]): NvlinkGpu | undefined {
  return gpus.find(({ gpu, uuid }) => uuid === identity.uuid && (identity.gpu === '' || gpu === identity.gpu));
}

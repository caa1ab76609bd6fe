// Why a value is not there, in words. Never 0, never a dash for all of them.
import type { AbsenceReason } from '#agent/contract';

export function absenceText(reason: AbsenceReason): string {
  switch (reason) {
    case 'not_present':
      return 'not here';
    case 'unsupported':
      return 'not supported';
    case 'forbidden':
      return 'needs permission';
    case 'timed_out':
      return 'timed out';
    case 'malformed':
      return 'malformed';
    case 'saturated':
      return 'at its ceiling';
  }
}

/** Areas that consist of devices, as one of them is called. */
const deviceAreas: Readonly<Record<string, string>> = {
  gpu: 'NVIDIA GPU',
  infiniband: 'InfiniBand',
  block: 'disk',
  nvme: 'NVMe drive',
  mounts: 'file system',
  network: 'network interface',
};
const readingAreas: Readonly<Record<string, string>> = {
  cpu: 'CPU',
  nfs: 'NFS',
  lustre: 'Lustre',
  gpfs: 'GPFS',
  gds: 'GPUDirect Storage',
  pcie: 'PCIe errors',
  edac: 'memory errors',
  hwmon: 'temperatures',
  process: 'processes of GPUs',
  jobs: 'jobs',
};
/** Most nodes have none of these: that is no news. That they cannot be read is. */
const optionalAreas: ReadonlySet<string> = new Set([
  'nfs',
  'lustre',
  'gpfs',
  'gds',
  'pcie',
  'edac',
  'hwmon',
  'process',
  'jobs',
]);

interface Missing {
  readonly area: string;
  readonly reason: AbsenceReason;
}

/** Those that are worth telling. */
export function toldMissing<M extends Missing>(missing: readonly M[]): readonly M[] {
  return missing.filter(({ area, reason }) => reason !== 'not_present' || !optionalAreas.has(area));
}

/** One sentence for an area that is wholly missing on a node. */
export function missingAreaText(area: string, reason: AbsenceReason): string {
  const name = areaName(area);
  switch (reason) {
    case 'not_present':
      return area in deviceAreas ? `No ${name} found.` : `${capital(name)}: nothing found to read.`;
    case 'unsupported':
      return `${capital(name)}: this node does not offer it.`;
    case 'forbidden':
      return `${capital(name)}: the agent may not read it.`;
    case 'timed_out':
      return `${capital(name)}: it does not answer.`;
    case 'malformed':
      return `${capital(name)}: its answer cannot be read.`;
    case 'saturated':
      return `${capital(name)}: its counters stand at their ceiling.`;
  }
}

/** All missing areas of a node in one line, by reason. */
export function missingAreasText(missing: readonly Missing[]): string {
  return [...Map.groupBy(toldMissing(missing), ({ reason }) => reason)]
    .map(([reason, list]) => `${absenceText(reason)}: ${list.map(({ area }) => areaName(area)).join(', ')}`)
    .join(' · ');
}

function areaName(area: string): string {
  return deviceAreas[area] ?? readingAreas[area] ?? area;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

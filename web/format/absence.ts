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
      return 'unreadable';
    case 'saturated':
      return 'at its ceiling';
  }
}

const areaNames: Readonly<Record<string, string>> = {
  gpu: 'NVIDIA GPU',
  infiniband: 'InfiniBand',
  block: 'disk',
  nvme: 'NVMe drive',
  mounts: 'file system',
  cpu: 'CPU reading',
  memory: 'memory reading',
  pressure: 'pressure reading',
  network: 'network interface',
  host: 'host description',
};

/** One sentence for an area that is wholly missing on a node. */
export function missingAreaText(area: string, reason: AbsenceReason): string {
  const name = areaNames[area] ?? area;
  switch (reason) {
    case 'not_present':
      return `No ${name} found.`;
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

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

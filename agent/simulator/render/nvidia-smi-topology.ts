// `nvidia-smi topo -m`: what lies between each two GPUs and adapters. Its legend is part of the output.
import type { NodeHardware } from '../hardware.ts';
import { linksBetween } from '../nvlink.ts';
import { pciDistance } from '../pci-layout.ts';
import { listOf } from './pci.ts';

const LEGEND = `
Legend:

  X    = Self
  SYS  = Connection traversing PCIe as well as the SMP interconnect between NUMA nodes (e.g., QPI/UPI)
  NODE = Connection traversing PCIe as well as the interconnect between PCIe Host Bridges within a NUMA node
  PHB  = Connection traversing PCIe as well as a PCIe Host Bridge (typically the CPU)
  PXB  = Connection traversing multiple PCIe bridges (without traversing the PCIe Host Bridge)
  PIX  = Connection traversing at most a single PCIe bridge
  NV#  = Connection traversing a bonded set of # NVLinks
`;
const UNDERLINED = '\u001b[4m';
const PLAIN = '\u001b[0m';

interface Device {
  readonly name: string;
  readonly bus: number;
  /** Undefined for an adapter. */
  readonly gpu: number | undefined;
  readonly affinity: string;
}

/** The header is underlined even into a pipe. */
export function renderTopology(hardware: NodeHardware): string {
  const devices = devicesOf(hardware);
  const header = `\t${UNDERLINED}${devices.map(({ name }) => name).join('\t')}\tCPU Affinity\tNUMA Affinity${PLAIN}\n`;
  const rows = devices.map((one) => {
    const cells = devices.map((other) => pathBetween(hardware, one, other));
    return `${one.name}\t${cells.join('\t')}\t${one.affinity}\n`;
  });
  return header + rows.join('') + LEGEND;
}

function devicesOf({ gpus, hcas, numaCpus }: NodeHardware): readonly Device[] {
  return [
    ...gpus.map(({ index, bus, numaNode }) => ({
      name: `GPU${index}`,
      bus,
      gpu: index,
      affinity: `${listOf(numaCpus[numaNode] ?? [])}\t${numaNode}`,
    })),
    ...hcas.map(({ name, bus }) => ({ name, bus, gpu: undefined, affinity: '' })),
  ];
}

function pathBetween({ platform }: NodeHardware, one: Device, other: Device): string {
  if (one === other) return ' X ';
  const links = one.gpu === undefined || other.gpu === undefined ? 0 : linksBetween(platform.name, one.gpu, other.gpu);
  return links > 0 ? `NV${links}` : pciDistance(platform, one.bus, other.bus);
}

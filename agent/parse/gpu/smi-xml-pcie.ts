// PCIe traffic of one GPU in `nvidia-smi -q -x`: a sample of 20 ms, which the tool sometimes fills with garbage.
import { absent, isAbsent, type Absence, type Quantity } from '#agent/contract';
import { columnOf, valueIn, type GpuValue } from './sheet.ts';
import { inKilobytesPerSecond, inLanes, plainNumber } from './smi-units.ts';
import { elementAt, type XmlElement } from './xml-elements.ts';

/** Bytes per second of one lane in one direction by generation, after line coding. PCI Express Base Specification. */
const laneBytesPerSecond = new Map([
  [1, 250e6],
  [2, 500e6],
  [3, 985e6],
  [4, 1969e6],
  [5, 3938e6],
  [6, 7563e6],
]);
/** The sample's window is not exact. */
const TOLERANCE = 1.1;

export function pcieValues(gpu: XmlElement): readonly GpuValue[] {
  const limit = linkLimit(gpu);
  const tx = rateAt(gpu, 'tx_util', limit);
  const rx = rateAt(gpu, 'rx_util', limit);
  return [
    ...(tx === undefined ? [] : [valueIn(columnOf('gpu_pcie_tx_bytes_per_second'), tx)]),
    ...(rx === undefined ? [] : [valueIn(columnOf('gpu_pcie_rx_bytes_per_second'), rx)]),
  ];
}

function rateAt(gpu: XmlElement, name: string, limit: number): Quantity<'bytes_per_second'> | Absence | undefined {
  const text = elementAt(gpu, ['pci', name])?.text;
  if (text === undefined) return undefined;
  const rate = inKilobytesPerSecond(text);
  return !isAbsent(rate) && rate > limit ? absent('malformed') : rate;
}

/** More than the link can carry is no reading. */
function linkLimit(gpu: XmlElement): number {
  const link = ['pci', 'pci_gpu_link_info'];
  const generation = plainNumber(elementAt(gpu, [...link, 'pcie_gen', 'max_link_gen'])?.text ?? '');
  const lanes = inLanes(elementAt(gpu, [...link, 'link_widths', 'max_link_width'])?.text ?? '');
  const perLane = isAbsent(generation) ? undefined : laneBytesPerSecond.get(generation);
  return perLane === undefined || isAbsent(lanes) ? Number.POSITIVE_INFINITY : perLane * lanes * TOLERANCE;
}

// PCI addresses and link speeds as sysfs and nvidia-smi print them. Documentation/ABI/testing/sysfs-bus-pci.

const address = /^(?:([\da-f]{4,8}):)?([\da-f]{2}:[\da-f]{2}\.[\da-f])$/i;

/** The catalogue's form of a PCI address: lower case, domain of eight digits. undefined if it is none. */
export function canonicalPciAddress(text: string): string | undefined {
  const match = address.exec(text.trim());
  return match?.[2] && `${(match[1] ?? '0').padStart(8, '0')}:${match[2]}`.toLowerCase();
}

/** The kernel's form, as in sys/bus/pci/devices: a domain of four digits. */
export function sysfsPciAddress(text: string): string | undefined {
  return canonicalPciAddress(text)?.replace(/^0{1,4}(?=[\da-f]{4,}:)/, '');
}

const generations = new Map([
  ['2.5', 1],
  ['5', 2],
  ['8', 3],
  ['16', 4],
  ['32', 5],
  ['64', 6],
]);

/** "16.0 GT/s PCIe" or "8 GT/s" → generation; undefined for "Unknown". */
export function pcieGenerationOf(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) GT\/s/.exec(text.trim());
  return match?.[1] === undefined ? undefined : generations.get(match[1].replace(/\.0$/, ''));
}

/** "16" → 16; undefined for 0, 255 and anything else that is no width of a link. */
export function pcieWidthOf(text: string): number | undefined {
  const lanes = /^\d{1,2}$/.test(text.trim()) ? Number(text) : 0;
  return lanes > 0 && lanes <= 32 ? lanes : undefined;
}

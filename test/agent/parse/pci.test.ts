// PCI addresses and link speeds in the spellings of sysfs and nvidia-smi.
import { describe, expect, it } from 'vitest';
import { canonicalPciAddress, pcieGenerationOf, pcieWidthOf, sysfsPciAddress } from '../../../agent/parse/pci.ts';

describe('PCI', () => {
  it.each([
    ['00000000:0A:00.0', '00000000:0a:00.0', '0000:0a:00.0'],
    ['0000:0A:00.0', '00000000:0a:00.0', '0000:0a:00.0'],
    ['0a:00.0', '00000000:0a:00.0', '0000:0a:00.0'],
    ['00010000:E1:00.0', '00010000:e1:00.0', '10000:e1:00.0'],
    ['10000:e1:00.0', '00010000:e1:00.0', '10000:e1:00.0'],
    ['0001:e1:00.0', '00000001:e1:00.0', '0001:e1:00.0'],
  ])('%s', (text, canonical, sysfs) => {
    expect(canonicalPciAddress(text)).toBe(canonical);
    expect(sysfsPciAddress(text)).toBe(sysfs);
  });

  it.each(['', 'virtio0', '0000:0a:00', 'xyz:0a:00.0', '000:0a:00.0'])('%j is no address', (text) => {
    expect(canonicalPciAddress(text)).toBeUndefined();
  });

  it('tells generation and width, and neither of what is unknown', () => {
    const speeds = ['2.5 GT/s', '5 GT/s', '8.0 GT/s PCIe', '16 GT/s\n', '32.0 GT/s PCIe', 'Unknown', '7 GT/s'];
    expect(speeds.map(pcieGenerationOf)).toEqual([1, 2, 3, 4, 5, undefined, undefined]);
    expect(['16\n', '8', '0', '255', 'x4', ''].map(pcieWidthOf)).toEqual([
      16,
      8,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

// The kernel log of a node: records as /dev/kmsg gives them. Documentation/ABI/testing/dev-kmsg.
import type { GpuHardware } from './hardware.ts';
import { pciAddress } from './pci-layout.ts';
import { noiseAt } from './random.ts';

export const KERNEL_VERSION = '5.15.0-91-generic';
export const DRIVER_VERSION = '470.82.01';

export interface KernelRecord {
  readonly sequence: number;
  readonly microseconds: number;
  readonly level: number;
  readonly text: string;
}

/** What a driver says without a level of its own. */
const WARNING = 4;
const NOTICE = 5;

export class KernelLog {
  readonly #records: KernelRecord[] = [];

  constructor() {
    this.write(0, `Linux version ${KERNEL_VERSION} (buildd@lcy02) #101~20.04.1-Ubuntu SMP`, NOTICE);
    this.write(9.4, `NVRM: loading NVIDIA UNIX x86_64 Kernel Module  ${DRIVER_VERSION}`, NOTICE);
  }

  get records(): readonly KernelRecord[] {
    return this.#records;
  }

  /** `upS` is the time since the node booted. */
  write(upS: number, text: string, level = WARNING): void {
    const microseconds = Math.max(Math.round(upS * 1e6), this.#records.at(-1)?.microseconds ?? 0);
    this.#records.push({ sequence: this.#records.length, microseconds, level, text });
  }
}

/** One record per line, as read(2) of /dev/kmsg returns them. */
export function renderRecord({ level, sequence, microseconds, text }: KernelRecord): string {
  return `${level},${sequence},${microseconds},-;${text}\n`;
}

export type XidCode = 13 | 31 | 63 | 79;

export interface Culprit {
  readonly pid: number;
  readonly name: string;
}

/** The lines of NVIDIA's driver 470 about an Xid. */
export function xidLines(gpu: GpuHardware, xid: XidCode, culprit: Culprit | undefined): readonly string[] {
  const address = pciAddress(gpu.bus);
  const place = address.slice(0, -2);
  const who = culprit ? `pid=${culprit.pid}, name=${culprit.name}` : `pid='<unknown>', name=<unknown>`;
  const detail = (text: string): string => `NVRM: Xid (PCI:${place}): ${xid}, ${who}, ${text}`;
  switch (xid) {
    case 13:
      return [
        detail(`Graphics SM Warp Exception on (GPC ${some(gpu, 6)}, TPC ${some(gpu, 7)}, SM 0): Out Of Range Address`),
        detail(`Graphics Exception: ESR 0x504730=0x108000e 0x504734=0x0 0x504728=0x4c1eb72 0x50472c=0x174`),
      ];
    case 31:
      return [
        detail(
          'Ch 00000012, intr 10000000. MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted @ 0x7f3a_c8000000. Fault is of type FAULT_PDE ACCESS_TYPE_READ',
        ),
      ];
    case 63:
      return [detail(`Dynamic Page Retirement: New page retired, reboot to activate (0x${pageOf(gpu)}).`)];
    case 79:
      return [
        `NVRM: GPU at PCI:${place}: ${gpu.uuid}`,
        `NVRM: GPU Board Serial Number: ${gpu.serial}`,
        detail('GPU has fallen off the bus.'),
        `NVRM: GPU ${address}: GPU has fallen off the bus.`,
      ];
  }
}

function some(gpu: GpuHardware, count: number): number {
  return Math.floor(noiseAt(gpu.bus, count) * count);
}

function pageOf(gpu: GpuHardware): string {
  return Math.floor(noiseAt(gpu.bus, 63) * 0x7fffff)
    .toString(16)
    .padStart(16, '0');
}

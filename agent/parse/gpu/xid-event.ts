// One Xid or SXid as NVML or the kernel log tells it. https://docs.nvidia.com/deploy/xid-errors/

export interface XidEvent {
  /** As `canonicalPciAddress` writes it; empty where only the UUID is known. */
  readonly pciBusId: string;
  /** Empty where only the address is known. */
  readonly uuid: string;
  readonly xid: number;
  /** Wall clock. */
  readonly timeMs: number;
  readonly pid: number | undefined;
  readonly source: 'nvml' | 'kernel_log';
  /** The log told what happened without giving the code; a line with the code may stand beside it. */
  readonly implied?: boolean;
}

/** The same of an NVSwitch; only the kernel log tells it. */
export interface SxidEvent {
  /** The number in `nvidia-nvswitch0`. */
  readonly nvswitch: string;
  readonly sxid: number;
  readonly fatal: boolean;
  /** Wall clock. */
  readonly timeMs: number;
}

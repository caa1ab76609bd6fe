// How much port time one tick of PortXmitWait is, in bytes (NVIDIA's ibdiagnet document: Quantum switches count 8 bytes,
// Switch-IB and SwitchX 32 bytes a lane). ConnectX-4 and -5 are undecided: then a range is known and no figure.
import type { FabricDevice, FabricPort } from '#agent/contract';

export interface TickBytes {
  readonly low: number;
  readonly high: number;
}

const SHORT = 8;
const LONG_PER_LANE = 32;
const USUAL_LANES = 4;

/** PCI device numbers. */
const quantum: ReadonlySet<number> = new Set([0xd2f0, 0xd2f2, 0xd2f4]);
const switchIb: ReadonlySet<number> = new Set([0xc738, 0xcb20, 0xcf08]);
/** ConnectX-3 and Connect-IB. */
const olderAdapters: ReadonlySet<number> = new Set([0x1003, 0x1007, 0x1011]);
/** ConnectX-6 and its successors, BlueField-2 and -3. */
const newerAdapters: ReadonlySet<number> = new Set([
  0x101b, 0x101c, 0x101d, 0x101e, 0x101f, 0x1021, 0x1023, 0x1025, 0xa2d6, 0xa2dc, 0xa2df,
]);

type Known = Pick<FabricPort, 'tickBytes' | 'widthLanes'>;

/** `learned`: a device that counted faster than the long tick allows has the short one. */
export function tickOf(device: Pick<FabricDevice, 'deviceId'>, port: Known, learned?: number): TickBytes {
  const known = port.tickBytes ?? learned ?? tableTick(device.deviceId, port.widthLanes ?? USUAL_LANES);
  return known === undefined ? { low: SHORT, high: longTick(port.widthLanes) } : { low: known, high: known };
}

export function longTick(widthLanes: number | null): number {
  return LONG_PER_LANE * (widthLanes ?? USUAL_LANES);
}

/** More than a link can lose, by more than the jitter of two readings. */
const IMPOSSIBLE_RATIO = 1.5;

/** The tick of a device that waited more long ticks than there is time for; undefined where that proves nothing. */
export function learnTick(lostAtLongTick: number): number | undefined {
  return lostAtLongTick > IMPOSSIBLE_RATIO ? SHORT : undefined;
}

function tableTick(deviceId: number | null, lanes: number): number | undefined {
  if (deviceId === null) return undefined;
  if (quantum.has(deviceId) || newerAdapters.has(deviceId)) return SHORT;
  return switchIb.has(deviceId) || olderAdapters.has(deviceId) ? LONG_PER_LANE * lanes : undefined;
}

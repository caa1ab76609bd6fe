// A port's rate: "56 Gb/sec (4X FDR)". Documentation/ABI/stable/sysfs-class-infiniband; lane speeds from the
// InfiniBand Architecture Specification, volume 2. The printed rate is the signalling rate up to FDR, the data rate from EDR on.
import { ParseError } from './parse-error.ts';

export interface PortRate {
  /** As printed. */
  readonly gigabitsPerSecond: number;
  readonly lanes: number;
  /** SDR, EDR, …; undefined where the kernel prints no word. */
  readonly speed: string | undefined;
}

export interface LaneSpeed {
  readonly signalGigabits: number;
  readonly dataGigabits: number;
}

const laneSpeeds = new Map<string, LaneSpeed>([
  ['SDR', { signalGigabits: 2.5, dataGigabits: 2 }],
  ['DDR', { signalGigabits: 5, dataGigabits: 4 }],
  ['QDR', { signalGigabits: 10, dataGigabits: 8 }],
  ['FDR10', { signalGigabits: 10.3125, dataGigabits: 10 }],
  ['FDR', { signalGigabits: 14.0625, dataGigabits: (14.0625 * 64) / 66 }],
  ['EDR', { signalGigabits: 25.78125, dataGigabits: 25 }],
  ['HDR', { signalGigabits: 53.125, dataGigabits: 50 }],
  ['NDR', { signalGigabits: 106.25, dataGigabits: 100 }],
  ['XDR', { signalGigabits: 212.5, dataGigabits: 200 }],
]);
// From here on the kernel prints the data rate, so that it can be believed without knowing the word.
const SLOWEST_DATA_LANE_GIGABITS = 25;

export function parsePortRate(text: string, source: string): PortRate {
  const match = /^\s*(\d+(?:\.\d+)?) Gb\/sec\s+\((\d+)X(?:\s+([^\s)]+))?\s*\)\s*$/.exec(text);
  if (!match?.[1] || !match[2]) throw new ParseError(source, text, 'N Gb/sec (WX SPEED)');
  return { gigabitsPerSecond: Number(match[1]), lanes: Number(match[2]), speed: match[3] };
}

/** What one lane does; undefined for a word that we do not know, and for none: old kernels print the slowest rate for links they do not know. */
export function laneSpeedOf(rate: PortRate): LaneSpeed | undefined {
  return rate.speed === undefined ? undefined : laneSpeeds.get(rate.speed);
}

/** Gb/s of payload and headers after line coding, the ceiling of utilisation; undefined where it cannot be known. */
export function dataGigabitsOf(rate: PortRate, linkLayer: string): number | undefined {
  // Other link layers borrow InfiniBand's words: Ethernet's 40 Gb/s is printed as QDR but carries 40; what EFA prints is made up.
  if (linkLayer === 'Ethernet') return rate.gigabitsPerSecond;
  if (linkLayer !== 'InfiniBand') return undefined;
  const lane = laneSpeedOf(rate);
  if (lane) return lane.dataGigabits * rate.lanes;
  return rate.gigabitsPerSecond / rate.lanes >= SLOWEST_DATA_LANE_GIGABITS ? rate.gigabitsPerSecond : undefined;
}

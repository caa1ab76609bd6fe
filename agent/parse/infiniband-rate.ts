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

/** What else is known of a port beside its rate. */
export interface PortNeighbours {
  readonly linkLayer: string;
  /** The speed of its network interface, in Gb/s; undefined where there is none or it does not say. */
  readonly interfaceGigabits: number | undefined;
}

const alone: PortNeighbours = { linkLayer: 'InfiniBand', interfaceGigabits: undefined };

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
/** What a lane adds to the speed of an IPoIB interface, where that tells the lane's speed for certain. */
const interfaceLanes = new Map([
  [2.5, 'SDR'],
  [5, 'DDR'],
  [14, 'FDR'],
  [25, 'EDR'],
  [50, 'HDR'],
  [100, 'NDR'],
  [200, 'XDR'],
]);
const SLOWEST_LANE_GIGABITS = 2.5;
// From here on the kernel prints the data rate, so that it can be believed without knowing the word.
const SLOWEST_DATA_LANE_GIGABITS = 25;
const MOST_LANES = 12;

export function parsePortRate(text: string, source: string): PortRate {
  const match = /^\s*(\d{1,6}(?:\.\d+)?) Gb\/sec\s+\((\d{1,2})X(?:\s+([^\s)]+))?\s*\)\s*$/.exec(text);
  const lanes = Number(match?.[2] ?? 0);
  if (!match?.[1] || lanes < 1 || lanes > MOST_LANES) throw new ParseError(source, text, 'N Gb/sec (WX SPEED)');
  return { gigabitsPerSecond: Number(match[1]), lanes, speed: match[3] };
}

/** Whether the rate may be what a kernel prints for links it does not know: the slowest one. Only then another source is asked. */
export function isDoubtful({ gigabitsPerSecond, lanes, speed }: PortRate): boolean {
  return (speed === undefined || speed === 'SDR') && gigabitsPerSecond / lanes === SLOWEST_LANE_GIGABITS;
}

/** What one lane does; undefined for a word that we do not know, and for none. */
export function laneSpeedOf(
  rate: PortRate,
  { linkLayer, interfaceGigabits }: PortNeighbours = alone,
): LaneSpeed | undefined {
  if (linkLayer !== 'InfiniBand' && linkLayer !== 'Ethernet') return undefined;
  if (isDoubtful(rate) && interfaceGigabits !== undefined) {
    // On Ethernet the width beside a rate that was made up is made up too.
    const word = linkLayer === 'Ethernet' ? undefined : interfaceLanes.get(interfaceGigabits / rate.lanes);
    return word === undefined ? undefined : laneSpeeds.get(word);
  }
  return rate.speed === undefined ? undefined : laneSpeeds.get(rate.speed);
}

/** Gb/s of payload and headers after line coding, the ceiling of utilisation; undefined where it cannot be known. */
export function dataGigabitsOf(rate: PortRate, neighbours: PortNeighbours): number | undefined {
  const { linkLayer, interfaceGigabits } = neighbours;
  // Other link layers borrow InfiniBand's words: Ethernet's 40 Gb/s is printed as QDR but carries 40; what EFA prints is made up.
  if (linkLayer === 'Ethernet') {
    return isDoubtful(rate) && interfaceGigabits !== undefined ? interfaceGigabits : rate.gigabitsPerSecond;
  }
  if (linkLayer !== 'InfiniBand') return undefined;
  const lane = laneSpeedOf(rate, neighbours);
  if (lane) return lane.dataGigabits * rate.lanes;
  return rate.gigabitsPerSecond / rate.lanes >= SLOWEST_DATA_LANE_GIGABITS ? rate.gigabitsPerSecond : undefined;
}

/** Gb/s of a network interface's `speed`, which is in Mb/s; undefined for -1 and what else says that it is not known. */
export function parseInterfaceGigabits(text: string): number | undefined {
  const megabits = /^\s*(\d{1,9})\s*$/.exec(text)?.[1];
  return megabits === undefined || Number(megabits) === 0 || Number(megabits) === 4294967295
    ? undefined
    : Number(megabits) / 1000;
}

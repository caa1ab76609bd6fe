// What a link carries after line coding, from the signalling rate of a lane (InfiniBand Architecture Specification, volume 2:
// 8b/10b up to QDR, 64b/66b up to EDR, PAM4 with Reed-Solomon correction from HDR on).

const GIGABIT = 125e6;

interface Speed {
  readonly name: string;
  readonly signalGigabits: number;
  readonly dataGigabits: number;
}

const speeds: readonly Speed[] = [
  { name: 'SDR', signalGigabits: 2.5, dataGigabits: 2 },
  { name: 'DDR', signalGigabits: 5, dataGigabits: 4 },
  { name: 'QDR', signalGigabits: 10, dataGigabits: 8 },
  { name: 'FDR10', signalGigabits: 10.3125, dataGigabits: 10 },
  { name: 'FDR', signalGigabits: 14.0625, dataGigabits: 13.636_363 },
  { name: 'EDR', signalGigabits: 25.78125, dataGigabits: 25 },
  { name: 'HDR', signalGigabits: 53.125, dataGigabits: 50 },
  { name: 'NDR', signalGigabits: 106.25, dataGigabits: 100 },
  { name: 'XDR', signalGigabits: 212.5, dataGigabits: 200 },
];

/** Tools print rates rounded, and some of them the data rate. */
const TOLERANCE = 0.02;

const speedOf = (laneBytesPerSecond: number): Speed | undefined => {
  const gigabits = laneBytesPerSecond / GIGABIT;
  return speeds.find(({ signalGigabits }) => Math.abs(gigabits / signalGigabits - 1) < TOLERANCE);
};

/** Bytes a second that a link of so many lanes carries; null where one of both is not known. */
export function dataRateOf(widthLanes: number | null, laneBytesPerSecond: number | null): number | null {
  if (widthLanes === null || laneBytesPerSecond === null || widthLanes <= 0 || laneBytesPerSecond <= 0) return null;
  const known = speedOf(laneBytesPerSecond);
  return widthLanes * (known ? known.dataGigabits * GIGABIT : laneBytesPerSecond);
}

/** `4X EDR`; a rate without a name is written out, what is not known is a question mark. */
export function renderSpeed(widthLanes: number | null, laneBytesPerSecond: number | null): string {
  const width = widthLanes === null ? '?X' : `${widthLanes}X`;
  return `${width} ${speedName(laneBytesPerSecond)}`;
}

/** `EDR`, or the rate of a lane where it has no name. */
export function speedName(laneBytesPerSecond: number | null): string {
  if (laneBytesPerSecond === null) return '?';
  return speedOf(laneBytesPerSecond)?.name ?? `${(laneBytesPerSecond / GIGABIT).toFixed(1)} Gb/s a lane`;
}

/** PCIe: bytes a second that a lane of a generation carries after line coding (8b/10b, then 128b/130b, then FLIT). */
const pcieLane = [NaN, 250e6, 500e6, 984.6e6, 1969.2e6, 3938.5e6, 7563e6] as const;

/** Bytes a second of a PCIe link in one direction; NaN where it is not known. */
export function pcieRateOf(generation: number, width: number): number {
  return (pcieLane[generation] ?? NaN) * width;
}

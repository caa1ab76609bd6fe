// How much port time one tick of PortXmitWait is, in bytes. Authority: NVIDIA's ibdiagnet document and its answers about
// ib-traffic-monitor: PortSamplesControl.Tick is 7 (8 bytes) on modern adapters, 31 (32 bytes on each lane) on older ones.
// Which ConnectX-4 and ConnectX-5 are is not said: unknown, until a port proves the smaller one or somebody configures it.

const MODERN_BYTES = 8;
const OLD_BYTES_PER_LANE = 32;
/** Two clocks and two reads that are not at the same instant: a port cannot be blamed for a few per cent. */
const CERTAIN_RATIO = 1.1;
/** Below this the jitter of a read is a part of the span that matters. */
const LEAST_SECONDS = 0.2;

/** By hca_type, the PCI device number in decimal. */
const generations = new Map<string, 'old' | 'modern'>([
  ...old('MT4099', 'MT4100', 'MT4103', 'MT4113', 'MT4114'), // ConnectX-3, ConnectX-3 Pro, Connect-IB
  ...modern('MT4123', 'MT4124', 'MT4125', 'MT4126', 'MT4127'), // ConnectX-6, Dx, Lx and virtual functions of these and later
  ...modern('MT4129', 'MT4131', 'MT41686', 'MT41692'), // ConnectX-7, ConnectX-8, BlueField-2, BlueField-3
]);

export interface TickSource {
  readonly hcaType: string;
  /** undefined while the port is not active. */
  readonly lanes: number | undefined;
  readonly configured: number | undefined;
  /** What `provesSmallTick` found for this kind of adapter. */
  readonly learned: boolean;
}

/** Bytes per tick; undefined = unknown. Who configures it is believed, a proof more than the table. */
export function tickBytesOf({ hcaType, lanes, configured, learned }: TickSource): number | undefined {
  if (configured !== undefined) return configured;
  if (learned) return MODERN_BYTES;
  switch (generations.get(hcaType)) {
    case 'modern':
      return MODERN_BYTES;
    case 'old':
      return lanes === undefined ? undefined : largeTickBytes(lanes);
    case undefined:
      return undefined;
  }
}

export interface WaitSpan {
  readonly ticks: number;
  readonly seconds: number;
  readonly lanes: number;
  readonly dataBytesPerSecond: number;
}

/** A port cannot wait longer than the time that passed: more ticks than that at the larger size prove the smaller one. */
export function provesSmallTick({ ticks, seconds, lanes, dataBytesPerSecond }: WaitSpan): boolean {
  if (seconds < LEAST_SECONDS || dataBytesPerSecond <= 0) return false;
  return (ticks * largeTickBytes(lanes)) / (seconds * dataBytesPerSecond) > CERTAIN_RATIO;
}

function largeTickBytes(lanes: number): number {
  return OLD_BYTES_PER_LANE * lanes;
}

function old(...types: readonly string[]): readonly (readonly [string, 'old'])[] {
  return types.map((type) => [type, 'old'] as const);
}

function modern(...types: readonly string[]): readonly (readonly [string, 'modern'])[] {
  return types.map((type) => [type, 'modern'] as const);
}

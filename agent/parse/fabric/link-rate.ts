// Rates of links as infiniband-diags print them: ibnetdiscover a name (4xEDR), iblinkinfo Gb/s on the wire (25.78125 Gbps).
// Signalling rates of the names: InfiniBand Architecture Specification, volume 2.

export interface LinkRate {
  readonly widthLanes: number | null;
  /** On the wire, before line coding is taken off. */
  readonly laneBytesPerSecond: number | null;
}

const BYTES_PER_GIGABIT = 125_000_000;

const signalGigabits = new Map([
  ['SDR', 2.5],
  ['DDR', 5],
  ['QDR', 10],
  ['FDR10', 10.3125],
  ['FDR', 14.0625],
  ['EDR', 25.78125],
  ['HDR', 53.125],
  ['NDR', 106.25],
  ['XDR', 212.5],
]);

/** `4xEDR`, `4x EDR`, `2x HDR`, `4x ???`, `?????` of a port that did not answer; undefined if the text is none of these. */
export function parseLinkRate(text: string): LinkRate | undefined {
  const [, lanes, name] = /^(?:(\d+)x|\?\?) ?([A-Z]+\d*|\?+)$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  return { widthLanes: lanes === undefined ? null : Number(lanes), laneBytesPerSecond: byName(name) };
}

/** `25.78125 Gbps`, or the name of a speed; null for a speed that we do not know. */
export function laneSpeed(text: string): number | null {
  const [, gigabits] = /^(\d+(?:\.\d+)?) Gbps/.exec(text) ?? [];
  return gigabits === undefined ? byName(text) : Number(gigabits) * BYTES_PER_GIGABIT;
}

function byName(speed: string): number | null {
  const gigabits = signalGigabits.get(speed);
  return gigabits === undefined ? null : gigabits * BYTES_PER_GIGABIT;
}

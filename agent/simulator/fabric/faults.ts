// What is wrong with the fabric today: a bad cable between two switches, an adapter's link that came up too slow, one that goes
// down for some seconds once an hour, and a rack
// whose leaves deal their destinations to too few uplinks. All of it follows from the seed.
import { noiseAt, Random } from '../random.ts';
import type { Fabric } from './topology.ts';

export interface LinkState {
  readonly up: boolean;
  readonly lanes: number;
  /** Gb/s of a lane on the wire. */
  readonly laneGigabits: number;
}

export interface FabricFaults {
  /** Numbers are those of cables. */
  readonly badCable: { readonly cable: number; readonly fromS: number } | undefined;
  readonly slowLink: { readonly cable: number; readonly state: LinkState } | undefined;
  readonly flapping:
    { readonly cable: number; readonly firstS: number; readonly everyS: number; readonly forS: number } | undefined;
  /** Indices of switches. */
  readonly crowdedLeaves: readonly number[];
}

export const noFabricFaults: FabricFaults = {
  badCable: undefined,
  slowLink: undefined,
  flapping: undefined,
  crowdedLeaves: [],
};

export const EDR_GIGABITS = 25.78125;
const FDR_GIGABITS = 14.0625;
export const healthyLink: LinkState = { up: true, lanes: 4, laneGigabits: EDR_GIGABITS };

const HOUR_S = 3600;
/** Of the two HGX-2 racks. */
const RACKS: readonly [readonly string[], readonly string[]] = [
  ['leaf3', 'leaf4'],
  ['leaf5', 'leaf6'],
];

/** The first node looks at the fabric and so keeps its links. */
export function planFabricFaults(seed: number, fabric: Fabric): FabricFaults {
  const random = new Random(seed, 'fabric faults');
  const uplinks = numbersOf(fabric, 'uplink');
  const hosts = numbersOf(fabric, 'host').filter((cable) => !nameAt(fabric, cable).startsWith('node01 '));
  const slow = pick(hosts, random);
  const flapping = pick(
    hosts.filter((cable) => cable !== slow),
    random,
  );
  const bad = pick(uplinks, random);
  const rack = random.pick(RACKS);
  return {
    badCable: bad === undefined ? undefined : { cable: bad, fromS: -2 * HOUR_S },
    slowLink: slow === undefined ? undefined : { cable: slow, state: slowState(random) },
    flapping:
      flapping === undefined
        ? undefined
        : { cable: flapping, firstS: random.between(150, 260), everyS: HOUR_S, forS: random.integer(6, 12) },
    crowdedLeaves: rack.map((leaf) => indexOf(fabric, leaf)).filter((index) => index >= 0),
  };
}

/** Two of four lanes came up, or all of them at the speed of the generation before. */
function slowState(random: Random): LinkState {
  return random.chance(0.5) ? { ...healthyLink, lanes: 2 } : { ...healthyLink, laneGigabits: FDR_GIGABITS };
}

export function linkStateOf({ slowLink, flapping }: FabricFaults, cable: number, timeS: number): LinkState {
  if (slowLink?.cable === cable) return slowLink.state;
  if (flapping?.cable === cable && isDown(flapping, timeS)) return { ...healthyLink, up: false };
  return healthyLink;
}

function isDown({ firstS, everyS, forS }: NonNullable<FabricFaults['flapping']>, timeS: number): boolean {
  return timeS >= firstS && (timeS - firstS) % everyS < forS;
}

/** Errors that a port has seen, by the names of its counters in sysfs. */
export interface PortErrors {
  readonly symbol_error: number;
  readonly link_error_recovery: number;
  readonly link_downed: number;
  readonly port_rcv_errors: number;
}

const SYMBOLS_PER_S = [0.42, 0.12] as const;
const RECOVERY_EVERY_S = 430;
const RECEIVE_ERROR_EVERY_S = 95;
const FLAPS_BEFORE = 3;

/** `side` is the end of the cable; one end of a bad cable sees more than the other. `before` came with reboots and the like. */
export function errorsOf(
  { badCable, flapping }: FabricFaults,
  { cable, side, timeS, before }: { cable: number; side: 0 | 1; timeS: number; before: PortErrors },
): PortErrors {
  if (badCable?.cable === cable && timeS > badCable.fromS) {
    const badS = timeS - badCable.fromS;
    return {
      ...before,
      symbol_error: before.symbol_error + jagged(badS * SYMBOLS_PER_S[side], cable + side),
      link_error_recovery: before.link_error_recovery + Math.floor(badS / RECOVERY_EVERY_S),
      port_rcv_errors: before.port_rcv_errors + Math.floor((badS * (2 - side)) / 2 / RECEIVE_ERROR_EVERY_S),
    };
  }
  if (flapping?.cable !== cable) return before;
  const flaps = timeS < flapping.firstS ? 0 : 1 + Math.floor((timeS - flapping.firstS) / flapping.everyS);
  return { ...before, link_downed: before.link_downed + FLAPS_BEFORE + flaps };
}

/** Errors come in bunches: now and then none for some seconds, never fewer than before. */
function jagged(count: number, stream: number): number {
  const bunch = Math.floor(count / BUNCH);
  return bunch * BUNCH + Math.floor(Math.min(count - bunch * BUNCH, BUNCH * noiseAt(stream, bunch)));
}

const BUNCH = 5;

function numbersOf({ cables }: Fabric, tier: 'host' | 'uplink'): readonly number[] {
  return cables.flatMap((cable, number) => (cable.tier === tier ? [number] : []));
}

function indexOf({ devices }: Fabric, leaf: string): number {
  return devices.findIndex(({ name }) => name.includes(`;${leaf}:`));
}

function nameAt({ cables, devices }: Fabric, cable: number): string {
  return devices[cables[cable]?.ends[0].device ?? -1]?.name ?? '';
}

function pick(list: readonly number[], random: Random): number | undefined {
  return list[random.integer(0, list.length - 1)];
}

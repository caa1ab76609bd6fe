// Which way packets go: the table of each switch follows from the destination alone, as a subnet manager fills it, with the
// destinations dealt to the uplinks in turn.
import { FIRST_UPLINK, SPINES, UPLINKS_PER_SPINE, type Cable, type Fabric, type FabricEnd } from './topology.ts';

/** One direction of a cable: the cable's number times two, plus which end sends. */
export type DirectedLink = number;

const UPLINKS = SPINES * UPLINKS_PER_SPINE;
/** To so few uplinks a crowded leaf deals its destinations. */
const CROWDED_UPLINKS = 2;

export interface Routes {
  /** From adapter to adapter, the sender's own cable first. */
  path(from: number, to: number): readonly DirectedLink[];
}

export function buildRoutes(fabric: Fabric, crowdedLeaves: readonly number[]): Routes {
  const hosts = new Map(
    fabric.cables.flatMap(({ tier, ends: [adapter, leaf] }, cable) =>
      tier === 'host' ? [[adapter.device, { cable, leaf: leaf.device }] as const] : [],
    ),
  );
  // In turn by LID, as the adapters were numbered.
  const order = new Map([...hosts.keys()].map((device, index) => [device, index]));
  const known = new Map<number, readonly DirectedLink[]>();
  const find = (from: number, to: number): readonly DirectedLink[] => {
    const [sender, receiver] = [hosts.get(from), hosts.get(to)];
    if (!sender || !receiver || from === to) return [];
    const down = receiver.cable * 2 + 1;
    if (sender.leaf === receiver.leaf) return [sender.cable * 2, down];
    const number = order.get(to) ?? 0;
    const uplink = number % (crowdedLeaves.includes(sender.leaf) ? CROWDED_UPLINKS : UPLINKS);
    const up = fabric.cableAt({ device: sender.leaf, port: FIRST_UPLINK + uplink }) ?? 0;
    const spine = Math.floor(uplink / UPLINKS_PER_SPINE);
    const downlink = FIRST_UPLINK + spine * UPLINKS_PER_SPINE + (number % UPLINKS_PER_SPINE);
    const below = fabric.cableAt({ device: receiver.leaf, port: downlink }) ?? 0;
    return [sender.cable * 2, up * 2, below * 2 + 1, down];
  };
  return {
    path: (from, to) => {
      const key = from * fabric.devices.length + to;
      const path = known.get(key) ?? find(from, to);
      known.set(key, path);
      return path;
    },
  };
}

/** The port that sends into a link. */
export function senderOf({ cables }: Fabric, link: DirectedLink): FabricEnd | undefined {
  return endOf(cables[link >> 1], link & 1);
}

function endOf(cable: Cable | undefined, side: number): FabricEnd | undefined {
  return cable?.ends[side === 0 ? 0 : 1];
}

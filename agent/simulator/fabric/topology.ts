// The InfiniBand fabric of the simulated cluster: a tree of 36-port EDR switches. A rack's adapters are cabled to leaves of its
// own, sixteen to each (an HGX-2 rack has one leaf for rails 0-3 and one for rails 4-7), with eight uplinks: four to each of
// two spines. Two to one, so that jobs within a rack have all they want and large ones across racks can meet.
import type { NodeHardware } from '../hardware.ts';
import { hexOf } from '../random.ts';

export interface FabricDevice {
  readonly kind: 'switch' | 'hca';
  /** 16 hex digits; of an adapter also that of its port. */
  readonly guid: string;
  readonly name: string;
  readonly lid: number;
  readonly ports: number;
  /** PCI device number. */
  readonly deviceId: number;
  /** Switch-IB 2 counts errors in 64 bits, ConnectX-4 and -5 in the plain set's widths. */
  readonly wideErrors: boolean;
}

export interface FabricEnd {
  /** Index of the device. */
  readonly device: number;
  readonly port: number;
}

export interface Cable {
  readonly tier: 'host' | 'uplink';
  /** The lower end first: adapter and leaf, or leaf and spine. */
  readonly ends: readonly [FabricEnd, FabricEnd];
}

export interface Fabric {
  /** Spines, leaves, adapters in the order of nodes. */
  readonly devices: readonly FabricDevice[];
  readonly cables: readonly Cable[];
  /** Index of the cable in a port; undefined for an empty one. */
  cableAt(end: FabricEnd): number | undefined;
  /** Index of a node's adapter. */
  adapter(node: number, hca: number): number;
}

export const SPINES = 2;
export const UPLINKS_PER_SPINE = 4;
export const SWITCH_PORTS = 36;
const HCAS_PER_LEAF_AND_NODE = 4;
const NODES_PER_RACK = 4;
/** Ports 1-16 lead down, 17-24 up. */
export const FIRST_UPLINK = 17;
const SWITCH_DEVICE = 0xcf08;
const CONNECTX_4 = 0x1013;
const CONNECTX_5 = 0x1017;
/** The subnet manager runs in the first spine; adapters have 2 and up. */
const SPINE_LIDS = [1, 200] as const;
const FIRST_LEAF_LID = 201;

export function buildFabric(seed: number, nodes: readonly NodeHardware[]): Fabric {
  const leafNames = leavesOf(nodes);
  const spines = SPINE_LIDS.map((lid, index) => describeSwitch(seed, `spine${index + 1}`, lid));
  const leaves = leafNames.map((_, index) => describeSwitch(seed, `leaf${index + 1}`, FIRST_LEAF_LID + index));
  const adapters = nodes.flatMap((node) => node.hcas.map((_, hca) => ({ node, hca })));
  const firstAdapter = spines.length + leaves.length;
  const index = new Map(adapters.map(({ node, hca }, at) => [keyOf(node.index, hca), firstAdapter + at]));
  const adapter = (node: number, hca: number): number => index.get(keyOf(node, hca)) ?? -1;
  const cables = [
    ...adapters.map(({ node, hca }) => hostCable(node, hca, { adapter, leaf: leafNames.indexOf(leafOf(node, hca)) })),
    ...leaves.flatMap((_, leaf) => uplinksOf(leaf)),
  ];
  const byEnd = new Map(cables.flatMap(({ ends }, cable) => ends.map((end) => [keyOf(end.device, end.port), cable])));
  return {
    devices: [...spines, ...leaves, ...adapters.map(({ node, hca }) => describeAdapter(node, hca))],
    cables,
    cableAt: ({ device, port }) => byEnd.get(keyOf(device, port)),
    adapter,
  };
}

function describeSwitch(seed: number, name: string, lid: number): FabricDevice {
  return {
    kind: 'switch',
    guid: `7cfe900300${hexOf(seed, 6, 'switch', name)}`,
    name: `MF0;${name}:MSB7800/U1`,
    lid,
    ports: SWITCH_PORTS,
    deviceId: SWITCH_DEVICE,
    wideErrors: true,
  };
}

function describeAdapter({ name, hcas, platform }: NodeHardware, hca: number): FabricDevice {
  const { guid = '', lid = 0, name: device = '' } = hcas[hca] ?? {};
  return {
    kind: 'hca',
    guid,
    name: `${name} ${device}`,
    lid,
    ports: 1,
    deviceId: platform.hca.type === 'MT4115' ? CONNECTX_4 : CONNECTX_5,
    wideErrors: false,
  };
}

/** Rack by rack, the lower rails first. */
function leavesOf(nodes: readonly NodeHardware[]): readonly string[] {
  return [...new Set(nodes.flatMap((node) => node.hcas.map((_, hca) => leafOf(node, hca))))].toSorted();
}

function leafOf({ rack }: NodeHardware, hca: number): string {
  return `${rack}/${Math.floor(hca / HCAS_PER_LEAF_AND_NODE)}`;
}

function hostCable(
  node: NodeHardware,
  hca: number,
  { adapter, leaf }: { readonly adapter: Fabric['adapter']; readonly leaf: number },
): Cable {
  const place = (node.index % NODES_PER_RACK) * HCAS_PER_LEAF_AND_NODE + (hca % HCAS_PER_LEAF_AND_NODE);
  return {
    tier: 'host',
    ends: [
      { device: adapter(node.index, hca), port: 1 },
      { device: SPINES + leaf, port: 1 + place },
    ],
  };
}

function uplinksOf(leaf: number): readonly Cable[] {
  return Array.from({ length: SPINES * UPLINKS_PER_SPINE }, (_, uplink): Cable => {
    const [spine, link] = [Math.floor(uplink / UPLINKS_PER_SPINE), uplink % UPLINKS_PER_SPINE];
    return {
      tier: 'uplink',
      ends: [
        { device: SPINES + leaf, port: FIRST_UPLINK + uplink },
        { device: spine, port: 1 + leaf * UPLINKS_PER_SPINE + link },
      ],
    };
  });
}

function keyOf(device: number, port: number): string {
  return `${device}/${port}`;
}

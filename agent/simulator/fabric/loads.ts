// What flows through the fabric: each job's nodes send round a ring, adapter to adapter; where more is sent than a link carries,
// all jobs on it get their share, and a ring is as fast as its slowest flow. Ports that must hold back count the time.
import type { NodeHardware } from '../hardware.ts';
import { PORT_BYTES_PER_S, type PortLoad } from '../host-model.ts';
import type { Pace } from '../pace.ts';
import type { Place, RunningJob } from '../queue.ts';
import { noiseAt } from '../random.ts';
import { EDR_GIGABITS, type LinkState } from './faults.ts';
import type { DirectedLink, Routes } from './routes.ts';
import type { Fabric } from './topology.ts';

export interface FabricLoads {
  /** By cable: bytes per second and share of time held back, as the first and as the second end sends. */
  readonly links: readonly (readonly [LinkLoad, LinkLoad])[];
  /** Share of what a job wants to send that it can; 1 where it is not told. */
  readonly shares: ReadonlyMap<RunningJob, number>;
}

export interface LinkLoad {
  bytesPerS: number;
  waitShare: number;
}

interface Flow {
  readonly job: RunningJob;
  readonly bytesPerS: number;
  readonly waitShare: number;
  readonly path: readonly DirectedLink[];
}

/** Management packets. */
const IDLE_BYTES_PER_S = 300;
/** What gets through of a link's data rate. */
const USABLE = 0.97;
/** From this load on packets find others before them. */
const FULL = 0.9;
/** Of the wait at a full link its feeders see this share: credits come back late. */
const PUSHED_BACK = 0.25;
const FDR_DATA_SHARE = (14.0625 * 64) / 66 / 25;

export interface FabricSituation {
  readonly fabric: Fabric;
  readonly routes: Routes;
  readonly nodes: readonly NodeHardware[];
  readonly paces: Iterable<Pace>;
  readonly stateOf: (cable: number) => LinkState;
  readonly timeS: number;
}

export function fabricLoadsOf(situation: FabricSituation): FabricLoads {
  const { fabric, stateOf } = situation;
  const flows = [...situation.paces].flatMap((pace) => flowsOf(pace, situation));
  const demand = new Float64Array(fabric.cables.length * 2);
  for (const { path, bytesPerS } of flows) for (const link of path) demand[link] = (demand[link] ?? 0) + bytesPerS;
  const overload = demand.map((bytes, link) => bytes / (USABLE * dataBytesPerS(stateOf(link >> 1)) || Infinity));
  const shares = sharesOf(flows, { overload, stateOf });
  const links = fabric.cables.map((): [LinkLoad, LinkLoad] => [idle(), idle()]);
  const at = (link: DirectedLink): LinkLoad | undefined => links[link >> 1]?.[link & 1 ? 1 : 0];
  for (const flow of flows) addFlow(flow, { share: shares.get(flow.job) ?? 1, overload, at });
  return { links, shares };
}

/** Data rate of a link, without its coding. */
export function dataBytesPerS({ up, lanes, laneGigabits }: LinkState): number {
  if (!up) return 0;
  return PORT_BYTES_PER_S * (lanes / 4) * (laneGigabits === EDR_GIGABITS ? 1 : FDR_DATA_SHARE);
}

/** The loads of a node's own ports. */
export function portLoadsOf({ fabric }: FabricSituation, { links }: FabricLoads, node: NodeHardware): PortLoad[] {
  return node.hcas.map((_, hca) => {
    const cable = fabric.cableAt({ device: fabric.adapter(node.index, hca), port: 1 }) ?? -1;
    const [sent, received] = links[cable] ?? [idle(), idle()];
    return { rxBytesPerS: received.bytesPerS, txBytesPerS: sent.bytesPerS, waitShare: sent.waitShare };
  });
}

function flowsOf({ job, phase, speed }: Pace, { fabric, routes, nodes, timeS }: FabricSituation): readonly Flow[] {
  if (phase !== 'run' || job.places.length < 2) return [];
  return job.places.flatMap((place, index) => {
    const next = job.places[(index + 1) % job.places.length] ?? place;
    const receivers = portsOf(nodes[next.node], next);
    return portsOf(nodes[place.node], place).map(({ hca, share }, at): Flow => {
      const from = fabric.adapter(place.node, hca);
      const to = fabric.adapter(next.node, receivers[at % receivers.length]?.hca ?? 0);
      const noise = 0.94 + 0.12 * noiseAt(from, Math.floor(timeS));
      const bytesPerS = share * speed * job.needs.fabricLoad * noise * PORT_BYTES_PER_S;
      return { job, bytesPerS, waitShare: share * job.needs.fabricWait * noise, path: routes.path(from, to) };
    });
  });
}

/** A node's GPUs share its ports evenly: each port serves its neighbours. */
function portsOf(node: NodeHardware | undefined, place: Place): readonly { hca: number; share: number }[] {
  if (!node) return [];
  const perPort = node.gpus.length / node.hcas.length;
  return node.hcas.flatMap((_, hca) => {
    const own = place.gpus.filter((gpu) => Math.floor(gpu / perPort) === hca).length;
    return own === 0 ? [] : [{ hca, share: own / perPort }];
  });
}

function sharesOf(
  flows: readonly Flow[],
  { overload, stateOf }: { readonly overload: Float64Array; readonly stateOf: FabricSituation['stateOf'] },
): ReadonlyMap<RunningJob, number> {
  const shares = new Map<RunningJob, number>();
  for (const { job, path } of flows) {
    // Packets wait for a link that is down; the ring waits with them.
    const open = path.every((link) => stateOf(link >> 1).up);
    const fullest = Math.max(1, ...path.map((link) => overload[link] ?? 0));
    shares.set(job, Math.min(shares.get(job) ?? 1, open ? 1 / fullest : 0));
  }
  return shares;
}

function addFlow(
  { path, bytesPerS, waitShare }: Flow,
  {
    share,
    overload,
    at,
  }: { readonly share: number; readonly overload: Float64Array; readonly at: (link: number) => LinkLoad | undefined },
): void {
  for (const [hop, link] of path.entries()) {
    const load = at(link);
    if (!load) continue;
    load.bytesPerS += bytesPerS * share;
    if (hop === 0) load.waitShare += waitShare;
    load.waitShare = Math.max(load.waitShare, waitAt(overload[link] ?? 0));
    const next = path[hop + 1];
    if (next !== undefined) load.waitShare = Math.max(load.waitShare, PUSHED_BACK * waitAt(overload[next] ?? 0));
  }
}

/** The more is wanted beyond what a link carries, the longer a packet waits for its turn. */
function waitAt(overload: number): number {
  return overload <= FULL ? 0 : Math.min(0.9, 1 - FULL / overload);
}

function idle(): LinkLoad {
  return { bytesPerS: IDLE_BYTES_PER_S, waitShare: 0 };
}

// The fabric as it stands: states, counters and errors of all its ports, stepped with the jobs that load it.
import type { NodeHardware } from '../hardware.ts';
import { PortCounters } from '../host-counters.ts';
import type { PortLoad } from '../host-model.ts';
import type { Pace } from '../pace.ts';
import type { RunningJob } from '../queue.ts';
import { Random } from '../random.ts';
import { errorsOf, linkStateOf, noFabricFaults, type FabricFaults, type LinkState, type PortErrors } from './faults.ts';
import { fabricLoadsOf, portLoadsOf, type FabricLoads, type FabricSituation } from './loads.ts';
import { buildRoutes, type Routes } from './routes.ts';
import { buildFabric, type Fabric, type FabricEnd } from './topology.ts';

/** What an adapter's own files tell of its port besides traffic. */
export interface PortHealth {
  readonly link: LinkState;
  readonly errors: PortErrors;
}

/** One port as a sweep sees it. */
export interface FabricPortView extends PortHealth {
  readonly end: FabricEnd;
  readonly peer: FabricEnd;
  /** Of an adapter's port the very counts that its files show. */
  readonly counters: PortCounters;
}

/** Switches have ticks of eight bytes, as Switch-IB 2 and later do. */
const SWITCH_TICKS_PER_S = 12.5e9 / 8;

export class FabricModel {
  readonly fabric: Fabric;
  readonly #seed: number;
  readonly #nodes: readonly NodeHardware[];
  readonly #faults: FabricFaults;
  readonly #routes: Routes;
  /** Of the switch ports, by cable and end; adapters keep their own. */
  readonly #counters: readonly (readonly (PortCounters | undefined)[])[];
  readonly #before: readonly (readonly [PortErrors, PortErrors])[];
  #loads: FabricLoads = { links: [], shares: new Map() };
  #timeS = 0;

  constructor(seed: number, nodes: readonly NodeHardware[], faults: FabricFaults = noFabricFaults) {
    this.#seed = seed;
    this.#nodes = nodes;
    this.#faults = faults;
    this.fabric = buildFabric(seed, nodes);
    this.#routes = buildRoutes(this.fabric, faults.crowdedLeaves);
    this.#counters = this.fabric.cables.map(({ ends }, cable) => ends.map((end) => this.#startCounters(end, cable)));
    this.#before = this.fabric.cables.map((_, cable) => [this.#errorsBefore(cable, 0), this.#errorsBefore(cable, 1)]);
  }

  /** Lets the jobs send for some seconds. Gives the share of what each wanted to send that it could. */
  advance(paces: Iterable<Pace>, timeS: number, seconds: number): ReadonlyMap<RunningJob, number> {
    this.#timeS = timeS;
    this.#loads = fabricLoadsOf(this.#situation(paces));
    for (const [cable, [up, down]] of this.#loads.links.entries()) {
      for (const [side, [sent, received]] of [[up, down] as const, [down, up] as const].entries()) {
        const load = { txBytesPerS: sent.bytesPerS, rxBytesPerS: received.bytesPerS, waitShare: sent.waitShare };
        this.#counters[cable]?.[side]?.add(load, seconds);
      }
    }
    return this.#loads.shares;
  }

  /** Of a node's own ports. */
  portLoads(node: NodeHardware): PortLoad[] {
    return portLoadsOf(this.#situation([]), this.#loads, node);
  }

  portHealth(node: NodeHardware): readonly PortHealth[] {
    return node.hcas.map((_, hca) => {
      const cable = this.fabric.cableAt({ device: this.fabric.adapter(node.index, hca), port: 1 }) ?? -1;
      return this.#healthOf(cable, 0);
    });
  }

  /** Every port with a cable. `adapterCounters` are by node and adapter. */
  ports(adapterCounters: (device: number) => PortCounters | undefined): readonly FabricPortView[] {
    return this.fabric.cables.flatMap(({ ends }, cable) =>
      ([0, 1] as const).flatMap((side) => {
        const [end, peer] = [ends[side], ends[side === 0 ? 1 : 0]];
        const counters = this.#counters[cable]?.[side] ?? adapterCounters(end.device);
        return counters ? [{ end, peer, counters, ...this.#healthOf(cable, side) }] : [];
      }),
    );
  }

  #healthOf(cable: number, side: 0 | 1): PortHealth {
    const before = this.#before[cable]?.[side] ?? noErrors;
    const timeS = this.#timeS;
    return {
      link: linkStateOf(this.#faults, cable, timeS),
      errors: errorsOf(this.#faults, { cable, side, timeS, before }),
    };
  }

  #situation(paces: Iterable<Pace>): FabricSituation {
    const stateOf = (cable: number): LinkState => linkStateOf(this.#faults, cable, this.#timeS);
    return { fabric: this.fabric, routes: this.#routes, nodes: this.#nodes, paces, stateOf, timeS: this.#timeS };
  }

  #startCounters(end: FabricEnd, cable: number): PortCounters | undefined {
    if (this.fabric.devices[end.device]?.kind !== 'switch') return undefined;
    const random = new Random(this.#seed, 'switch port', cable, end.device);
    return new PortCounters(random, { ticksPerS: SWITCH_TICKS_PER_S, waitCeiling: Infinity });
  }

  /** Some adapters had symbol errors; every reboot of a node took its link down once at the switch. */
  #errorsBefore(cable: number, side: 0 | 1): PortErrors {
    const { tier, ends } = this.fabric.cables[cable] ?? {};
    if (tier !== 'host' || !ends) return noErrors;
    if (side === 1) return { ...noErrors, link_downed: new Random(this.#seed, 'reboots', cable).integer(1, 3) };
    const adapters = this.#nodes.flatMap(({ hcas }) => hcas);
    const guid = this.fabric.devices[ends[0].device]?.guid;
    return { ...noErrors, symbol_error: adapters.find((hca) => hca.guid === guid)?.symbolErrors ?? 0 };
  }
}

const noErrors: PortErrors = { symbol_error: 0, link_error_recovery: 0, link_downed: 0, port_rcv_errors: 0 };

// Reads one subnet, round by round: link states and counters every time, the topology when it is old or something changed.
// One tool at a time. What fails is told in the sweep; topology and states of before stay then, counters do not.
import type { FabricSweep } from '#agent/contract';
import type { Clock } from '../clock.ts';
import { discoveryParser, isWholeDiscovery, type Discovery } from '../parse/fabric/ibnetdiscover.ts';
import { linkInfoParser, type LinkLine } from '../parse/fabric/iblinkinfo.ts';
import { errorParser, type QueriedErrors } from '../parse/fabric/ibqueryerrors.ts';
import { assembleSweep, placeOfLink } from './assemble.ts';
import { DeviceTraits } from './device-traits.ts';
import { countPorts, type PortCounts } from './port-counts.ts';
import { PortDetails } from './port-details.ts';
import { Round } from './round.ts';
import { nameSilent, unansweredIn, type KnownDevice, type SilenceContext } from './silent-nodes.ts';
import type { ToolRunner } from './tool-runner.ts';
import type { FabricTools } from './tools.ts';
import { placeKey, Topology, type PortPlace } from './topology.ts';
import { FabricUnreadable } from './unreadable.ts';

export interface SubnetReaderOptions {
  readonly tools: FabricTools;
  readonly runner: ToolRunner;
  readonly clock: Clock;
  readonly topologyIntervalMs: number;
  /** The prefix of the GIDs of a port of this host; undefined where it is not known or everybody's. */
  readonly prefixOf: (portGuid: string) => string | undefined;
}

const TOPOLOGY_TIMEOUT_MS = 60_000;
const TIMEOUT_MS = 45_000;
const ACTIVE = 4;
/** Thresholds of the site would hide counters. */
const allErrors = ['--threshold-file', '/dev/null'];

export class SubnetReader {
  readonly #options: SubnetReaderOptions;
  readonly #traits: DeviceTraits | undefined;
  readonly #details: PortDetails | undefined;
  readonly #lastPeers = new Map<string, KnownDevice>();
  #topology: Topology | undefined;
  #links: { readonly lines: readonly LinkLine[]; readonly atMs: number } | undefined;
  /** States and LinkDowned of the last round, by placeKey. */
  #states: ReadonlyMap<string, string> = new Map();
  #downed: ReadonlyMap<string, string> = new Map();

  constructor(options: SubnetReaderOptions) {
    this.#options = options;
    const { tools, runner } = options;
    if (tools.perfquery === undefined) return;
    this.#traits = new DeviceTraits(tools.perfquery, runner);
    this.#details = new PortDetails(tools.perfquery, runner);
  }

  /** One round. Throws FabricUnreadable as long as there has been no topology or no link listing. */
  async read(): Promise<FabricSweep> {
    const { clock } = this.#options;
    const round = new Round(clock.wallMs());
    await this.#readTopologyIfOld(round);
    let links = await this.#readLinks(round);
    if (this.#statesChanged(links)) await this.#readTopology(round);
    await this.#traits?.read(this.#known(), activePlaces(links, this.#known()));
    const counts = await this.#readCounts(round);
    if (this.#wentDown(counts)) {
      await this.#readTopology(round);
      links = await this.#readLinks(round);
      this.#statesChanged(links);
    }
    // Rates are between the times of the counters; what follows is besides.
    const endedMs = clock.wallMs();
    const topology = this.#known();
    const details = await this.#details?.read(topology, counts);
    return assembleSweep({
      ...{ topology, links, counts, details: details ?? new Map(), endedMs },
      ...{ startedMs: round.startedMs, problems: round.problems, subnet: this.#subnet(topology) },
      silent: [...nameSilent(round, this.#context(topology))],
      tickBytes: (guid, lanes) => this.#traits?.tickBytes(topology, guid, lanes) ?? null,
      hasWideErrors: (guid) => this.#traits?.hasWideErrors(topology, guid) ?? false,
    });
  }

  async #readTopologyIfOld(round: Round): Promise<void> {
    const ageMs = this.#topology && round.startedMs - this.#topology.readMs;
    // The wall clock may have been set back.
    if (ageMs === undefined || ageMs < 0 || ageMs >= this.#options.topologyIntervalMs) await this.#readTopology(round);
  }

  /** Once in a round is enough. */
  async #readTopology(round: Round): Promise<void> {
    const { tools, runner, clock } = this.#options;
    if (this.#topology && this.#topology.readMs === round.startedMs) return;
    const result = await runner.run({
      ...{ file: tools.ibnetdiscover, args: [], timeoutMs: TOPOLOGY_TIMEOUT_MS, parser: discoveryParser() },
      isWhole: isWholeDiscovery,
    });
    const discovery = round.take('ibnetdiscover', result, 'discovery');
    if (discovery) this.#keep(new Topology(this.#withNames(discovery), round.startedMs));
    else if (!this.#topology) throw new FabricUnreadable(round.problems.join('; '));
    else round.problems.push(`the topology is ${ageOf(this.#topology.readMs, clock)} old`);
  }

  /** A device that did not tell its description this time is still called, and is still, what it was. */
  #withNames(discovery: Discovery): Discovery {
    const known = this.#topology?.devices;
    const devices = discovery.devices.map((device) => {
      const before = device.name === '' ? known?.get(device.guid) : undefined;
      return before ? { ...device, name: before.name, kind: before.kind } : device;
    });
    return { ...discovery, devices };
  }

  #keep(topology: Topology): void {
    this.#topology = topology;
    for (const [key, peer] of topology.peers) {
      const device = topology.devices.get(peer.guid);
      if (device) this.#lastPeers.set(key, { ...device, lid: topology.lidOf(peer) });
    }
  }

  async #readLinks(round: Round): Promise<readonly LinkLine[]> {
    const { tools, runner, clock } = this.#options;
    const result = await runner.run({
      ...{ file: tools.iblinkinfo, args: ['-l'], timeoutMs: TIMEOUT_MS, parser: linkInfoParser() },
      isWhole: (lines) => lines.length > 0,
    });
    const lines = round.take('iblinkinfo', result, 'discovery');
    if (lines) this.#links = { lines, atMs: clock.wallMs() };
    else if (!this.#links) throw new FabricUnreadable(round.problems.join('; '));
    else round.problems.push(`link states are ${ageOf(this.#links.atMs, clock)} old`);
    return this.#links.lines;
  }

  /** Whether a port is in another state, or leads elsewhere, than in the last round. */
  #statesChanged(links: readonly LinkLine[]): boolean {
    const states = new Map(
      links.map(({ guid, port, state, peer }) => [
        placeKey({ guid: guid ?? '', port }),
        `${state ?? ''} ${peer?.guid ?? ''} ${peer?.port ?? ''}`,
      ]),
    );
    const before = this.#states;
    this.#states = states;
    if (before.size === 0) return false;
    return before.size !== states.size || [...states].some(([key, state]) => before.get(key) !== state);
  }

  async #readCounts(round: Round): Promise<ReadonlyMap<string, PortCounts>> {
    const data = await this.#queryErrors(round, ['--counters']);
    const errors = await this.#queryErrors(round, allErrors);
    const topology = this.#known();
    const silence = errors && round.counts.at(-1);
    return countPorts({
      ...{ data, errors, topology },
      unanswered: silence ? unansweredIn(silence, this.#context(topology)) : new Set(),
      countsWait: (guid) => this.#traits?.countsWait(topology, guid) ?? false,
    });
  }

  async #queryErrors(round: Round, args: readonly string[]): Promise<QueriedErrors | undefined> {
    const { tools, runner } = this.#options;
    const result = await runner.run({
      ...{ file: tools.ibqueryerrors, args, timeoutMs: TIMEOUT_MS, parser: errorParser() },
      isWhole: ({ summary }) => summary !== undefined,
    });
    return round.take(['ibqueryerrors', ...args].join(' '), result, 'counts');
  }

  #wentDown(counts: ReadonlyMap<string, PortCounts>): boolean {
    const downed = new Map([...counts].map(([key, { counters }]) => [key, counters['LinkDownedCounter'] ?? '']));
    const before = this.#downed;
    if (counts.size > 0) this.#downed = downed;
    return [...downed].some(([key, count]) => count !== '' && (before.get(key) ?? count) !== count);
  }

  /** Read once before anything else is. */
  #known(): Topology {
    if (!this.#topology) throw new Error('no topology has been read');
    return this.#topology;
  }

  #context(topology: Topology): SilenceContext {
    return { topology, lastPeers: this.#lastPeers };
  }

  #subnet(topology: Topology): string {
    const { origin, devices } = topology.discovery;
    const portGuid = origin?.portGuid ?? devices[0]?.guid ?? '';
    return this.#options.prefixOf(portGuid) ?? portGuid;
  }
}

function activePlaces(links: readonly LinkLine[], topology: Topology): readonly PortPlace[] {
  return links.flatMap((link) => (link.state === ACTIVE ? (placeOfLink(link, topology) ?? []) : []));
}

function ageOf(atMs: number, clock: Clock): string {
  return `${Math.round((clock.wallMs() - atMs) / 1000)} s`;
}

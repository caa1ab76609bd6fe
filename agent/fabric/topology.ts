// The subnet as ibnetdiscover listed it, to be asked: whose GUID is it, what is at the other end, where does a path lead?
import type { DiscoveredDevice, Discovery } from '../parse/fabric/ibnetdiscover.ts';

export interface PortPlace {
  /** Of the device. */
  readonly guid: string;
  readonly port: number;
}

export const placeKey = ({ guid, port }: PortPlace): string => `${guid}/${port}`;

export class Topology {
  readonly discovery: Discovery;
  /** Wall clock. */
  readonly readMs: number;
  readonly devices: ReadonlyMap<string, DiscoveredDevice>;
  readonly #byPortGuid = new Map<string, PortPlace>();
  readonly #portGuids = new Map<string, string>();
  readonly #peers = new Map<string, PortPlace>();
  readonly #lids = new Map<string, number>();

  constructor(discovery: Discovery, readMs: number) {
    this.discovery = discovery;
    this.readMs = readMs;
    this.devices = new Map(discovery.devices.map((device) => [device.guid, device]));
    for (const { guid, port, portGuid, lid, peer, peerPortGuid } of discovery.ports) {
      this.#addPort({ guid, port }, portGuid);
      this.#addPort(peer, peerPortGuid);
      this.#peers.set(placeKey({ guid, port }), peer);
      // A listing that was cut shows some links from one end only.
      if (!this.#peers.has(placeKey(peer))) this.#peers.set(placeKey(peer), { guid, port });
      if (lid !== null) this.#lids.set(placeKey({ guid, port }), lid);
    }
  }

  get peers(): ReadonlyMap<string, PortPlace> {
    return this.#peers;
  }

  portGuidOf(place: PortPlace): string | null {
    return this.#portGuids.get(placeKey(place)) ?? null;
  }

  /** The LID to ask about a port: a switch answers for all of its ports. */
  lidOf(place: PortPlace): number | null {
    return this.#lids.get(placeKey(place)) ?? this.devices.get(place.guid)?.lid ?? null;
  }

  /** The port of a line that names a port of an adapter by the port's GUID, and a switch by its own. */
  byPortGuid(guid: string, port: number): PortPlace | undefined {
    const place = this.#byPortGuid.get(guid);
    if (place?.port === port) return place;
    return this.byDeviceGuid(guid, port);
  }

  /** The port of a line that names every device by its own GUID. */
  byDeviceGuid(guid: string, port: number): PortPlace | undefined {
    return this.devices.has(guid) ? { guid, port } : undefined;
  }

  /** Out of which port of which device a directed path leaves last; undefined where it leads through what is not known. */
  walk(path: readonly number[]): PortPlace | undefined {
    const guid = this.discovery.origin?.guid;
    if (guid === undefined || !this.devices.has(guid)) return undefined;
    let at: string | undefined = guid;
    for (const [step, port] of path.entries()) {
      if (at === undefined) return undefined;
      if (step === path.length - 1) return { guid: at, port };
      at = this.#peers.get(placeKey({ guid: at, port }))?.guid;
    }
    return undefined;
  }

  #addPort(place: PortPlace, portGuid: string | null): void {
    if (portGuid === null) return;
    this.#byPortGuid.set(portGuid, place);
    this.#portGuids.set(placeKey(place), portGuid);
  }
}

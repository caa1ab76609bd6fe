// Names those who did not answer: the tools tell a path of port numbers, a LID, or a name.
import type { FabricSweep } from '#agent/contract';
import type { FailedQuery, Silence } from '../parse/fabric/silent.ts';
import { placeKey, type PortPlace, type Topology } from './topology.ts';

export type SilentNode = FabricSweep['silent'][number];

export interface KnownDevice {
  readonly guid: string;
  readonly name: string;
  readonly lid: number | null;
}

export interface SilenceContext {
  readonly topology: Topology;
  /** What was at the other end of a port when that last answered; by placeKey. */
  readonly lastPeers: ReadonlyMap<string, KnownDevice>;
}

export interface RoundSilence {
  /** Of every tool that looked for devices in this round. */
  readonly discoveries: readonly Silence[];
  /** Of those that asked for counters. */
  readonly counts: readonly Silence[];
}

/** Who answered none of the tools: one that answered another one was slow. */
export function nameSilent({ discoveries, counts }: RoundSilence, context: SilenceContext): readonly SilentNode[] {
  const hidden = inAll(discoveries.map(({ paths }) => paths.map(({ path }) => atEndOf(path, context))));
  const mute = inAll(counts.map(({ queries }) => queries.flatMap((query) => whoIs(query, context))));
  return [...new Map([...mute, ...hidden].map((node) => [keyOf(node), node])).values()];
}

/** Devices without an answer to one tool; what it does not say of them is not known. */
export function unansweredIn(silence: Silence, context: SilenceContext): ReadonlySet<string> {
  const nodes = [
    ...silence.paths.map(({ path }) => atEndOf(path, context)),
    ...silence.queries.flatMap((query) => whoIs(query, context)),
  ];
  return new Set(nodes.flatMap(({ guid }) => guid ?? []));
}

function inAll(lists: readonly (readonly SilentNode[])[]): readonly SilentNode[] {
  const [first = [], ...others] = lists;
  const keys = others.map((list) => new Set(list.map(keyOf)));
  return first.filter((node) => keys.every((set) => set.has(keyOf(node))));
}

function keyOf({ guid, lid, name, behind }: SilentNode): string {
  return guid ?? (behind ? placeKey(behind) : `${lid ?? ''} ${name}`);
}

function atEndOf(path: readonly number[], { topology, lastPeers }: SilenceContext): SilentNode {
  const place = topology.walk(path);
  if (!place) return { guid: null, lid: null, name: `at the end of path ${path.join(',')}` };
  const known = lastPeers.get(placeKey(place));
  return {
    guid: known?.guid ?? null,
    lid: known?.lid ?? null,
    name: known?.name ?? behindName(place, topology),
    behind: place,
  };
}

function behindName({ guid, port }: PortPlace, topology: Topology): string {
  return `behind ${topology.devices.get(guid)?.name ?? guid} port ${port}`;
}

/** Nobody, where neither a LID nor a name is told. */
function whoIs({ lid, name }: FailedQuery, { topology }: SilenceContext): readonly SilentNode[] {
  if (lid === null && name === '') return [];
  const device = findDevice(topology, lid, name);
  return [{ guid: device?.guid ?? null, lid: device?.lid ?? lid, name: device?.name ?? (name || `LID ${lid ?? ''}`) }];
}

/** By LID, else by a name that only one device has. */
function findDevice(topology: Topology, lid: number | null, name: string): KnownDevice | undefined {
  const devices = [...topology.devices.values()];
  if (lid === null) {
    const named = devices.filter((device) => device.name === name);
    return named.length === 1 ? named[0] : undefined;
  }
  const port = topology.discovery.ports.find((one) => one.lid === lid);
  const device = port ? topology.devices.get(port.guid) : devices.find((one) => one.lid === lid);
  return device && { ...device, lid };
}

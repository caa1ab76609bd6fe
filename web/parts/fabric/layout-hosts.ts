// The bottom row: one square per host port, under the leaf it is plugged into, the ports of one host side by side. Pure.
import { linkKey, type LinkEnd, type LinkRow } from './links.ts';
import type { HostLabel, Square } from './shapes.ts';

export interface HostGroup {
  readonly x: number;
  readonly width: number;
}

export interface HostRow {
  readonly width: number;
  readonly groups: ReadonlyMap<string, HostGroup>;
  readonly squares: readonly Square[];
  readonly labels: readonly HostLabel[];
}

const LARGEST_SQUARE = 8;
const SMALLEST_PITCH = 4;
const LARGEST_PITCH = 10;
/** Between two hosts, and between two leaves, in squares. */
const HOST_GAP = 0.6;
const LEAF_GAP = 1.6;
/** In pixels. */
const WIDEST_GAP = 28;
/** A leaf with few hosts still has room for its name. */
const LEAST_PORTS = 6;
/** Ports that are in no leaf: hosts at spines, hosts back to back. */
const ELSEWHERE = '';

interface Port {
  readonly end: LinkEnd;
  readonly link: number;
  readonly host: string;
}

interface Group {
  readonly leaf: string;
  readonly hosts: readonly (readonly Port[])[];
  /** In squares. */
  readonly span: number;
}

export function placeHosts(
  leaves: readonly string[],
  rows: readonly LinkRow[],
  { room, y }: { readonly room: number; readonly y: number },
): HostRow {
  const groups = groupsOf(leaves, rows);
  const spans = groups.reduce((sum, { span }) => sum + span + LEAF_GAP, 0);
  const pitch = Math.max(SMALLEST_PITCH, room / Math.max(1, spans));
  const slots = new Map<string, HostGroup>();
  const squares: Square[] = [];
  const labels: HostLabel[] = [];
  let left = 0;
  for (const { leaf, hosts, span } of groups) {
    const slot = { x: left, width: (span + LEAF_GAP) * pitch };
    slots.set(leaf, slot);
    placeGroup(hosts, slot, { pitch: Math.min(pitch, LARGEST_PITCH), y, squares, labels });
    left += slot.width;
  }
  return { width: Math.max(room, Math.floor(left)), groups: slots, squares, labels };
}

interface Target {
  readonly pitch: number;
  readonly y: number;
  readonly squares: Square[];
  readonly labels: HostLabel[];
}

function placeGroup(hosts: Group['hosts'], slot: HostGroup, { pitch, y, squares, labels }: Target): void {
  // Hosts stand apart as far as there is room.
  const free = slot.width - LEAF_GAP * pitch - hosts.reduce((sum, ports) => sum + ports.length * pitch, 0);
  const gap = Math.max(0, Math.min(WIDEST_GAP, free / Math.max(1, hosts.length)));
  const used = hosts.reduce((sum, ports) => sum + ports.length * pitch, 0) + gap * Math.max(0, hosts.length - 1);
  const size = Math.min(LARGEST_SQUARE, pitch - 1);
  let x = slot.x + (slot.width - used) / 2;
  for (const ports of hosts) {
    for (const [at, { end, link }] of ports.entries())
      squares.push({ key: linkKey(end.view), link, x: x + at * pitch + (pitch - size) / 2, y, size });
    const width = ports.length * pitch;
    labels.push({ text: ports[0]?.host ?? '', x: x + width / 2, y: y + 16, width: width + gap });
    x += width + gap;
  }
}

function groupsOf(leaves: readonly string[], rows: readonly LinkRow[]): readonly Group[] {
  const known = new Set(leaves);
  const ports = rows.flatMap((row, link) =>
    [row.near, row.far].flatMap((end, at) => {
      if (end.device?.kind !== 'hca') return [];
      const { guid } = (at === 0 ? row.far : row.near).view;
      return [{ end, link, host: hostOf(end), leaf: known.has(guid) ? guid : ELSEWHERE }];
    }),
  );
  const byLeaf = Map.groupBy(ports, ({ leaf }) => leaf);
  const order = byLeaf.has(ELSEWHERE) ? [...leaves, ELSEWHERE] : leaves;
  return order.map((leaf) => groupOf(leaf, byLeaf.get(leaf) ?? []));
}

function groupOf(leaf: string, ports: readonly Port[]): Group {
  const byHost = Map.groupBy(ports.toSorted(byName), ({ host }) => host);
  // Where each host has one port only, nothing needs to be held together.
  const gap = byHost.size === ports.length ? 0 : HOST_GAP;
  const span = Math.max(LEAST_PORTS, ports.length + byHost.size * gap);
  return { leaf, hosts: [...byHost.values()], span };
}

const hostOf = ({ node, device, name }: LinkEnd): string => node ?? device?.host ?? name;

const byName = (a: Port, b: Port): number =>
  compare(a.host, b.host) || compare(a.end.name, b.end.name) || a.end.view.port - b.end.view.port;
const compare = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

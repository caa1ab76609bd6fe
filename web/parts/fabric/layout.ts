// Where everything of a fabric stands: the highest switches on top, leaves below, the ports of hosts at the bottom under their
// leaf. Pure; pixels of the page.
import type { FabricDeviceView, FabricView } from '#server/contract';
import { placeHosts, type HostGroup } from './layout-hosts.ts';
import { joinBoxes } from './layout-wires.ts';
import type { LinkRow } from './links.ts';
import { BOX_HEIGHT, type Box, type FabricLayout } from './shapes.ts';

const TITLE_HEIGHT = 20;
/** From one row of boxes to the next. */
const ROW_STEP = 148;
const HOSTS_BELOW = 116;
const FOOT = 20;
const WIDEST_BOX = 132;
const NARROWEST_BOX = 10;

type Devices = FabricView['devices'];

/** Wider than `room` where host ports would be too small to be pointed at. */
export function layOutFabric(devices: Devices, rows: readonly LinkRow[], room: number): FabricLayout {
  const tiers = tiersOf(devices, rows);
  const leaves = tiers.at(-1)?.devices ?? [];
  const below = placeHosts(
    leaves.map(({ guid }) => guid),
    rows,
    { room, y: heightOf(tiers.length) },
  );
  const boxes = tiers.flatMap(({ devices: some }, row) =>
    row === tiers.length - 1 ? boxesOverGroups(some, below.groups, row) : boxesAcross(some, below.width, row),
  );
  return {
    width: below.width,
    height: heightOf(tiers.length) + (below.squares.length > 0 ? FOOT + TITLE_HEIGHT : 0),
    boxes,
    squares: below.squares,
    hosts: below.labels,
    wires: joinBoxes(rows, boxes, below.squares),
    titles: [
      ...tiers.map(({ title }, row) => ({ text: title, y: topOf(row) - TITLE_HEIGHT / 2 })),
      ...(below.squares.length > 0
        ? [{ text: 'host ports', y: heightOf(tiers.length) + FOOT + TITLE_HEIGHT / 2 }]
        : []),
    ],
  };
}

const topOf = (row: number): number => TITLE_HEIGHT + row * ROW_STEP;
/** Where the host ports are. */
const heightOf = (tiers: number): number => (tiers === 0 ? TITLE_HEIGHT : topOf(tiers - 1) + BOX_HEIGHT + HOSTS_BELOW);

interface Tier {
  readonly title: string;
  readonly devices: readonly FabricDeviceView[];
}

/** What is neither host nor in reach of one is drawn above all, if anything leads to it. */
function tiersOf(devices: Devices, rows: readonly LinkRow[]): readonly Tier[] {
  const linked = new Set(rows.flatMap(({ near, far }) => [near.view.guid, far.view.guid]));
  const others = devices.filter(({ tier, guid }) => tier === 'other' && linked.has(guid));
  const switches = devices.filter(({ tier }) => tier === 'leaf' || tier === 'spine');
  const levels = [...Map.groupBy(switches, ({ level }) => level ?? 1)].toSorted(([a], [b]) => b - a);
  const named = levels.map(([level, some]) => ({ title: titleOf(level, levels.length), devices: byName(some) }));
  return [...(others.length > 0 ? [{ title: 'other devices', devices: byName(others) }] : []), ...named];
}

function titleOf(level: number, levels: number): string {
  if (level === 1) return 'leaf switches';
  return levels > 2 ? `spine switches, level ${level}` : 'spine switches';
}

const byName = (devices: readonly FabricDeviceView[]): readonly FabricDeviceView[] =>
  devices.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }) || a.guid.localeCompare(b.guid));

function boxOf({ guid, name }: FabricDeviceView, slot: { x: number; width: number }, row: number): Box {
  const width = Math.max(NARROWEST_BOX, Math.min(WIDEST_BOX, slot.width - 8));
  return { guid, name: name === '' ? guid : name, x: slot.x + (slot.width - width) / 2, y: topOf(row), width, row };
}

function boxesAcross(devices: readonly FabricDeviceView[], width: number, row: number): readonly Box[] {
  const slot = width / Math.max(1, devices.length);
  return devices.map((device, at) => boxOf(device, { x: at * slot, width: slot }, row));
}

function boxesOverGroups(
  devices: readonly FabricDeviceView[],
  groups: ReadonlyMap<string, HostGroup>,
  row: number,
): readonly Box[] {
  return devices.map((device) => boxOf(device, groups.get(device.guid) ?? { x: 0, width: 0 }, row));
}

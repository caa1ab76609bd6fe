// Tiers of the map: spines above leaves above host ports, hosts under their own leaf, links ordered along a switch.
import { describe, expect, test } from 'vitest';
import { layOutFabric } from '../../../../web/parts/fabric/layout.ts';
import { hit, stepLink } from '../../../../web/parts/fabric/pointing.ts';
import { linkRows } from '../../../../web/parts/fabric/links.ts';
import type { FabricDeviceView, FabricLinkView } from '#server/contract';
import { adapter, devices, end, fabricSwitch, link, links } from './small-fabric.ts';

const ROOM = 1000;
const lay = (some: readonly FabricDeviceView[] = devices, all: readonly FabricLinkView[] = links, room = ROOM) =>
  layOutFabric(some, linkRows({ devices: some, links: all }), room);
const layout = lay();
const box = (name: string) => layout.boxes.find((one) => one.guid === name) ?? expect.fail(`no box ${name}`);

describe('tiers', () => {
  test('spines stand above leaves, leaves above the ports of hosts', () => {
    expect(box('spine1').y).toBe(box('spine2').y);
    expect(box('leaf1').y).toBeGreaterThan(box('spine1').y);
    for (const { y } of layout.squares) expect(y).toBeGreaterThan(box('leaf1').y);
    expect(layout.titles.map(({ text }) => text)).toEqual(['spine switches', 'leaf switches', 'host ports']);
  });

  test('switches of a tier are in the order that people count in', () => {
    const tier = ['leaf10', 'leaf9', 'leaf1'].map((name) => fabricSwitch(name, 1));
    const sorted = lay(tier, []).boxes.toSorted((a, b) => a.x - b.x);
    expect(sorted.map(({ name }) => name)).toEqual(['leaf1', 'leaf9', 'leaf10']);
  });

  test('three levels are numbered, and what is in reach of no host stands above all if it has a link', () => {
    const some = [
      fabricSwitch('core', 3),
      fabricSwitch('spine', 2),
      fabricSwitch('leaf', 1),
      fabricSwitch('far', null),
    ];
    const joined = [link('uplink', [end('core', 1), end('far', 1)])];
    expect(lay(some, joined).titles.map(({ text }) => text)).toEqual([
      'other devices',
      'spine switches, level 3',
      'spine switches, level 2',
      'leaf switches',
    ]);
    expect(lay(some, []).titles).toHaveLength(3);
  });
});

describe('hosts', () => {
  test('each has its ports under the leaf it is plugged into', () => {
    const under = (name: string) =>
      layout.squares
        .filter(({ x }) => x >= box(name).x - 200 && x <= box(name).x + box(name).width + 200)
        .map(({ link: at }) => at);
    expect(under('leaf1')).toEqual([0, 1]);
    expect(under('leaf2')).toEqual([2, 3]);
  });

  test('ports of one host stand together although their links are far apart', () => {
    const some = [fabricSwitch('leaf', 1), ...['a', 'b'].map((host) => adapter(host))];
    const second = { ...adapter('a'), guid: 'a-second', name: 'a mlx5_1' };
    const all = ['a-hca', 'b-hca', 'a-second'].map((guid, at) => link('host', [end(guid, 1), end('leaf', at + 1)]));
    const { squares, hosts } = lay([...some, second], all);
    expect(squares.toSorted((a, b) => a.x - b.x).map(({ key }) => key)).toEqual(['a-hca/1', 'a-second/1', 'b-hca/1']);
    expect(hosts.map(({ text }) => text)).toEqual(['a', 'b']);
  });

  test('two hosts back to back are drawn without any switch', () => {
    const { boxes, squares, wires } = lay(
      [adapter('a'), adapter('b')],
      [link('host', [end('a-hca', 1), end('b-hca', 1)])],
    );
    expect(boxes).toEqual([]);
    expect(squares).toHaveLength(2);
    expect(wires).toHaveLength(1);
  });

  test('a host at a spine stands beside the leaves and its link leads to the spine', () => {
    const some = [...devices, adapter('admin')];
    const found = lay(some, [...links, link('host', [end('admin-hca', 1), end('spine1', 36)])]);
    const wire = found.wires.find(({ link: at }) => at === links.length);
    const square = found.squares.find(({ key }) => key === 'admin-hca/1');
    expect(Math.max(...found.squares.map(({ x }) => x))).toBe(square?.x);
    expect(wire?.upper.y).toBeLessThan(box('leaf1').y);
  });
});

describe('room', () => {
  test('everything is inside, and as wide as the room', () => {
    expect(layout.width).toBe(ROOM);
    for (const { x, width } of layout.boxes) expect([x >= 0, x + width <= ROOM]).toEqual([true, true]);
    for (const { x, y, size } of layout.squares) {
      expect([x >= 0, x + size <= ROOM, y + size <= layout.height]).toEqual([true, true, true]);
    }
  });

  test('where ports would be too small to be pointed at, the map is wider than the room', () => {
    const hosts = Array.from({ length: 400 }, (_, at) => adapter(`h${at}`));
    const all = hosts.map(({ guid }, at) => link('host', [end(guid, 1), end('leaf1', at + 1)]));
    const { width, squares } = lay([...devices, ...hosts], all, 300);
    expect(width).toBeGreaterThan(1200);
    for (const { size } of squares) expect(size).toBeGreaterThanOrEqual(3);
  });
});

describe('links', () => {
  test('every link has one curve, from the switch above to what hangs below', () => {
    expect(layout.wires.map(({ link: at }) => at).toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { upper, lower } of layout.wires) expect(upper.y).toBeLessThan(lower.y);
  });

  test('along a switch they are in the order of where they lead', () => {
    const at = (link: number) => layout.wires.find((wire) => wire.link === link) ?? expect.fail('no wire');
    expect(at(4).lower.x).toBeLessThan(at(5).lower.x);
    expect(at(4).upper.x).toBeLessThan(at(6).upper.x);
  });

  test('a cable between two switches of one tier, and one from a switch to itself, bend upwards', () => {
    const some = ['leaf1', 'leaf2'].map((name) => fabricSwitch(name, 1));
    const { wires } = lay(some, [
      link('uplink', [end('leaf1', 1), end('leaf2', 1)]),
      link('loop', [end('leaf1', 5), end('leaf1', 6)]),
    ]);
    for (const { bend, lower, upper } of wires) expect([lower.y === upper.y, bend < upper.y]).toEqual([true, true]);
    expect(wires[1]?.lower.x).not.toBe(wires[1]?.upper.x);
  });
});

describe('pointing', () => {
  test('a port, a switch, a link, and nothing', () => {
    const [square] = layout.squares;
    expect(square && hit(layout, square.x + 1, square.y + 1)).toEqual({ kind: 'link', link: square?.link });
    expect(hit(layout, box('leaf2').x + 5, box('leaf2').y + 5)).toMatchObject({ kind: 'box', box: { guid: 'leaf2' } });
    const wire = layout.wires.find(({ link: at }) => at === 4) ?? expect.fail('no wire');
    const middle = { x: (wire.lower.x + wire.upper.x) / 2, y: wire.bend };
    expect(hit(layout, middle.x + 2, middle.y)).toEqual({ kind: 'link', link: 4 });
    expect(hit(layout, 2, layout.height - 2)).toBeUndefined();
  });
});

describe('keys', () => {
  test('left and right walk along one row of links and stop at its ends', () => {
    expect(stepLink(layout, undefined, 'ArrowRight')).toBe(4);
    expect(stepLink(layout, 4, 'ArrowRight')).toBe(5);
    expect(stepLink(layout, 4, 'ArrowLeft')).toBe(4);
    expect(stepLink(layout, 7, 'ArrowRight')).toBe(7);
    expect(stepLink(layout, 5, 'End')).toBe(7);
    expect(stepLink(layout, 2, 'Home')).toBe(0);
  });

  test('down and up lead to the nearest link of the next row', () => {
    expect([0, 1]).toContain(stepLink(layout, 4, 'ArrowDown'));
    expect([2, 3]).toContain(stepLink(layout, 7, 'ArrowDown'));
    expect([6, 7]).toContain(stepLink(layout, 3, 'ArrowUp'));
    expect(stepLink(layout, 4, 'ArrowUp')).toBe(4);
    expect(stepLink(layout, 0, 'ArrowDown')).toBe(0);
  });

  test('a fabric without links has nowhere to go', () => {
    expect(stepLink(lay([], []), undefined, 'ArrowRight')).toBeUndefined();
  });
});

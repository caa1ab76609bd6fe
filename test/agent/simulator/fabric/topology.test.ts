// The simulated fabric as a tree: 16 nodes with 8 × 4 + 8 × 8 = 96 adapters, six leaves of sixteen, two spines.
import { describe, expect, test } from 'vitest';
import { buildFabric, type Fabric } from '../../../../agent/simulator/fabric/topology.ts';
import { sherlock } from '../../../../agent/simulator/hardware.ts';

const nodes = sherlock({ seed: 1, nowS: 1_800_000_000 });
const fabric = buildFabric(1, nodes);

function ofKind(kind: 'switch' | 'hca'): Fabric['devices'] {
  return fabric.devices.filter((device) => device.kind === kind);
}

function linksOf(device: number): readonly { readonly port: number; readonly to: number }[] {
  return fabric.cables.flatMap(({ ends: [a, b] }) => {
    if (a.device === device) return [{ port: a.port, to: b.device }];
    return b.device === device ? [{ port: b.port, to: a.device }] : [];
  });
}

describe('the tree', () => {
  test('every adapter is cabled once, to a leaf', () => {
    expect(ofKind('hca')).toHaveLength(96);
    for (const [device, { kind }] of fabric.devices.entries()) {
      if (kind !== 'hca') continue;
      const links = linksOf(device);
      expect(links).toHaveLength(1);
      expect(fabric.devices[links[0]?.to ?? -1]?.name).toMatch(/^MF0;leaf\d:MSB7800\/U1$/);
    }
  });

  test('no port has two cables, none is beyond the 36 of a switch', () => {
    const ends = fabric.cables.flatMap(({ ends: both }) => both.map(({ device, port }) => `${device}/${port}`));
    expect(new Set(ends).size).toBe(ends.length);
    for (const { ends: both } of fabric.cables)
      for (const { device, port } of both) {
        expect(port).toBeGreaterThan(0);
        expect(port).toBeLessThanOrEqual(fabric.devices[device]?.kind === 'hca' ? 1 : 36);
      }
  });

  test('six leaves with 16 adapters and 4 links to each of two spines', () => {
    const leaves = fabric.devices.flatMap(({ name }, index) => (name.includes('leaf') ? [index] : []));
    const spines = fabric.devices.flatMap(({ name }, index) => (name.includes('spine') ? [index] : []));
    expect([leaves.length, spines.length]).toEqual([6, 2]);
    for (const leaf of leaves) {
      const links = linksOf(leaf);
      expect(links).toHaveLength(24);
      for (const spine of spines) expect(links.filter(({ to }) => to === spine)).toHaveLength(4);
    }
    for (const spine of spines) expect(linksOf(spine)).toHaveLength(24);
  });

  test('racks of HGX-1 share a leaf; rails 0-3 and 4-7 of HGX-2 have one each', () => {
    const leafOf = (node: number, hca: number): string =>
      fabric.devices[linksOf(fabric.adapter(node, hca))[0]?.to ?? -1]?.name.slice(4, 9) ?? '';
    expect([leafOf(0, 0), leafOf(3, 3), leafOf(4, 0), leafOf(7, 3)]).toEqual(['leaf1', 'leaf1', 'leaf2', 'leaf2']);
    expect([leafOf(8, 3), leafOf(8, 4), leafOf(15, 0), leafOf(15, 7)]).toEqual(['leaf3', 'leaf4', 'leaf5', 'leaf6']);
  });
});

describe('names and numbers', () => {
  test('GUIDs and LIDs are those of the adapters, and nobody else’s', () => {
    for (const node of nodes)
      for (const [index, hca] of node.hcas.entries())
        expect(fabric.devices[fabric.adapter(node.index, index)]).toMatchObject({
          kind: 'hca',
          guid: hca.guid,
          lid: hca.lid,
          name: `${node.name} ${hca.name}`,
          deviceId: node.index < 8 ? 0x1013 : 0x1017,
        });
    expect(new Set(fabric.devices.map(({ guid }) => guid)).size).toBe(104);
    expect(new Set(fabric.devices.map(({ lid }) => lid)).size).toBe(104);
    for (const { guid } of fabric.devices) expect(guid).toMatch(/^[\da-f]{16}$/);
  });

  test('the subnet manager of the adapters’ files is a switch', () => {
    expect(ofKind('switch').map(({ lid }) => lid)).toContain(1);
  });

  test('the same seed gives the same fabric', () => {
    expect(buildFabric(1, nodes).cables).toEqual(fabric.cables);
    expect(buildFabric(1, nodes).devices).toEqual(fabric.devices);
    expect(buildFabric(2, sherlock({ seed: 2, nowS: 1_800_000_000 })).devices).not.toEqual(fabric.devices);
  });

  test('of the first nodes alone there are only their leaves', () => {
    const part = buildFabric(1, nodes.slice(0, 2));
    expect(part.devices.filter(({ kind }) => kind === 'switch').map(({ name }) => name)).toEqual([
      'MF0;spine1:MSB7800/U1',
      'MF0;spine2:MSB7800/U1',
      'MF0;leaf1:MSB7800/U1',
    ]);
    expect(part.cables.filter(({ tier }) => tier === 'host')).toHaveLength(8);
  });
});

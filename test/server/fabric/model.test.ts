// The model of a subnet: who is who by GUID, tiers by distance from hosts, both ends of each link; and what changed between two.
import { describe, expect, test } from 'vitest';
import { diffFabric } from '../../../server/fabric/diff.ts';
import { buildFabricModel, plainGuid } from '../../../server/fabric/model.ts';
import { hostOfName, isFactoryName, shortName } from '../../../server/fabric/names.ts';
import { dataRateOf, pcieRateOf, renderSpeed } from '../../../server/fabric/rates.ts';
import { agentOf, EDR, FDR, HDR, Net } from './net.ts';

const device = (net: Net, name: string) => net.model().devices.get(net.guid(name));

describe('devices', () => {
  test('have tiers by their distance from hosts, whatever they are called', () => {
    const net = new Net();
    expect(['gpu01 mlx5_0', 'leaf3', 'spine2'].map((name) => device(net, name)?.tier)).toEqual([
      'host',
      'leaf',
      'spine',
    ]);
    expect([device(net, 'leaf3')?.level, device(net, 'spine2')?.level]).toEqual([1, 2]);
  });

  test('a spine with a management host stays a spine', () => {
    const net = new Net({ hosts: 32, leaves: 4 });
    net.unlink('gpu32 mlx5_0', 1);
    net.link(['gpu32 mlx5_0', 1], ['spine1', 30]);
    expect(device(net, 'spine1')?.tier).toBe('spine');
  });

  test('a switch out of reach of hosts has no tier', () => {
    const net = new Net({ hosts: 4, leaves: 1, spines: 1 });
    for (const port of [17, 18]) net.unlink('leaf1', port);
    expect(device(net, 'spine1')?.tier).toBe('other');
  });

  test('belong to the node whose agent has one of their ports, however it writes the GUID', () => {
    const net = new Net();
    net.agents = [agentOf(net, 'node7', 'gpu02 mlx5_0')];
    expect(device(net, 'gpu02 mlx5_0')).toMatchObject({ node: 'node7', host: 'node7' });
    expect(device(net, 'gpu01 mlx5_0')).toMatchObject({ node: null, host: 'gpu01' });
    expect(['0x506B4B0300C10241', '506b:4b03:00c1:0241', '506b4b0300c10241'].map(plainGuid)).toEqual(
      Array(3).fill('506b4b0300c10241'),
    );
  });

  test('that two nodes claim belong to neither', () => {
    const net = new Net();
    net.agents = [agentOf(net, 'node7', 'gpu02 mlx5_0'), agentOf(net, 'node8', 'gpu02 mlx5_0')];
    expect(device(net, 'gpu02 mlx5_0')?.node).toBeNull();
  });
});

describe('links', () => {
  test('have the end nearer to hosts first', () => {
    const net = new Net({ hosts: 1, leaves: 1, spines: 1, uplinks: 1 });
    const ends = net.model().links.map(({ a, b, tier }) => `${a.device.name} ${b.device.name} ${tier}`);
    expect(ends.toSorted()).toEqual(['gpu01 mlx5_0 leaf1 host', 'leaf1 spine1 uplink']);
  });

  test('are there when one end only is listed, and when a switch is cabled to itself', () => {
    const net = new Net({ hosts: 2, leaves: 1, spines: 0 });
    net.link(['leaf1', 30], ['leaf1', 31]);
    const sweep = net.sweep();
    const model = buildFabricModel({ ...sweep, ports: sweep.ports.filter(({ guid }) => guid === net.guid('leaf1')) });
    expect(model.links.map(({ tier }) => tier).toSorted()).toEqual(['host', 'host', 'loop']);
    expect(model.ports.get(`${net.guid('gpu01 mlx5_0')}/1`)?.read.state).toBeNull();
  });

  test('to devices that nobody lists are none', () => {
    const net = new Net({ hosts: 2, leaves: 1, spines: 0 });
    net.devices.delete(net.guid('gpu02 mlx5_0'));
    expect(net.model().links.length).toBe(1);
  });
});

test.each([
  ['gpu02 mlx5_0', 'gpu02'],
  ['o0001 HCA-1', 'o0001'],
  ['storage1', 'storage1'],
  ['MT4123 ConnectX6   Mellanox Technologies', null],
  ['Mellanox Technologies Aggregation Node', null],
  ['a name of "four" words', null],
  ['', null],
])('the host of %j is %j', (name, host) => {
  expect(hostOfName(name)).toBe(host);
});

test('names as they are shown', () => {
  expect(['MF0;leaf4:MSB7800/U1', ' spine1 ', 'SwitchX -  Mellanox Technologies'].map(shortName)).toEqual([
    'leaf4',
    'spine1',
    'SwitchX -  Mellanox Technologies',
  ]);
  expect(['Quantum Mellanox Technologies', 'leaf4'].map(isFactoryName)).toEqual([true, false]);
});

test('rates after line coding', () => {
  // 4X EDR carries 100 Gb/s, 4X FDR 54.5, 2X HDR 100; PCIe of generation 3 at 16 lanes 126 Gb/s.
  expect([dataRateOf(4, EDR), dataRateOf(2, HDR), dataRateOf(null, EDR), dataRateOf(4, null)]).toEqual([
    12.5e9,
    12.5e9,
    null,
    null,
  ]);
  expect(dataRateOf(4, FDR)).toBeCloseTo(54.545e9 / 8, -6);
  expect(dataRateOf(4, 3e9)).toBe(12e9);
  expect([renderSpeed(4, EDR), renderSpeed(null, HDR), renderSpeed(1, 3e9)]).toEqual([
    '4X EDR',
    '?X HDR',
    '1X 24.0 Gb/s a lane',
  ]);
  expect(Math.round((pcieRateOf(3, 16) * 8) / 1e9)).toBe(126);
  expect(pcieRateOf(9, 16)).toBeNaN();
});

describe('what changed', () => {
  const changes = (damage: (net: Net) => void): readonly string[] => {
    const net = new Net();
    const before = net.model();
    damage(net);
    return diffFabric(before, net.model()).map(({ kind }) => kind);
  };

  test.each<readonly [string, (net: Net) => void, readonly string[]]>([
    ['nothing', () => undefined, []],
    [
      'a host that left',
      (net) => {
        net.remove('gpu02 mlx5_0');
      },
      ['device_vanished', 'link_vanished'],
    ],
    [
      'an uplink that was lost',
      (net) => {
        net.unlink('leaf1', 17);
      },
      ['link_vanished'],
    ],
    [
      'a link that came',
      (net) => {
        net.link(['leaf1', 30], ['leaf2', 30]);
      },
      ['link_appeared'],
    ],
    [
      'a host that was plugged over',
      (net) => {
        net.unlink('gpu02 mlx5_0', 1);
        net.link(['gpu02 mlx5_0', 1], ['leaf2', 30]);
      },
      ['link_moved'],
    ],
    [
      'a name',
      (net) => {
        const guid = net.guid('leaf1');
        const leaf = net.devices.get(guid);
        if (leaf) net.devices.set(guid, { ...leaf, name: 'renamed' });
      },
      [],
    ],
  ])('%s', (_, damage, kinds) => {
    expect(changes(damage)).toEqual(kinds);
  });

  test('seen from behind, what vanished appeared', () => {
    const net = new Net();
    const before = net.model();
    net.remove('gpu02 mlx5_0');
    expect(diffFabric(net.model(), before).map(({ kind }) => kind)).toEqual(['device_appeared', 'link_appeared']);
  });
});

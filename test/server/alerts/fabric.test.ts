// Alerts about fabrics and links: what fires, when, and what is for the page alone.
import { beforeEach, describe, expect, test } from 'vitest';
import { alertsOfFabrics } from '../../../server/alerts/fabric.ts';
import type { DeviceLink } from '../../../server/alerts/device-links.ts';
import { judgeLinks, PeerAlerts } from '../../../server/alerts/peers.ts';
import { FabricWatch } from '../../../server/fabric/watch.ts';
import { agentOf, Net } from '../fabric/net.ts';
import { StandInNode, type StandInSeries } from '../stand-in.ts';

describe('a fabric', () => {
  let net: Net;
  let watch: FabricWatch;
  beforeEach(() => {
    net = new Net();
    net.agents = [agentOf(net, 'node4', 'gpu04 mlx5_0')];
    watch = new FabricWatch(() => net.agents);
  });
  function sweeps(count: number): void {
    for (let at = 0; at < count; at++) {
      net.nowMs += 10_000;
      watch.take(net.sweep(), { node: 'node1', clockOffsetMs: 0 }, net.nowMs);
    }
  }
  const brief = (afterMs = 0) =>
    alertsOfFabrics(watch, net.nowMs + afterMs).map(({ state, severity, node }) => `${state} ${severity} ${node}`);

  test('tells a degraded link after a minute, with the node of an end', () => {
    sweeps(3);
    net.setLink('gpu04 mlx5_0', 1, { widthLanes: 1 });
    sweeps(1);
    expect(brief()).toEqual(['pending warning node4']);
    sweeps(6);
    expect(brief()).toEqual(['firing warning node4']);
    net.setLink('gpu04 mlx5_0', 1, { widthLanes: 4 });
    sweeps(1);
    expect(brief()).toEqual([]);
  });

  test('tells a bad uplink at once, of no node', () => {
    sweeps(3);
    net.count('leaf1', 17, 'SymbolErrorCounter', 5000);
    sweeps(1);
    const [alert] = alertsOfFabrics(watch, net.nowMs);
    expect(alert).toMatchObject({ kind: 'fabric', state: 'firing', severity: 'critical', node: '', gpu: null });
    expect(alert?.text).toMatch(/^leaf1 port 17 to spine1 port 1 is bad/);
  });

  test('tells neither names nor ceilings', () => {
    const leaf = net.devices.get(net.guid('leaf1'));
    if (leaf) net.devices.set(leaf.guid, { ...leaf, name: 'leaf2' });
    net.count('gpu03 mlx5_0', 1, 'PortXmitWait', 2 ** 32 - 1);
    sweeps(20);
    expect(watch.fabrics[0]?.findings.map(({ kind }) => kind)).toEqual(['naming', 'saturated']);
    expect(brief()).toEqual([]);
  });

  test('that is swept no more is told alone', () => {
    sweeps(3);
    net.count('leaf1', 17, 'SymbolErrorCounter', 5000);
    sweeps(1);
    expect(brief(31_000)).toEqual(['pending warning node1']);
    expect(brief(120_000)).toEqual(['firing warning node1']);
    expect(brief(86_400_000)).toEqual([]);
    expect(alertsOfFabrics(watch, net.nowMs + 120_000)[0]?.text).toBe(
      'the InfiniBand subnet fe80000000000000 was not swept for 2 min; node1 did it last',
    );
  });
});

describe('links of one model', () => {
  const link = (node: string, rate: number): DeviceLink => ({
    node,
    device: 'nvme0',
    model: 'P4510',
    what: 'PCIe link',
    rate,
    speed: `${rate}`,
  });
  const slow = (...rates: readonly number[]) =>
    judgeLinks(rates.map((rate, at) => link(`n${at}`, rate))).map(({ node }) => node);

  test.each<readonly [string, readonly number[], readonly string[]]>([
    ['all alike', [4, 4, 4, 4], []],
    ['one at half', [4, 4, 4, 2], ['n3']],
    ['one a little slower', [4, 4, 4, 3.5], []],
    ['one faster', [4, 4, 4, 8], []],
    ['too few to say', [4, 4, 2], []],
    ['two kinds of slots', [4, 4, 4, 2, 2, 2], []],
  ])('%s', (_, rates, expected) => {
    expect(slow(...rates)).toEqual(expected);
  });

  const half = (node: string): DeviceLink => ({ ...link(node, 2), best: { rate: 4, speed: '4' } });

  test('of which there are too few are judged by what they could do', () => {
    expect(judgeLinks([half('n1'), link('n2', 4)]).map(({ node, why }) => [node, why])).toEqual([
      ['n1', 'it could do 4'],
    ]);
  });

  test('that all could do more are built so', () => {
    expect(judgeLinks(['n1', 'n2', 'n3', 'n4'].map(half))).toEqual([]);
  });
});

describe('a node', () => {
  const nvme = (width: number): readonly StandInSeries[] => [
    ['nvme_info', ['nvme0', 'P4510', 's', 'f', 'pcie', '0000:01:00.0', 'nqn', '1', '0', '0000:01:00.0'], 1],
    ['nvme_pcie_link_generation', ['nvme0'], 3],
    ['nvme_pcie_link_width', ['nvme0'], width],
  ];

  test('whose drive has half the lanes of its peers is told after a minute', () => {
    const first = new StandInNode('n1');
    const others = ['n2', 'n3', 'n4'].map((name) => new StandInNode(name, { clock: first.clock, fleet: first.fleet }));
    const alerts = new PeerAlerts(first.fleet);
    const tick = () => {
      first.sample(nvme(2));
      for (const other of others) other.sample(nvme(4));
      return alerts.alerts(first.clock.ms).map(({ id, state, text }) => [id, state, text]);
    };
    const text = 'n1 nvme0: its PCIe link runs at x2 of generation 3, 3 of 4 of its model at x4 of generation 3';
    expect(tick()).toEqual([['link_degraded:n1:nvme0:PCIe link', 'pending', text]]);
    first.clock.ms += 60_000;
    expect(tick()).toEqual([['link_degraded:n1:nvme0:PCIe link', 'firing', text]]);
  });
});

// Findings as scenarios: a healthy fabric has none, and each fault has its own and not its neighbour's.
import { describe, expect, test } from 'vitest';
import { agentOf, EDR, EDR_TICKS, EDR_WORDS, FDR, HDR, Net, PERIOD_MS } from './net.ts';

const rails = { hosts: 8, adapters: 4, leaves: 4, spines: 2, uplinks: 4 };

describe('a healthy fabric has no finding', () => {
  test.each<{ name: string; make: () => Net; each?: (net: Net) => void }>([
    { name: 'idle', make: () => new Net() },
    { name: 'with rails', make: () => new Net(rails) },
    { name: 'of two hosts and one switch', make: () => new Net({ hosts: 2, leaves: 1, spines: 0 }) },
    {
      name: 'at full rate',
      make: () => new Net(),
      each: (net) => {
        traffic(net, 1);
      },
    },
    {
      name: 'that waits a little everywhere',
      make: () => new Net(),
      each: (net) => {
        for (const { guid, port } of net.ports.values()) waitAt(net, nameAt(net, guid), port, 0.03);
      },
    },
    {
      name: 'whose counters of noise grow',
      make: () => new Net(),
      each: (net) => {
        for (const noise of ['PortRcvSwitchRelayErrors', 'VL15Dropped', 'PortRcvRemotePhysicalErrors', 'QP1Dropped'])
          net.count('leaf1', 17, noise, 50);
      },
    },
    { name: 'with split ports on all leaves', make: splitNet },
    { name: 'with a group of slower servers', make: slowGroup },
  ])('$name', ({ make, each }) => {
    const net = make();
    net.run(900, () => each?.(net));
    expect(net.findings()).toEqual([]);
  });

  test('empty slots, silent neighbours and old totals included', () => {
    const net = new Net();
    net.link(['leaf1', 30], ['leaf2', 30]);
    net.unlink('leaf1', 30);
    net.count('gpu01 mlx5_0', 1, 'SymbolErrorCounter', 4000);
    net.count('gpu01 mlx5_0', 1, 'LinkDownedCounter', 3);
    net.count('leaf1', 1, 'LinkDownedCounter', 3);
    net.run(600);
    expect(net.brief()).toEqual([]);
  });
});

interface Fault {
  readonly name: string;
  readonly shape?: ConstructorParameters<typeof Net>[0];
  readonly agents?: (net: Net) => Net['agents'];
  /** After five healthy minutes; between every two sweeps then. */
  readonly once?: (net: Net) => void;
  readonly each?: (net: Net) => void;
  readonly seconds?: number;
  readonly expected: readonly string[];
  readonly text?: RegExp;
}

const faults: readonly Fault[] = [
  {
    name: 'symbol errors on an uplink, ten and more in 12 minutes',
    once: (net) => {
      net.count('leaf1', 17, 'SymbolErrorCounter', 10);
    },
    expected: ['bad_link warning leaf1/17 spine1/1'],
    text: /^leaf1 port 17 to spine1 port 1 is bad since 12:05 UTC: leaf1 port 17 gained 10 symbol errors in 2 h$/,
  },
  {
    name: 'nine symbol errors once',
    once: (net) => {
      net.count('leaf1', 17, 'SymbolErrorCounter', 9);
    },
    expected: [],
  },
  {
    name: 'symbol errors together with recoveries',
    once: (net) => {
      net.count('leaf1', 17, 'SymbolErrorCounter', 1);
      net.count('leaf1', 17, 'LinkErrorRecoveryCounter', 1);
    },
    expected: ['bad_link critical leaf1/17 spine1/1'],
  },
  {
    name: 'more than a hundred symbol errors a minute',
    each: (net) => {
      net.count('gpu02 mlx5_0', 1, 'SymbolErrorCounter', 20);
    },
    expected: ['bad_link critical gpu02 mlx5_0/1 leaf1/2'],
    text: /gpu02 mlx5_0 port 1 gained 120 symbol errors a minute/,
  },
  {
    name: 'a recovery alone',
    once: (net) => {
      net.count('leaf2', 1, 'LinkErrorRecoveryCounter', 1);
    },
    expected: ['bad_link warning gpu05 mlx5_0/1 leaf2/1'],
  },
  {
    name: 'passed thresholds',
    once: (net) => {
      net.count('leaf2', 1, 'ExcessiveBufferOverrunErrors', 1);
    },
    expected: ['bad_link warning gpu05 mlx5_0/1 leaf2/1'],
  },
  {
    name: 'a link that went down, as both ends count',
    once: (net) => {
      downs(net, 1);
    },
    expected: ['flap warning gpu03 mlx5_0/1 leaf1/3'],
    text: /went down 1 time since 12:05 UTC, as both ends count/,
  },
  {
    name: 'a link that flaps',
    once: (net) => {
      downs(net, 3);
    },
    expected: ['flap critical gpu03 mlx5_0/1 leaf1/3'],
  },
  {
    name: 'a link that went down, as one end counts',
    once: (net) => {
      net.count('leaf1', 3, 'LinkDownedCounter', 4);
    },
    expected: [],
  },
  {
    name: 'a link that went down while its node started',
    agents: (net) => [agentOf(net, 'gpu03', 'gpu03 mlx5_0', { bootMs: net.nowMs + 300_000 })],
    once: (net) => {
      downs(net, 3);
    },
    expected: [],
  },
  {
    name: 'a host at one lane',
    once: (net) => {
      net.setLink('gpu04 mlx5_0', 1, { widthLanes: 1 });
    },
    expected: ['degraded_width warning gpu04 mlx5_0/1 leaf1/4'],
    text: /gpu04 mlx5_0 port 1 to leaf1 port 4 runs at 1X EDR \(3.1 GB\/s\) since 12:05 UTC: 15 of 16 such links run at 4X EDR/,
  },
  {
    name: 'a rail of GPUs in use at one lane',
    agents: (net) => [agentOf(net, 'gpu04', 'gpu04 mlx5_0', { busy: true })],
    once: (net) => {
      net.setLink('gpu04 mlx5_0', 1, { widthLanes: 1 });
    },
    expected: ['degraded_width critical gpu04 mlx5_0/1 leaf1/4'],
  },
  {
    name: 'an uplink at FDR',
    once: (net) => {
      net.setLink('leaf3', 18, { laneBytesPerSecond: FDR });
    },
    expected: ['degraded_speed critical leaf3/18 spine1/6'],
  },
  {
    name: 'a switch port that waits for its host',
    each: (net) => {
      waitAt(net, 'leaf1', 2, 0.1);
    },
    expected: ['congestion warning leaf1/2 gpu02 mlx5_0/1'],
    text: /^leaf1 port 2 towards gpu02 mlx5_0 port 1 loses 10 % \(1.3 GB\/s\) to waiting since 12:05 UTC: gpu02 drains slowly$/,
  },
  {
    name: 'an uplink that waits a lot',
    each: (net) => {
      waitAt(net, 'leaf1', 18, 0.3);
    },
    expected: ['congestion critical leaf1/18 spine1/2'],
    text: /a hot spot between switches$/,
  },
  {
    name: 'a host of an unknown tick that cannot send: the range is told, the lower bound judged',
    // 10 % at 8 bytes a tick would be 160 % at 128 bytes: the short tick is proven.
    each: (net) => {
      waitTicks(net, 'gpu02 mlx5_0', 1, (EDR_TICKS * 16) / 10);
    },
    expected: ['congestion warning gpu02 mlx5_0/1 leaf1/2'],
    text: /loses 10 % \(1.3 GB\/s\) to waiting since 12:05 UTC: the host cannot send, the fabric pushes back$/,
  },
  {
    name: 'a host of an unknown tick that may lose 5 to 80 %',
    each: (net) => {
      waitTicks(net, 'gpu02 mlx5_0', 1, EDR_TICKS * 0.808);
    },
    expected: ['congestion warning gpu02 mlx5_0/1 leaf1/2'],
    text: /loses 5 % \(631 MB\/s\) to 81 %/,
  },
  {
    name: 'a host of an unknown tick that may lose 4 to 64 %',
    each: (net) => {
      waitTicks(net, 'gpu02 mlx5_0', 1, EDR_TICKS * 0.64);
    },
    expected: [],
  },
  {
    name: 'waiting for less than a minute',
    each: (net) => {
      waitAt(net, 'leaf1', 2, 0.5);
    },
    seconds: 50,
    expected: [],
  },
  {
    name: 'packets dropped at the head of a queue, a cause that is read only then',
    once: (net) => {
      net.count('leaf1', 18, 'PortXmitDiscards', 640);
      net.count('leaf1', 18, 'PortSwHOQLifetimeLimitDiscards', 640);
    },
    expected: ['congestion critical leaf1/18 spine1/2'],
    text: /dropped 640 packets/,
  },
  {
    name: 'packets dropped because the port was inactive',
    once: (net) => {
      net.count('leaf1', 18, 'PortXmitDiscards', 640);
      net.count('leaf1', 18, 'PortInactiveDiscards', 640);
    },
    expected: [],
  },
  {
    name: 'a host that left',
    once: (net) => {
      net.remove('gpu02 mlx5_0');
    },
    expected: ['port_down warning gpu02 mlx5_0/1 leaf1/2'],
    text: /^gpu02 left the fabric since 12:05 UTC: gpu02 mlx5_0 port 1 to leaf1 port 2$/,
  },
  {
    name: 'a host with jobs that left',
    agents: (net) => [agentOf(net, 'gpu02', 'gpu02 mlx5_0', { busy: true })],
    once: (net) => {
      net.remove('gpu02 mlx5_0');
    },
    expected: ['port_down critical gpu02 mlx5_0/1 leaf1/2'],
  },
  {
    name: 'a host that left half a minute ago',
    once: (net) => {
      net.remove('gpu02 mlx5_0');
    },
    seconds: 30,
    expected: [],
  },
  {
    name: 'a rail that was lost',
    shape: rails,
    once: (net) => {
      net.remove('gpu02 mlx5_3');
    },
    expected: ['missing_rail warning gpu02 mlx5_3/1 leaf4/2'],
    text: /^gpu02 lost 1 rail since 12:05 UTC: gpu02 mlx5_3 port 1 to leaf4 port 2$/,
  },
  {
    name: 'an uplink that was lost',
    once: (net) => {
      net.unlink('leaf3', 18);
    },
    expected: ['missing_uplink warning leaf3/18 spine1/6'],
  },
  {
    name: 'a spine that is gone',
    once: (net) => {
      net.remove('spine2');
    },
    expected: [
      `port_down critical ${[1, 2, 3, 4].flatMap((leaf) => [19, 20].map((port) => `leaf${leaf}/${port} spine2/${(leaf - 1) * 2 + port - 18}`)).join(' ')}`,
    ],
  },
  {
    name: 'an adapter that was plugged over',
    once: (net) => {
      net.unlink('gpu02 mlx5_0', 1);
      net.link(['gpu02 mlx5_0', 1], ['leaf2', 9]);
    },
    expected: [],
  },
  {
    name: 'a port that the subnet manager does not bring up',
    once: (net) => {
      net.setLink('gpu02 mlx5_0', 1, { state: 2 });
    },
    expected: ['port_down warning gpu02 mlx5_0/1'],
    text: /stands in INIT since 12:05 UTC/,
  },
  {
    name: 'a device that does not answer',
    once: (net) => {
      net.silent.push({ guid: net.guid('gpu05 mlx5_0'), lid: 5, name: '' });
      net.set('gpu05 mlx5_0', 1, { counters: {}, state: null });
    },
    expected: ['silent_node warning gpu05 mlx5_0/0'],
    text: /^gpu05 mlx5_0 \(LID 5\) does not answer management packets since 12:05 UTC$/,
  },
  {
    name: 'a rail that carries nothing',
    shape: rails,
    seconds: 600,
    each: (net) => {
      traffic(net, 0.5, (name) => name !== 'gpu02 mlx5_1');
    },
    expected: ['rail_imbalance warning gpu02 mlx5_1/1'],
    text: /^gpu02 uses its 4 rails unevenly since .*: the busiest carries 12.5 GB\/s, gpu02 mlx5_1 port 1 0 MB\/s$/,
  },
  {
    name: 'half of the rails carry nothing, as with a job on half of the GPUs',
    shape: rails,
    seconds: 600,
    each: (net) => {
      traffic(net, 0.5, (name) => name !== 'gpu02 mlx5_1' && name !== 'gpu02 mlx5_2');
    },
    expected: ['rail_imbalance info gpu02 mlx5_1/1 gpu02 mlx5_2/1'],
    text: /; so would a job on some of its GPUs$/,
  },
  {
    name: 'a rail that carries nothing on any host: another role',
    shape: rails,
    seconds: 600,
    each: (net) => {
      traffic(net, 0.5, (name) => !name.endsWith('mlx5_1'));
    },
    expected: [],
  },
  {
    name: 'counters that somebody reset',
    once: (net) => {
      net.count('leaf1', 1, 'PortXmitData', 1000);
      net.run(10);
      net.set('leaf1', 1, { counters: { ...net.port('leaf1', 1).counters, PortXmitData: '0' } });
    },
    expected: ['counters_reset info leaf1/1'],
  },
  {
    name: 'counters at their ceiling',
    once: (net) => {
      net.count('gpu03 mlx5_0', 1, 'PortXmitWait', 2 ** 32 - 1);
    },
    expected: ['saturated info gpu03 mlx5_0/1'],
    text: /PortXmitWait/,
  },
  {
    name: 'two devices of one name',
    once: (net) => {
      rename(net, 'gpu02 mlx5_0', 'gpu01 mlx5_0');
    },
    expected: ['naming warning gpu01 mlx5_0/0 gpu01 mlx5_0/0'],
  },
  {
    name: 'an adapter with its factory name',
    once: (net) => {
      rename(net, 'gpu02 mlx5_0', 'MT4115 ConnectX4   Mellanox Technologies');
    },
    expected: ['naming info MT4115 ConnectX4   Mellanox Technologies/0'],
  },
  {
    name: 'a description of another node',
    agents: (net) => [
      agentOf(net, 'gpu01', 'gpu01 mlx5_0'),
      agentOf(net, 'gpu07', 'gpu02 mlx5_0'),
      agentOf(net, 'gpu02', 'gpu07 mlx5_0'),
    ],
    expected: ['naming warning gpu02 mlx5_0/0', 'naming warning gpu07 mlx5_0/0'],
  },
];

describe('each fault has its finding and no other', () => {
  test.each(faults)('$name', ({ shape, agents, once, each, seconds = 300, expected, text }) => {
    const net = new Net(shape);
    net.run(300);
    net.agents = agents?.(net) ?? [];
    once?.(net);
    net.run(seconds, () => each?.(net));
    expect(net.brief()).toEqual(expected);
    if (text) expect(net.findings()[0]?.text).toMatch(text);
  });
});

describe('over time', () => {
  test('one symbol error now and again is a bad link, one alone is not', () => {
    const net = new Net();
    net.run(60);
    net.count('leaf1', 17, 'SymbolErrorCounter', 1);
    net.run(1200);
    expect(net.brief()).toEqual([]);
    net.count('leaf1', 17, 'SymbolErrorCounter', 1);
    net.run(10);
    expect(net.brief()).toEqual(['bad_link warning leaf1/17 spine1/1']);
    net.run(6100);
    expect(net.brief()).toEqual([]);
  });

  test('a flap is forgotten after 12 h', () => {
    const net = new Net({ hosts: 4, leaves: 1, spines: 0 });
    net.run(60);
    downs(net, 1);
    net.run(11.9 * 3600);
    expect(net.brief()).toEqual(['flap warning gpu03 mlx5_0/1 leaf1/3']);
    net.run(600);
    expect(net.brief()).toEqual([]);
  });

  test('a bad cable whose link also went down is one finding', () => {
    const net = new Net();
    net.run(60);
    downs(net, 1);
    net.count('leaf1', 3, 'SymbolErrorCounter', 500);
    net.run(10);
    expect(net.brief()).toEqual(['bad_link critical gpu03 mlx5_0/1 leaf1/3']);
  });

  test('resets of the whole fabric are one finding', () => {
    const net = new Net();
    for (const { guid, port } of net.ports.values()) net.count(nameAt(net, guid), port, 'PortXmitData', 1000);
    net.run(60);
    for (const port of net.ports.values()) port.counters = { ...port.counters, PortXmitData: '1' };
    net.run(10);
    expect(net.findings().map(({ kind, text }) => [kind, text])).toEqual([
      [
        'counters_reset',
        '64 ports of 22 devices since 12:01 UTC: counters fell: somebody resets them, or it started anew',
      ],
    ]);
    net.run(86_400);
    expect(net.brief()).toEqual([]);
  });
});

describe('one sweep alone', () => {
  test('tells totals as information', () => {
    const net = new Net();
    net.count('leaf1', 17, 'SymbolErrorCounter', 4242);
    net.count('leaf1', 17, 'LinkErrorRecoveryCounter', 3);
    net.count('leaf1', 18, 'PortSwHOQLifetimeLimitDiscards', 640);
    net.history.add(net.sweep());
    expect(net.brief()).toEqual(['bad_link info leaf1/17 spine1/1', 'congestion info leaf1/18 spine1/2']);
    expect(net.brief({ totals: false })).toEqual([]);
    net.run(10);
    expect(net.brief()).toEqual([]);
  });

  test('finds degraded links, missing rails and missing uplinks by their peers', () => {
    const net = new Net(rails);
    net.remove('gpu02 mlx5_3');
    net.unlink('leaf3', 18);
    net.setLink('gpu05 mlx5_0', 1, { widthLanes: 1 });
    net.history.add(net.sweep());
    expect(net.brief()).toEqual([
      'missing_rail warning gpu02 mlx5_0/1 gpu02 mlx5_1/1 gpu02 mlx5_2/1',
      'missing_uplink warning leaf3/0',
      'degraded_width warning gpu05 mlx5_0/1 leaf1/5',
    ]);
  });
});

function traffic(net: Net, share: number, only: (name: string) => boolean = () => true): void {
  const words = Math.round((EDR_WORDS * share * PERIOD_MS) / 1000);
  for (const { guid, port } of net.ports.values()) {
    const name = nameAt(net, guid);
    if (!only(name)) continue;
    net.count(name, port, 'PortXmitData', words);
    net.count(name, port, 'PortRcvData', words);
  }
}

/** So much of the port's bandwidth lost, for a Switch-IB 2 port of four lanes. */
function waitAt(net: Net, name: string, port: number, share: number): void {
  if (name.startsWith('gpu')) return;
  waitTicks(net, name, port, EDR_TICKS * share);
}

function waitTicks(net: Net, name: string, port: number, perSecond: number): void {
  net.count(name, port, 'PortXmitWait', Math.round((perSecond * PERIOD_MS) / 1000));
}

function downs(net: Net, times: number): void {
  net.count('gpu03 mlx5_0', 1, 'LinkDownedCounter', times);
  net.count('leaf1', 3, 'LinkDownedCounter', times);
}

function nameAt(net: Net, guid: string): string {
  return net.devices.get(guid)?.name ?? '';
}

function rename(net: Net, name: string, to: string): void {
  const device = net.devices.get(net.guid(name));
  if (device) net.devices.set(device.guid, { ...device, name: to });
}

/** Quantum switches whose ports lead to two hosts each, at two lanes of HDR; one storage host has a port of its own. */
function splitNet(): Net {
  const net = new Net({ spines: 0, leaves: 1, hosts: 12 });
  for (const [guid, device] of net.devices)
    if (device.kind === 'switch') net.devices.set(guid, { ...device, ports: 80, deviceId: 0xd2f0 });
  for (const port of net.ports.values())
    Object.assign(port, { widthLanes: 2, laneBytesPerSecond: HDR, widthLanesBest: 2, laneBytesPerSecondBest: HDR });
  net.setLink('gpu12 mlx5_0', 1, { widthLanes: 4, widthLanesBest: 4 });
  return net;
}

/** Adapters of another model, slower and alike. */
function slowGroup(): Net {
  const net = new Net();
  for (const host of ['gpu13', 'gpu14', 'gpu15', 'gpu16']) {
    const guid = net.guid(`${host} mlx5_0`);
    const device = net.devices.get(guid);
    if (device) net.devices.set(guid, { ...device, deviceId: 0x1003 });
    net.setLink(`${host} mlx5_0`, 1, { laneBytesPerSecond: FDR, laneBytesPerSecondBest: EDR });
  }
  return net;
}

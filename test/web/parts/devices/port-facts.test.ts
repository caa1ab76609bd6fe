// What a port is plugged into and whether it runs as those beside it do.
import { describe, expect, test } from 'vitest';
import { noWaitText, portErrors, portFacts, waitText } from '../../../../web/parts/devices/port-facts.ts';
import { given, type Given } from './given.ts';

const EDR = 25.78125 * 125e6;
const FDR = 14.0625 * 125e6;

function port(device: string, over: { lanes?: number; lane?: number; role?: string; state?: number } = {}): Given[] {
  const { lanes = 4, lane = EDR, role = 'compute', state = 4 } = over;
  return [
    ['infiniband_state_id', [device, '1'], state],
    ['infiniband_link_width_lanes', [device, '1'], lanes],
    ['infiniband_link_lane_bytes_per_second', [device, '1'], lane],
    ['infiniband_port_info', [device, '1', 'InfiniBand', '', '0x1', '0', role, 'ib0'], 1],
  ];
}
const facts = (...ports: Given[][]) => {
  const { index, values } = given(ports.flat());
  return portFacts(index, values);
};

describe('width and speed', () => {
  test('a port like its peers has no mark', () => {
    expect(facts(port('mlx5_0'), port('mlx5_1'))).toMatchObject([
      { width: '4X', narrow: false, slow: false, state: 'active', role: 'compute', rail: '0' },
      { width: '4X', narrow: false, slow: false },
    ]);
  });

  test('fewer lanes and a slower lane are marked', () => {
    expect(facts(port('mlx5_0', { lanes: 2 }), port('mlx5_1', { lane: FDR }), port('mlx5_2'))).toMatchObject([
      { width: '2X of 4X', narrow: true, slow: false },
      { narrow: false, slow: true },
      { narrow: false, slow: false },
    ]);
  });

  test('a port of another role is measured by its own', () => {
    expect(facts(port('mlx5_0'), port('mlx5_9', { lane: FDR, role: 'storage' }))[1]).toMatchObject({ slow: false });
  });

  test('where all ports have two lanes, two are all there are', () => {
    expect(facts(port('mlx5_0', { lanes: 2 }), port('mlx5_1', { lanes: 2 }))).toMatchObject([
      { width: '2X', narrow: false },
      { width: '2X', narrow: false },
    ]);
  });

  test('a port that is down tells no width and has no mark', () => {
    const { index, values } = given([
      ['infiniband_state_id', ['mlx5_0', '1'], 1],
      ['infiniband_link_width_lanes', ['mlx5_0', '1'], 'not_present'],
      ...port('mlx5_1'),
    ]);
    expect(portFacts(index, values)[0]).toMatchObject({ state: 'down', width: '', narrow: false, slow: false });
  });
});

describe('the peer', () => {
  const peer = (name: string, kind: string) => {
    const { index, values } = given(port('mlx5_0'), [
      ['infiniband_port_peer_info', ['mlx5_0', '1', 'own', 'leafguid', '7', name, kind], 1],
    ]);
    return portFacts(index, values)[0];
  };
  test('is known by a sweep alone', () => {
    expect(facts(port('mlx5_0'))[0]).toMatchObject({ peer: '', link: '' });
    expect(peer('leaf5', 'switch')).toMatchObject({ peer: 'leaf5/7', link: 'leafguid/7' });
  });
  test('without a name is called by its GUID, an adapter by its name alone', () => {
    expect(peer('', 'switch')).toMatchObject({ peer: 'leafguid/7' });
    expect(peer('node02 mlx5_0', 'hca')).toMatchObject({ peer: 'node02 mlx5_0' });
  });
});

describe('waiting', () => {
  const device = { key: 'mlx5_0/1', labels: { device: 'mlx5_0', port: '1' } };
  test('a figure, a range, or not known', () => {
    const low = ['infiniband_congestion_ratio', ['mlx5_0', '1'], 0.02] as const;
    const high = ['infiniband_congestion_ratio_upper', ['mlx5_0', '1'], 0.32] as const;
    expect(waitText(given([], [low]).values, device)).toBe('2 %');
    expect(waitText(given([], [low, high]).values, device)).toBe('2–32 %');
    expect(waitText(given([]).values, device)).toBeNull();
  });

  test('where nothing is known, the counter says why', () => {
    const ticks = (level: Given[2]): string =>
      noWaitText(given([['infiniband_port_transmit_wait_ticks_total', ['mlx5_0', '1'], level]]).values, device);
    expect([ticks('saturated'), ticks(5), noWaitText(given([]).values, device)]).toEqual([
      'at its ceiling',
      'not known',
      'not counted',
    ]);
  });

  test('errors add up over what can be read; else their reason', () => {
    const some: Given[] = [
      ['infiniband_symbol_error_total', ['mlx5_0', '1'], 3],
      ['infiniband_link_downed_total', ['mlx5_0', '1'], 2],
      ['infiniband_port_errors_received_total', ['mlx5_0', '1'], 'forbidden'],
    ];
    expect(portErrors(given(some).values, device)).toEqual({ kind: 'value', value: 5 });
    const none: Given[] = [['infiniband_symbol_error_total', ['mlx5_0', '1'], 'forbidden']];
    expect(portErrors(given(none).values, device)).toEqual({ kind: 'absent', reason: 'forbidden' });
  });
});

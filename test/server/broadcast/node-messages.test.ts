// What a viewer of a node is told of what the server derives.
import { expect, test } from 'vitest';
import { Derived } from '../../../server/derived/derived.ts';
import { buildNodeTick } from '../../../server/broadcast/node-messages.ts';
import { FabricWatch } from '../../../server/fabric/watch.ts';
import { StandInNode, type StandInSeries } from '../stand-in.ts';

const DATA_RATE = 12.5e9;
const port = (received: number): readonly StandInSeries[] => [
  ['infiniband_data_rate_bytes_per_second', ['mlx5_0', '1'], DATA_RATE],
  ['infiniband_port_data_received_bytes_total', ['mlx5_0', '1'], received],
];

test('what is known now, by metric and labels; nothing of a node that is down', () => {
  const stand = new StandInNode('node07');
  const { fleet, node, clock } = stand;
  const derived = new Derived(fleet, new FabricWatch());
  for (const received of [0, DATA_RATE / 4]) {
    stand.sample(port(received));
    derived.renew(clock.ms);
    clock.ms += 1000;
  }
  const tick = () => buildNodeTick(node, { fleet, alerts: [], incidents: [], derived }, clock.ms).derived;
  // Nothing is told of what the port sends, nor of its waiting.
  expect(tick()).toEqual([['infiniband_utilization_ratio', ['mlx5_0', '1', 'receive'], 0.25]]);
  stand.silence(60);
  expect(tick()).toEqual([]);
});

test('without anything derived there is nothing', () => {
  const stand = new StandInNode('node07');
  stand.sample(port(0));
  expect(
    buildNodeTick(stand.node, { fleet: stand.fleet, alerts: [], incidents: [], derived: undefined }, 0).derived,
  ).toEqual([]);
});

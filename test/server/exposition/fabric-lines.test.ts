// The series of a subnet and those derived for nodes, checked line by line.
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { Derived } from '../../../server/derived/derived.ts';
import { Exposition } from '../../../server/exposition/exposition.ts';
import { FabricLines } from '../../../server/exposition/fabric-lines.ts';
import { FabricWatch } from '../../../server/fabric/watch.ts';
import { checkExposition } from '../../exposition-check.ts';
import { agentOf, EDR_TICKS, EDR_WORDS, Net } from '../fabric/net.ts';
import { StandInNode } from '../stand-in.ts';

let net: Net;
let one: StandInNode;
let watch: FabricWatch;
let derived: Derived;
let exposition: Exposition;
beforeEach(() => {
  net = new Net({ hosts: 2, leaves: 1, spines: 1, uplinks: 1 });
  one = new StandInNode('gpu01');
  net.agents = [agentOf(net, 'gpu01', 'gpu01 mlx5_0')];
  watch = new FabricWatch(() => net.agents);
  derived = new Derived(one.fleet, watch);
  exposition = new Exposition(one.fleet, new Registry(), { derived, fabrics: new FabricLines(watch) });
});

/** Two sweeps; between them the uplink of leaf1 is half full and waits a tenth of the time. */
function sweepTwice(): void {
  const take = () => watch.take(net.sweep(), { node: 'gpu01', clockOffsetMs: 0 }, net.nowMs);
  net.count('leaf1', 17, 'PortXmitData', 2n ** 60n);
  take();
  net.count('leaf1', 17, 'PortXmitData', EDR_WORDS * 5);
  net.count('leaf1', 17, 'PortXmitWait', EDR_TICKS);
  net.count('gpu01 mlx5_0', 1, 'PortXmitWait', 2 ** 32 - 1);
  net.count('leaf1', 17, 'QP1Dropped', 7);
  net.count('leaf1', 17, 'PortSwHOQLifetimeLimitDiscards', 3);
  net.nowMs += 10_000;
  take();
}

async function page(format: 'prometheus' | 'openmetrics' = 'prometheus', nowMs = net.nowMs): Promise<string> {
  return Buffer.from((await exposition.renderFleet(format, nowMs)).bytes).toString();
}
const lines = (text: string, start: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith(`whyidle_${start}`));

test.each(['prometheus', 'openmetrics'] as const)('the page in %s is right in every line', async (format) => {
  sweepTwice();
  derived.renew(one.clock.ms);
  expect(checkExposition(await page(format))).toEqual([]);
});

describe('a subnet', () => {
  test('has its counters in base units, exact', async () => {
    sweepTwice();
    const text = await page();
    const labels = `subnet="fe80000000000000",guid="${net.guid('leaf1')}",port="17"`;
    expect(lines(text, 'fabric_port_data_transmitted_bytes_total{').filter((line) => line.includes('"17"'))).toEqual([
      `whyidle_fabric_port_data_transmitted_bytes_total{${labels}} ${4n * (2n ** 60n + BigInt(EDR_WORDS) * 5n)}`,
    ]);
    expect(lines(text, 'fabric_port_utilization_ratio{').filter((line) => line.includes(labels))).toEqual([
      `whyidle_fabric_port_utilization_ratio{${labels},direction="receive"} 0`,
      `whyidle_fabric_port_utilization_ratio{${labels},direction="transmit"} 0.5`,
    ]);
    expect(lines(text, `fabric_port_congestion_ratio{${labels}}`)).toEqual([
      `whyidle_fabric_port_congestion_ratio{${labels}} 0.1`,
    ]);
    expect(lines(text, 'fabric_port_events_total')).toEqual([
      `whyidle_fabric_port_events_total{${labels},counter="QP1Dropped"} 7`,
    ]);
    expect(lines(text, 'fabric_port_discards_by_cause_total')).toEqual([
      `whyidle_fabric_port_discards_by_cause_total{${labels},cause="head_of_queue"} 3`,
    ]);
  });

  test('has no value of a counter at its ceiling, and says so', async () => {
    sweepTwice();
    const text = await page();
    const labels = `subnet="fe80000000000000",guid="${net.guid('gpu01 mlx5_0')}",port="1"`;
    expect(lines(text, 'fabric_port_saturated')).toEqual([
      `whyidle_fabric_port_saturated{${labels},counter="PortXmitWait"} 1`,
    ]);
    expect(lines(text, `fabric_port_transmit_wait_ticks_total{${labels}}`)).toEqual([]);
  });

  test('says who is who, and counts by kind', async () => {
    sweepTwice();
    const text = await page();
    const guid = net.guid('gpu01 mlx5_0');
    expect(lines(text, 'fabric_device_info').filter((line) => line.includes(guid))).toEqual([
      `whyidle_fabric_device_info{subnet="fe80000000000000",guid="${guid}",kind="hca",name="gpu01 mlx5_0",node="gpu01",lid="3",ports="1"} 1`,
    ]);
    expect(lines(text, 'fabric_devices')).toEqual([
      'whyidle_fabric_devices{subnet="fe80000000000000",kind="switch"} 2',
      'whyidle_fabric_devices{subnet="fe80000000000000",kind="hca"} 2',
    ]);
    expect(lines(text, 'fabric_links')).toEqual([
      'whyidle_fabric_links{subnet="fe80000000000000",speed="EDR",width="4x"} 3',
    ]);
    expect(lines(text, 'fabric_link_info').length).toBe(6);
  });

  test('that is swept no more has its age alone', async () => {
    sweepTwice();
    const text = await page('prometheus', net.nowMs + 60_000);
    expect([...new Set(lines(text, 'fabric').map((line) => line.split('{')[0]))]).toEqual([
      'whyidle_fabric_sweep_seconds',
      'whyidle_fabric_sweep_last_success_timestamp_seconds',
      'whyidle_fabric_topology_changes_total',
    ]);
    expect(lines(text, 'fabric_sweep')).toEqual([
      'whyidle_fabric_sweep_seconds{subnet="fe80000000000000"} 0.5',
      `whyidle_fabric_sweep_last_success_timestamp_seconds{subnet="fe80000000000000"} ${net.nowMs / 1000}`,
    ]);
  });
});

test('a node says what its ports are plugged into', async () => {
  sweepTwice();
  one.sample([['load1', [], 1]]);
  derived.renew(one.clock.ms);
  const guid = agentOf(net, 'gpu01', 'gpu01 mlx5_0').guid;
  expect(lines(await page('prometheus', one.clock.ms), 'infiniband_port_peer_info')).toEqual([
    `whyidle_infiniband_port_peer_info{node="gpu01",device="mlx5_0",port="1",guid="${guid}",peer_guid="${net.guid('leaf1')}",peer_port="1",peer_name="leaf1",peer_kind="switch"} 1`,
  ]);
});

// Fabrics as they are followed: turns of two sweepers, clocks that differ, age, and the shape for the API.
import { beforeEach, describe, expect, test } from 'vitest';
import { viewFabric } from '../../../server/fabric/view.ts';
import { FabricWatch, isStale, MAX_SUBNETS } from '../../../server/fabric/watch.ts';
import { EDR_TICKS, EDR_WORDS, Net } from './net.ts';

let net: Net;
let watch: FabricWatch;
beforeEach(() => {
  net = new Net({ hosts: 4, leaves: 2, spines: 1 });
  watch = new FabricWatch(() => net.agents);
});

/** A sweep that ended now by the server's clock, and came half a second later. */
function sweep(node = 'a', clockOffsetMs = 0): boolean {
  const { nowMs } = net;
  const one = net.sweep();
  return watch.take({ ...one, endedMs: nowMs + clockOffsetMs }, { node, clockOffsetMs }, nowMs + 500);
}

function sweeps(count: number, node = 'a', clockOffsetMs = 0): void {
  for (let at = 0; at < count; at++) {
    net.nowMs += 10_000;
    sweep(node, clockOffsetMs);
  }
}

const fabric = () => {
  const [one] = watch.fabrics;
  if (!one) throw new Error('there is no fabric');
  return one;
};

describe('two sweepers', () => {
  test('take turns: the other one is believed when a sweep is due', () => {
    sweeps(3, 'a');
    net.nowMs += 2000;
    expect(sweep('b')).toBe(false);
    net.nowMs += 8000;
    expect(sweep('b')).toBe(true);
    expect(fabric().sweptBy).toBe('b');
    net.nowMs += 1000;
    expect(sweep('a')).toBe(false);
  });

  test('whose clocks differ give right rates', () => {
    sweeps(2, 'a', -20_000);
    net.count('leaf1', 1, 'PortXmitData', 25_000);
    sweeps(1, 'b', 35_000);
    expect(fabric().history.port(`${net.guid('leaf1')}/1`)?.rates.transmittedBytes).toBe(10_000);
  });

  test('a clock that is hours off is not believed', () => {
    sweeps(2, 'a');
    const one = net.sweep();
    net.nowMs += 10_000;
    expect(watch.take({ ...one, endedMs: 5 }, { node: 'a', clockOffsetMs: 0 }, net.nowMs)).toBe(true);
    expect(fabric().atMs).toBe(net.nowMs);
  });
});

describe('age', () => {
  test('three periods make a sweep old', () => {
    sweeps(3);
    expect(isStale(fabric(), net.nowMs + 30_000)).toBe(false);
    expect(isStale(fabric(), net.nowMs + 30_001)).toBe(true);
    expect(viewFabric(fabric(), net.nowMs + 42_000)).toMatchObject({ stale: true, age_seconds: 42, swept_by: 'a' });
  });

  test('follows a longer period', () => {
    sweeps(2);
    net.nowMs += 50_000;
    sweeps(1);
    expect(isStale(fabric(), net.nowMs + 179_000)).toBe(false);
  });
});

test('changes of the topology are counted by sweep', () => {
  sweeps(3);
  expect(fabric().topologyChanges).toBe(0);
  net.remove('gpu02 mlx5_0');
  sweeps(3);
  expect(fabric().topologyChanges).toBe(1);
});

test('more subnets than a site has are left out', () => {
  const results = Array.from({ length: MAX_SUBNETS + 1 }, (_, at) =>
    watch.take({ ...net.sweep(), subnet: String(at) }, { node: 'a', clockOffsetMs: 0 }, net.nowMs),
  );
  expect(results.filter(Boolean).length).toBe(MAX_SUBNETS);
});

test('the first sweep tells no totals', () => {
  net.count('leaf1', 17, 'SymbolErrorCounter', 5000);
  sweeps(1);
  expect(fabric().findings).toEqual([]);
});

test('the API has both directions of a link, and colours it by its gravest finding', () => {
  sweeps(2);
  for (let at = 0; at < 8; at++) {
    net.count('leaf1', 17, 'PortXmitData', Math.round(EDR_WORDS * 5));
    net.count('leaf1', 17, 'PortXmitWait', Math.round(EDR_TICKS * 3));
    net.count('spine1', 1, 'PortXmitData', Math.round(EDR_WORDS * 2));
    sweeps(1);
  }
  const view = viewFabric(fabric(), net.nowMs);
  const link = view.links.find(({ ends: [a] }) => a.guid === net.guid('leaf1') && a.port === 17);
  expect(link).toEqual({
    tier: 'uplink',
    speed: '4X EDR',
    data_rate_bytes_per_second: 12.5e9,
    severity: 'critical',
    ends: [
      {
        errors_grown: {},
        guid: net.guid('leaf1'),
        port: 17,
        state_id: 4,
        physical_state_id: 5,
        transmitted_bytes_per_second: 6.25e9,
        utilization_ratio: 0.5,
        congestion_ratio: expect.closeTo(0.3, 6) as number,
        congestion_ratio_upper: null,
      },
      {
        errors_grown: {},
        guid: net.guid('spine1'),
        port: 1,
        state_id: 4,
        physical_state_id: 5,
        transmitted_bytes_per_second: 2.5e9,
        utilization_ratio: 0.2,
        congestion_ratio: 0,
        congestion_ratio_upper: null,
      },
    ],
  });
  expect(view.findings.map(({ kind, since_ms }) => [kind, since_ms])).toEqual([['congestion', expect.any(Number)]]);
  expect(view.coverage).toMatchObject({ devices: 7, links: 8, adapters: 4, adapters_with_agent: 0, ports: 16 });
});

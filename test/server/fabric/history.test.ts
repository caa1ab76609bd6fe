// Counters over time: rates by hand, resets, ceilings, readings that are missing.
import { describe, expect, test } from 'vitest';
import { isSaturated } from '../../../server/fabric/counters.ts';
import { GrowthLog } from '../../../server/fabric/growth.ts';
import { learnTick, tickOf } from '../../../server/fabric/ticks.ts';
import { Net, NOON } from './net.ts';

const HOUR = 3_600_000;
const small = { hosts: 2, leaves: 1, spines: 0 };
const portOf = (net: Net, name: string, port: number) => net.history.port(`${net.guid(name)}/${port}`);

test.each([
  ['LocalLinkIntegrityErrors', '15', false, true],
  ['LinkDownedCounter', '255', false, true],
  ['LinkDownedCounter', '254', false, false],
  ['SymbolErrorCounter', '65535', false, true],
  ['PortXmitWait', '4294967295', false, true],
  ['PortXmitWait', '4294967295', true, false],
  ['PortXmitWait', '18446744073709551615', true, true],
  ['PortXmitData', '18446744073709551615', false, true],
  ['PortXmitData', '9007199254740995', false, false],
  ['PortSwHOQLifetimeLimitDiscards', '65535', true, true],
  ['Unknown', '65535', false, false],
])('%s at %s, wide errors %s: saturated is %s', (name, digits, hasWideErrors, saturated) => {
  expect(isSaturated(name, digits, { hasWideErrors })).toBe(saturated);
});

describe('rates', () => {
  test('are bytes a second, exact beyond 2^53 words', () => {
    const net = new Net(small);
    net.count('leaf1', 1, 'PortXmitData', 2n ** 60n);
    net.run(10);
    net.count('leaf1', 1, 'PortXmitData', 2_500);
    net.run(10);
    expect(portOf(net, 'leaf1', 1)?.rates).toEqual({ receivedBytes: 0, transmittedBytes: 1000, waitTicks: 0 });
  });

  test('are skipped once after a reset, which is counted', () => {
    const net = new Net(small);
    net.count('leaf1', 1, 'PortXmitData', 5000);
    net.run(20);
    net.set('leaf1', 1, { counters: { ...net.port('leaf1', 1).counters, PortXmitData: '10' } });
    net.run(10);
    const port = portOf(net, 'leaf1', 1);
    expect([port?.rates.transmittedBytes, port?.resets]).toEqual([null, 1]);
    net.count('leaf1', 1, 'PortXmitData', 2500);
    net.run(10);
    expect([port?.rates.transmittedBytes, port?.resets]).toEqual([1000, 1]);
  });

  test('are those of before where counters were not read, and right over the gap', () => {
    const net = new Net(small);
    net.run(20);
    const { counters } = net.port('leaf1', 1);
    net.set('leaf1', 1, { counters: {} });
    net.run(10);
    net.set('leaf1', 1, { counters });
    net.count('leaf1', 1, 'PortXmitData', 5000);
    net.count('leaf1', 1, 'SymbolErrorCounter', 3);
    net.run(10);
    const port = portOf(net, 'leaf1', 1);
    expect(port?.rates.transmittedBytes).toBe(1000);
    expect(port?.gained('SymbolErrorCounter', NOON)).toBe(3);
  });

  test('of a saturated counter are not known', () => {
    const net = new Net(small);
    net.run(20);
    net.set('gpu01 mlx5_0', 1, { counters: { ...net.port('gpu01 mlx5_0', 1).counters, PortXmitWait: '4294967295' } });
    net.run(20);
    const port = portOf(net, 'gpu01 mlx5_0', 1);
    expect(port?.rates.waitTicks).toBeNull();
    expect(port?.congestion).toBeNull();
    expect([...(port?.saturated ?? [])]).toEqual(['PortXmitWait']);
  });
});

describe('ticks', () => {
  test.each([
    ['Quantum', 0xd2f0, 4, { low: 8, high: 8 }],
    ['Switch-IB 2 at four lanes', 0xcf08, 4, { low: 128, high: 128 }],
    ['Switch-IB at one lane', 0xcb20, 1, { low: 32, high: 32 }],
    ['ConnectX-7', 0x1021, 4, { low: 8, high: 8 }],
    ['ConnectX-3', 0x1003, 4, { low: 128, high: 128 }],
    ['ConnectX-4', 0x1013, 4, { low: 8, high: 128 }],
    ['ConnectX-5 at two lanes', 0x1017, 2, { low: 8, high: 64 }],
    ['a device without a number', null, null, { low: 8, high: 128 }],
  ])('of %s', (_, deviceId, widthLanes, tick) => {
    expect(tickOf({ deviceId }, { tickBytes: null, widthLanes })).toEqual(tick);
  });

  test('that were read or proved go before the table', () => {
    expect(tickOf({ deviceId: 0xd2f0 }, { tickBytes: 32, widthLanes: 4 })).toEqual({ low: 32, high: 32 });
    expect(tickOf({ deviceId: 0x1013 }, { tickBytes: null, widthLanes: 4 }, 8)).toEqual({ low: 8, high: 8 });
    expect([learnTick(1.4), learnTick(1.6), learnTick(NaN)]).toEqual([undefined, 8, undefined]);
  });
});

test('growth stays small however long it goes on, and adds up', () => {
  const log = new GrowthLog();
  for (let second = 0; second < 13 * 3600; second += 10) log.add(NOON + second * 1000, 1);
  expect(log.cells.length).toBeLessThan(80);
  // The last growth was ten seconds before 13 h; cells are told as one, so that a window may hold a part more.
  const nowMs = NOON + 13 * HOUR;
  expect(log.sum(nowMs - 720_000)).toBe(72);
  expect(log.sum(nowMs - 12 * HOUR)).toBeGreaterThanOrEqual(4310);
  expect(log.sum(nowMs - 12 * HOUR)).toBeLessThanOrEqual(4320 + 72);
});

test('a port that nobody sees for a week is forgotten', () => {
  const net = new Net(small);
  net.run(20);
  const guid = net.guid('gpu02 mlx5_0');
  net.remove('gpu02 mlx5_0');
  net.run(20);
  expect(net.history.port(`${guid}/1`)?.lostSinceMs).toBe(NOON + 30_000);
  net.nowMs += 7 * 24 * HOUR;
  net.run(10);
  expect(net.history.port(`${guid}/1`)).toBeUndefined();
});

// Error counters that grew, as /api/v1/fabric tells them of each end of a link.
import { expect, test } from 'vitest';
import type { FabricPort, FabricSweep } from '#agent/contract';
import { FabricWatch } from '../../../server/fabric/watch.ts';
import { viewFabric } from '../../../server/fabric/view.ts';

const HOST = '00000000000000a1';
const LEAF = '00000000000000b1';
const HOUR_MS = 3_600_000;

const port = (guid: string, peer: string, counters: FabricPort['counters']): FabricPort => ({
  guid,
  port: 1,
  portGuid: null,
  lid: 1,
  state: 4,
  physicalState: 5,
  widthLanes: 4,
  laneBytesPerSecond: 25.78125 * 125e6,
  widthLanesBest: null,
  laneBytesPerSecondBest: null,
  peer: { guid: peer, port: 1 },
  counters,
  hasWideErrors: false,
  tickBytes: null,
});
const device = (guid: string, kind: 'hca' | 'switch') =>
  ({ guid, kind, name: kind, lid: 1, ports: 1, systemGuid: null, vendorId: null, deviceId: null }) as const;

function sweep(atMs: number, counters: FabricPort['counters']): FabricSweep {
  return {
    subnet: 'fe80',
    startedMs: atMs,
    endedMs: atMs,
    topologyMs: atMs,
    devices: [device(HOST, 'hca'), device(LEAF, 'switch')],
    ports: [port(HOST, LEAF, {}), port(LEAF, HOST, counters)],
    silent: [],
    problems: [],
  };
}

function grownAfter(sweeps: readonly (readonly [atMs: number, counters: FabricPort['counters']])[]) {
  const watch = new FabricWatch();
  for (const [atMs, counters] of sweeps) watch.take(sweep(atMs, counters), { node: 'n', clockOffsetMs: 0 }, atMs);
  const [fabric] = watch.fabrics;
  const [link] = fabric ? viewFabric(fabric, fabric.atMs).links : [];
  return link?.ends.map(({ errors_grown }) => errors_grown);
}

test('what grew, and not what stood there before, nor data, packets and waiting', () => {
  const before = {
    SymbolErrorCounter: '40',
    LinkDownedCounter: '3',
    PortXmitData: '1',
    PortXmitPkts: '1',
    PortXmitWait: '1',
  };
  const after = {
    SymbolErrorCounter: '45',
    LinkDownedCounter: '3',
    PortXmitData: '9',
    PortXmitPkts: '9',
    PortXmitWait: '9',
  };
  expect(grownAfter([[1000, before]])).toEqual([{}, {}]);
  expect(
    grownAfter([
      [1000, before],
      [11_000, after],
    ]),
  ).toEqual([{}, { SymbolErrorCounter: 5 }]);
});

test('of the last hour', () => {
  expect(
    grownAfter([
      [1000, { SymbolErrorCounter: '40' }],
      [11_000, { SymbolErrorCounter: '45' }],
      [11_000 + 2 * HOUR_MS, { SymbolErrorCounter: '47' }],
    ]),
  ).toEqual([{}, { SymbolErrorCounter: 2 }]);
});

// What the stand-ins of infiniband-diags print, read by the parsers of the real ones: it is the model.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { linkInfoParser, type LinkLine } from '../../../../agent/parse/fabric/iblinkinfo.ts';
import { discoveryParser } from '../../../../agent/parse/fabric/ibnetdiscover.ts';
import { errorParser } from '../../../../agent/parse/fabric/ibqueryerrors.ts';
import { parseLines } from '../../../../agent/parse/fabric/line-parser.ts';
import { hasWideErrors, perfQueryParser, tickBytesOf } from '../../../../agent/parse/fabric/perfquery.ts';
import { noFaults } from '../../../../agent/simulator/faults.ts';
import { noFabricFaults } from '../../../../agent/simulator/fabric/faults.ts';
import type { FabricPortView } from '../../../../agent/simulator/fabric/model.ts';
import type { FabricEnd } from '../../../../agent/simulator/fabric/topology.ts';
import { sherlock } from '../../../../agent/simulator/hardware.ts';
import { FabricTools } from '../../../../agent/simulator/render/fabric-tools.ts';
import {
  countersOf,
  renderLinkInfo,
  renderNetDiscover,
  renderQueryErrors,
} from '../../../../agent/simulator/render/infiniband-diags.ts';
import { fabricMomentOf } from '../../../../agent/simulator/simulated-cluster.ts';
import { SimulatedWorkload } from '../../../../agent/simulator/workload.ts';

const SLOW = 80; // the cable of an adapter of an HGX-2
const FLAPPING = 40;
const nodes = sherlock({ seed: 1, nowS: 1_800_000_000 });
const workload = new SimulatedWorkload(1, nodes, {
  ...noFaults,
  fabric: {
    ...noFabricFaults,
    slowLink: { cable: SLOW, state: { up: true, lanes: 2, laneGigabits: 25.78125 } },
    flapping: { cable: FLAPPING, firstS: 30, everyS: 3600, forS: 8 },
    badCable: { cable: 100, fromS: -7200 },
  },
});
workload.advance(20);
const calm = fabricMomentOf(workload);
const { devices, cables } = calm.fabric;

function viewAt(cable: number, side: 0 | 1): FabricPortView {
  const end = cables[cable]?.ends[side];
  const view = calm.ports.find((port) => port.end.device === end?.device && port.end.port === end.port);
  if (!view) throw new Error(`no port at cable ${cable}`);
  return view;
}

function digits(view: FabricPortView, name: string): string {
  return String(countersOf(view)[name] ?? 0n);
}

describe('while all links are up', () => {
  test('ibnetdiscover: 8 switches, 96 adapters, each link from both ends', () => {
    const { devices: found, ports, origin } = parseLines(discoveryParser(), renderNetDiscover(calm));
    expect(found.map(({ kind }) => kind).filter((kind) => kind === 'switch')).toHaveLength(8);
    expect(found.filter(({ kind }) => kind === 'hca')).toHaveLength(96);
    expect(ports).toHaveLength(2 * 144);
    expect(origin).toMatchObject({ guid: nodes[0]?.hcas[0]?.guid, portGuid: nodes[0]?.hcas[0]?.guid });
    for (const { guid, name, lid, deviceId } of devices)
      expect(found.find((device) => device.guid === guid)).toMatchObject({ name, deviceId, lid: name.startsWith('node') ? null : lid }); // prettier-ignore
    const places = new Set(ports.map(({ guid, port, peer }) => `${guid}/${port} ${peer.guid}/${peer.port}`));
    const placeOf = ({ device, port }: FabricEnd): string => `${devices[device]?.guid}/${port}`;
    for (const { ends } of cables) {
      const [one, other] = [placeOf(ends[0]), placeOf(ends[1])];
      expect(places.has(`${one} ${other}`) && places.has(`${other} ${one}`)).toBe(true);
    }
  });

  test('iblinkinfo, in both forms: 288 ends are active, one cable has two lanes of four', () => {
    for (const oneLine of [true, false]) {
      const lines = parseLines(linkInfoParser(), renderLinkInfo(calm, { oneLine }));
      expect(lines).toHaveLength(8 * 36 + 96);
      const active = lines.filter(({ state }) => state === 4);
      expect(active).toHaveLength(288);
      const narrow = active.filter(({ widthLanes }) => widthLanes !== 4);
      expect(narrow.map(({ widthLanes, couldBeLanes }) => [widthLanes, couldBeLanes])).toEqual([[2, 4], [2, 4]]); // prettier-ignore
      expect(new Set(active.map(({ laneBytesPerSecond }) => laneBytesPerSecond))).toEqual(new Set([25.78125e9 / 8]));
      expect(active.filter(({ couldBeLaneBytesPerSecond }) => couldBeLaneBytesPerSecond !== null)).toEqual([]);
    }
  });

  test('ibqueryerrors: the errors that are not 0, and the data of every port', () => {
    const { ports, summary } = parseLines(errorParser(), renderQueryErrors(calm, 'errors'));
    expect(summary).toMatchObject({ nodes: 104, ports: 96 + 8 * 37 });
    for (const side of [0, 1] as const) {
      const bad = viewAt(100, side);
      const told = ports.find(({ guid, port }) => guid === devices[bad.end.device]?.guid && port === bad.end.port);
      expect(told).toMatchObject({ kind: 'errors', hasWideErrors: true });
      expect(told?.counters).toEqual({
        SymbolErrorCounter: digits(bad, 'SymbolErrorCounter'),
        LinkErrorRecoveryCounter: digits(bad, 'LinkErrorRecoveryCounter'),
        PortRcvErrors: digits(bad, 'PortRcvErrors'),
        PortXmitWait: digits(bad, 'PortXmitWait'),
      });
    }
    const data = parseLines(errorParser(), renderQueryErrors(calm, 'data')).ports;
    expect(data).toHaveLength(8 * 36 + 96);
    const own = viewAt(SLOW, 0);
    expect(data.find(({ guid }) => guid === devices[own.end.device]?.guid)?.counters).toEqual({
      PortXmitData: digits(own, 'PortXmitData'),
      PortRcvData: digits(own, 'PortRcvData'),
      PortXmitPkts: digits(own, 'PortXmitPkts'),
      PortRcvPkts: digits(own, 'PortRcvPkts'),
      PortUnicastXmitPkts: digits(own, 'PortXmitPkts'),
      PortUnicastRcvPkts: digits(own, 'PortRcvPkts'),
      PortMulticastXmitPkts: '0',
      PortMulticastRcvPkts: '0',
    });
  });

  test('an adapter’s counts are those of its files', () => {
    const hca = viewAt(SLOW, 0);
    const state = workload.states[Math.floor(Number(devices[hca.end.device]?.name.slice(4, 6)) - 1)];
    expect(state?.counters.ports.map((port) => port.txWords)).toContain(hca.counters.txWords);
  });
});

describe('the programs', () => {
  const directory = mkdtempSync(join(tmpdir(), "whyidle-fabric's-"));
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });
  const tools = new FabricTools(directory);
  tools.update(calm);
  const run = (name: string, ...args: readonly string[]): string =>
    execFileSync(join(tools.directory, name), args, { encoding: 'utf8' });

  test('print what was written', () => {
    expect(run('ibnetdiscover')).toBe(renderNetDiscover(calm));
    expect(run('iblinkinfo', '-l')).toBe(renderLinkInfo(calm, { oneLine: true }));
    expect(run('iblinkinfo')).toBe(renderLinkInfo(calm, { oneLine: false }));
    expect(run('ibqueryerrors', '--counters')).toBe(renderQueryErrors(calm, 'data'));
  });

  test('ibqueryerrors ends with 1, for there are errors', () => {
    const { status, stdout } = spawnSync(join(tools.directory, 'ibqueryerrors'), ['--threshold-file', '/dev/null'], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stdout).toBe(renderQueryErrors(calm, 'errors'));
  });

  test('perfquery of a switch: errors of 64 bits, ticks of 8 bytes', () => {
    const bad = viewAt(100, 0);
    const place = [String(devices[bad.end.device]?.lid), String(bad.end.port)];
    const [extended] = parseLines(perfQueryParser(), run('perfquery', '-x', ...place));
    expect(extended && hasWideErrors(extended)).toBe(true);
    for (const name of ['SymbolErrorCounter', 'PortXmitWait', 'PortXmitData', 'PortRcvPkts'])
      expect(extended?.counters[name]).toBe(digits(bad, name));
    const [samples] = parseLines(perfQueryParser(), run('perfquery', '-c', ...place));
    expect(samples && tickBytesOf(samples, 4)).toBe(8);
    const [receive] = parseLines(perfQueryParser(), run('perfquery', '-E', ...place));
    expect(receive?.counters['PortLocalPhysicalErrors']).toBe(digits(bad, 'PortRcvErrors'));
    const [discards] = parseLines(perfQueryParser(), run('perfquery', '-D', ...place));
    expect(discards?.counters['PortSwHOQLifetimeLimitDiscards']).toBe('0');
  });

  test('perfquery of an adapter: errors only in the plain set, whose data stop at 32 bits', () => {
    const hca = viewAt(SLOW, 0);
    const place = [String(devices[hca.end.device]?.lid), '1'];
    const [extended] = parseLines(perfQueryParser(), run('perfquery', '-x', ...place));
    expect(extended && hasWideErrors(extended)).toBe(false);
    expect(extended?.counters['PortXmitData']).toBe(digits(hca, 'PortXmitData'));
    const [plain] = parseLines(perfQueryParser(), run('perfquery', ...place));
    expect(plain?.counters).toMatchObject({ PortXmitData: '4294967295', PortXmitWait: digits(hca, 'PortXmitWait') });
    const [samples] = parseLines(perfQueryParser(), run('perfquery', '-c', ...place));
    expect(samples && tickBytesOf(samples, 4)).toBe(128);
  });

  test('who is not there gives an error', () => {
    expect(spawnSync(join(tools.directory, 'perfquery'), ['-x', '999', '1']).status).toBe(1);
  });
});

test('behind a link that is down nobody is seen, and its switch tells the port down', () => {
  workload.advance(13);
  const moment = fabricMomentOf(workload);
  const [adapter, leaf] = cables[FLAPPING]?.ends ?? [];
  const guid = devices[adapter?.device ?? -1]?.guid;
  const { devices: found, ports } = parseLines(discoveryParser(), renderNetDiscover(moment));
  expect(found).toHaveLength(103);
  expect(found.some((device) => device.guid === guid)).toBe(false);
  expect(ports).toHaveLength(2 * 143);
  const down = parseLines(linkInfoParser(), renderLinkInfo(moment, { oneLine: true })).find(
    (line: LinkLine) => line.guid === devices[leaf?.device ?? -1]?.guid && line.port === leaf?.port,
  );
  expect(down).toMatchObject({ state: 1, physicalState: 2, peer: null });
  expect(parseLines(errorParser(), renderQueryErrors(moment, 'data')).summary).toMatchObject({ nodes: 103 });
});

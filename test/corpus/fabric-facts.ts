// What each recorded output of infiniband-diags must give: facts of ../shared/corpus/infiniband/SOURCES.md and ibsim/README.md.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { discoveryParser, type Discovery } from '../../agent/parse/fabric/ibnetdiscover.ts';
import { portListParser, switchListParser } from '../../agent/parse/fabric/ibnetdiscover-ports.ts';
import { linkInfoParser, type LinkLine } from '../../agent/parse/fabric/iblinkinfo.ts';
import { errorParser, type QueriedErrors } from '../../agent/parse/fabric/ibqueryerrors.ts';
import { ibstatParser, parseSmInfo } from '../../agent/parse/fabric/ibstat.ts';
import { parseLines } from '../../agent/parse/fabric/line-parser.ts';
import { hasWideErrors, perfQueryParser } from '../../agent/parse/fabric/perfquery.ts';
import { parseSilence } from '../../agent/parse/fabric/silent.ts';

export const corpus = join(import.meta.dirname, '../../../shared/corpus/infiniband');

export const read = (file: string): string => readFileSync(join(corpus, file), 'utf8');
const lines = (file: string): readonly LinkLine[] => parseLines(linkInfoParser(), read(file));
const discover = (file: string): Discovery => parseLines(discoveryParser(), read(file));
const query = (file: string): QueriedErrors => parseLines(errorParser(), read(file));

const EDR = 25.78125e9 / 8;
const countBy = (words: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries([...Map.groupBy(words, (word) => word)].map(([word, { length }]) => [word, length]));
const kinds = ({ devices }: Discovery) => countBy(devices.map(({ kind }) => kind));
const rates = ({ ports }: Discovery) =>
  countBy(
    ports.map(({ widthLanes, laneBytesPerSecond }) => `${widthLanes ?? '?'}x${((laneBytesPerSecond ?? 0) * 8) / 1e9}`),
  );
const linkCount = ({ ports }: Discovery): number => ports.length / 2;
const hostsOf = ({ devices }: Discovery): ReadonlySet<string> =>
  new Set(devices.filter(({ kind }) => kind === 'hca').map(({ name }) => name.split(' ')[0] ?? ''));
const at = (found: QueriedErrors, guid: string, port: number) =>
  found.ports.find((one) => one.guid === guid && one.port === port)?.counters;

/** What each file must give; every file of the folders is in here. */
export const facts: Readonly<Record<string, (file: string) => void>> = {
  'ibnetdiscover/osc-edr-p.out': (file) => {
    const ports = parseLines(portListParser(), read(file));
    // SOURCES.md counts the empty last line too.
    expect(ports).toHaveLength(9);
    expect(ports.filter(({ peer }) => peer === null).map(({ port, widthLanes }) => [port, widthLanes])).toEqual([
      [37, 4],
      [80, 4],
    ]);
    expect(ports.find(({ port }) => port === 37)?.laneBytesPerSecond).toBeNull();
    const adapters = ports.filter(({ type }) => type === 'CA');
    expect(adapters.map(({ name, lid, guid }) => [name, lid, guid])).toEqual([
      ['o0001 HCA-1', 134, '7cfe9003003b4bde'],
      ['o0002 HCA-1', 133, '7cfe9003003b4b96'],
      ['p0001 HCA-1', 1432, '506b4b0300cc02a6'],
    ]);
    expect(adapters[0]?.peer).toEqual({
      type: 'SW',
      lid: 1719,
      port: 10,
      guid: '7cfe9003009ce5b0',
      name: 'ib-i1l1s01',
    });
  },
  'ibnetdiscover/hdr-mixed-p.out': (file) => {
    const ports = parseLines(portListParser(), read(file));
    expect(ports.map(({ peer }) => peer?.name ?? null)).toEqual([
      ...['5FB0405-leaf-IB01', '5FB0405-leaf-IB01', null, null, 'Mellanox Technologies Aggregation Node', null],
    ]);
    expect(ports[4]).toMatchObject({ name: '5FB0406-spine-IB03', port: 81 });
  },
  'ibnetdiscover/nvidia-lab-small.txt': (file) => {
    const found = discover(file);
    expect(kinds(found)).toEqual({ switch: 2, hca: 12, aggregation: 1 });
    expect(hostsOf(found).size).toBe(5);
    expect(found.devices.filter(({ kind }) => kind === 'switch').map(({ ports }) => ports)).toEqual([41, 36]);
    expect(linkCount(found)).toBe(16);
    expect(rates(found)).toEqual({ '4x14.0625': 24, '4x25.78125': 4, '4x53.125': 2, '4x10.3125': 2 });
    const loops = found.ports.filter(({ guid, peer }) => guid === peer.guid).map(({ port, peer }) => [port, peer.port]);
    expect(loops).toEqual([
      [25, 26],
      [26, 25],
      [28, 29],
      [29, 28],
    ]);
    expect(found.origin).toEqual({ guid: '0c42a103008b40d0', portGuid: '0c42a103008b40d0' });
  },
  'ibnetdiscover/selene-storage.txt': (file) => {
    const found = discover(file);
    expect(kinds(found)).toEqual({ switch: 160, hca: 1247 });
    expect(new Set(found.devices.filter(({ kind }) => kind === 'switch').map(({ ports }) => ports))).toEqual(
      new Set([41]),
    );
    expect(linkCount(found)).toBe(3286);
    expect(rates(found)).toEqual({ '4x53.125': 5932, '4x25.78125': 640 });
    const kindOf = new Map(found.devices.map(({ guid, kind }) => [guid, kind]));
    const between = found.ports.filter(
      ({ guid, peer }) => kindOf.get(guid) === 'switch' && kindOf.get(peer.guid) === 'switch',
    );
    expect(between.length / 2).toBe(2039);
    expect(found.devices.filter(({ name }) => /^MT\d+ ConnectX/.test(name))).toHaveLength(1);
  },
  'ibnetdiscover/gsi-ibswitches.txt': (file) => {
    const switches = parseLines(switchListParser(), read(file));
    // SOURCES.md counts line ends, and the last line has none.
    expect(switches.map(({ ports, lid }) => [ports, lid])).toEqual([
      ...[
        [36, 574],
        [36, 631],
        [41, 774],
        [41, 924],
        [36, 203],
        [36, 27],
        [81, 13],
        [41, 770],
      ],
    ]);
    expect(switches.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['MF0;fdrleaf-xx5a-66:SX0000/U1', 'hdrleaf-xx5a-60', 'SwitchX -  Mellanox Technologies']),
    );
  },
  'iblinkinfo/sb7700-2019.txt': (file) => {
    const found = lines(file);
    expect(found).toHaveLength(20);
    expect(found.filter(({ state }) => state === 1).map(({ port, physicalState }) => [port, physicalState])).toEqual(
      Array.from({ length: 16 }, (_, index) => [index + 1, 2]),
    );
    const up = found.filter(({ state }) => state === 4);
    expect(up.map(({ widthLanes, laneBytesPerSecond }) => [widthLanes, laneBytesPerSecond])).toEqual(
      Array(4).fill([4, EDR]),
    );
    expect(
      found.every(
        ({ couldBeLanes, couldBeLaneBytesPerSecond }) => couldBeLanes === null && couldBeLaneBytesPerSecond === null,
      ),
    ).toBe(true);
    expect(found.at(-1)).toMatchObject({
      guid: '506b4b0300820910',
      lid: 2,
      port: 18,
      peer: { name: 'n01 HCA-1', lid: 1, port: 1 },
    });
    expect(found[0]).toMatchObject({ guid: 'ec0d9a03003d62be', name: 'n02 HCA-1', lid: 4, port: 1 });
  },
  'iblinkinfo/ibstat-connectx6-vf.txt': (file) => {
    const [parent, virtual] = parseLines(ibstatParser(), read(file));
    expect([parent?.type, virtual?.type]).toEqual(['MT4123', 'MT4124']);
    expect(virtual?.systemGuid).toBe(parent?.systemGuid);
    expect(virtual?.nodeGuid).not.toBe(parent?.nodeGuid);
    expect(parent?.ports[0]).toEqual({
      ...{ port: 1, state: 'Active', physicalState: 'LinkUp', gigabitsPerSecond: 100, lid: 28, smLid: 1 },
      ...{ guid: '043f720300cfef92', linkLayer: 'InfiniBand' },
    });
  },
  'ibqueryerrors/sx6036-ceph-2021.txt': (file) => {
    const found = query(file);
    expect(found.summary).toEqual({ nodes: 4, badNodes: 4, ports: 43, badPorts: 14, failedQueries: 0 });
    // 14 with the switch's own port, which is no link.
    expect(found.ports).toHaveLength(13);
    const sx = '0002c903006e29b0';
    expect(found.ports.filter(({ guid }) => guid === sx).map(({ port }) => port)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([5, 7].map((port) => at(found, sx, port)?.['SymbolErrorCounter'])).toEqual(['65535', '65535']);
    expect([1, 2, 3, 6].map((port) => at(found, sx, port)?.['PortXmitWait'])).toEqual(Array(4).fill('4294967295'));
    expect(at(found, sx, 6)?.['PortXmitDiscards']).toBe('14176');
    expect(found.ports.some((port) => port.hasWideErrors)).toBe(false);
  },
  'ibqueryerrors/qm8700-64bit-line.txt': (file) => {
    // The sum of a switch belongs to no port.
    expect(query(file).ports).toEqual([]);
    const found = parseLines(errorParser(), read(file).replace('port ALL', 'port 7'));
    expect(found.ports).toEqual([
      {
        ...{ kind: 'errors', guid: '1070fd0300370ea2', port: 7, name: '', hasWideErrors: true },
        counters: {
          LinkDownedCounter: '25',
          PortRcvErrors: '26',
          PortXmitDiscards: '2846',
          PortXmitWait: '14681376621',
        },
      },
    ]);
  },
  'perfquery/0x506b4b03005c2740-x-l.out': (file) => {
    const [section] = parseLines(perfQueryParser(), read(file));
    expect(section).toMatchObject({ kind: 'extended', lid: 2052, port: 1, capabilityMask: 0x5300, capabilityMask2: 2 });
    expect(section && hasWideErrors(section)).toBe(true);
    expect(section?.counters).toMatchObject({
      ...{ PortXmitData: '178791657177235', PortRcvData: '178762341961629', LinkDownedCounter: '1' },
      ...{ PortRcvSwitchRelayErrors: '7', PortXmitDiscards: '20046', PortXmitWait: '41864608' },
    });
  },
  'perfquery/0x7cfe9003003b4b96-x-l.out': (file) => {
    expectUnknownErrors(file, { lid: 133, packets: '100583719365', multicast: '3732373137' });
  },
  'perfquery/0x7cfe9003003b4bde-x-l.out': (file) => {
    expectUnknownErrors(file, { lid: 134, packets: '33038722564', multicast: '3732158589' });
  },
  'perfquery/0x7cfe9003009ce5b0-1-E.out': (file) => {
    const [section] = parseLines(perfQueryParser(), read(file));
    expect(section).toMatchObject({ kind: 'receive_errors', lid: 1719, port: 1 });
    expect(Object.values(section?.counters ?? {})).toEqual(Array(6).fill('0'));
  },
  'ibsim/recorded/fattree16.ibnetdiscover.txt': (file) => {
    const found = discover(file);
    expect(kinds(found)).toEqual({ switch: 6, hca: 16 });
    expect(linkCount(found)).toBe(32);
    expect(rates(found)).toEqual({ '4x25.78125': 64 });
    const lids = new Map(found.ports.flatMap(({ guid, lid }) => (lid === null ? [] : [[guid, lid] as const])));
    const named = found.devices.map(({ guid, name, lid }) => [name.split(/[ :]/)[0], lid ?? lids.get(guid)]);
    expect(named).toEqual(
      expect.arrayContaining([
        ['gpu01', 1],
        ['gpu16', 16],
        ['MF0;leaf1', 17],
        ['MF0;spine2', 22],
      ]),
    );
    const leaf1 = found.ports.filter(({ guid }) => guid === '506b4b0300a11000');
    expect(
      leaf1.map(({ port, peerName }) => [port, peerName.split(/[ :;]/).at(peerName.startsWith('MF0') ? 1 : 0)]),
    ).toEqual([
      ...[
        [1, 'gpu01'],
        [2, 'gpu02'],
        [3, 'gpu03'],
        [4, 'gpu04'],
      ],
      ...[
        [17, 'spine1'],
        [18, 'spine1'],
        [19, 'spine2'],
        [20, 'spine2'],
      ],
    ]);
  },
  'ibsim/recorded/fattree16.ibnetdiscover-p.txt': (file) => {
    const ports = parseLines(portListParser(), read(file));
    expect(ports.filter(({ peer }) => peer !== null)).toHaveLength(64);
    expect(ports.filter(({ peer, laneBytesPerSecond }) => peer !== null && laneBytesPerSecond !== EDR)).toEqual([]);
    expect(ports.filter(({ type }) => type === 'CA')).toHaveLength(16);
    expect(ports).toHaveLength(16 + 6 * 36);
  },
  'ibsim/recorded/fattree16.iblinkinfo.txt': (file) => {
    expectFatTreeLinks(lines(file));
  },
  'ibsim/recorded/fattree16.iblinkinfo-l.txt': (file) => {
    const found = lines(file);
    expectFatTreeLinks(found);
    expect(found.filter(({ peer }) => peer !== null).every(({ peer }) => peer?.guid !== null)).toBe(true);
    // The simulator offers more than its devices have: a hint, and the same on all.
    expect(new Set(found.filter(({ state }) => state === 4).map(({ couldBeLanes }) => couldBeLanes))).toEqual(
      new Set([12]),
    );
  },
  'ibsim/recorded/fattree16.ibstat.txt': (file) => {
    const adapters = parseLines(ibstatParser(), read(file));
    expect(adapters.map(({ name, nodeGuid, ports }) => [name, nodeGuid, ports[0]?.guid, ports[0]?.lid])).toEqual([
      ['ibsim0', '506b4b0300c10140', '506b4b0300c10141', 1],
    ]);
  },
  'ibsim/recorded/fattree16.sminfo.txt': (file) => {
    expect(parseSmInfo(read(file))).toEqual({ lid: 1, guid: '506b4b0300c10141', priority: 0, state: 'SMINFO_MASTER' });
  },
  'ibsim/recorded/fattree16.smpquery-portinfo-17-17.txt': (file) => {
    // Not read: iblinkinfo tells the same of all ports in one process. Its lines are taken for nothing else.
    expect(lines(file)).toEqual([]);
    expect(query(file)).toEqual({ ports: [], summary: undefined });
    expect(discover(file).devices).toEqual([]);
  },
  'ibsim/recorded/fattree16-degraded.ibnetdiscover.txt': (file) => {
    const found = discover(file);
    expect(kinds(found)).toEqual({ switch: 6, hca: 15 });
    expect(rates(found)).toEqual({ '4x25.78125': 58, '1x25.78125': 2, '4x14.0625': 2 });
  },
  'ibsim/recorded/fattree16-degraded.iblinkinfo.txt': (file) => {
    const slow = lines(file).filter(
      ({ state, widthLanes, laneBytesPerSecond }) => state === 4 && (widthLanes !== 4 || laneBytesPerSecond !== EDR),
    );
    expect(
      slow
        .map(({ name, port, widthLanes, laneBytesPerSecond }) => [name, port, widthLanes, laneBytesPerSecond])
        .toSorted(),
    ).toEqual([
      ['MF0;leaf2:MSB7800/U1', 3, 1, EDR],
      ['MF0;leaf3:MSB7800/U1', 17, 4, 14.0625e9 / 8],
      ['MF0;spine1:MSB7800/U1', 5, 4, 14.0625e9 / 8],
      ['gpu07 mlx5_0', 1, 1, EDR],
    ]);
    expect(lines(file).find(({ name, port }) => name.includes('leaf4') && port === 4)).toMatchObject({
      state: 1,
      peer: null,
    });
  },
  'ibsim/recorded/fattree16-gpu02-unlinked.iblinkinfo.txt': (file) => {
    const found = lines(file);
    expect(found.filter(({ state }) => state === 4)).toHaveLength(62);
    expect(found.find(({ name, port }) => name.includes('leaf1') && port === 2)).toMatchObject({
      state: 1,
      physicalState: 2,
      peer: null,
    });
    expect(found.some(({ name }) => name.startsWith('gpu02'))).toBe(false);
  },
  'ibsim/recorded/fattree16-gpu05-silent.ibqueryerrors.txt': (file) => {
    const found = query(file);
    expect(found.summary).toMatchObject({ nodes: 20, badPorts: 3 });
    expect(found.ports.some(({ name }) => name.startsWith('gpu05'))).toBe(false);
  },
  'ibsim/recorded/fattree16-gpu05-silent.ibqueryerrors.stderr.txt': (file) => {
    expect(parseSilence(read(file))).toEqual({ paths: [{ path: [1, 17, 3, 1] }], queries: [] });
  },
  'ibsim/recorded/fattree16-faults.console.txt': (file) => {
    // The simulator's own words, of no tool of ours.
    expect(query(file)).toEqual({ ports: [], summary: undefined });
    expect(lines(file)).toEqual([]);
  },
  'ibsim/recorded/fattree16-faults.ibqueryerrors.txt': (file) => {
    expectFaults(query(file), { failed: 0 });
  },
  'ibsim/recorded/fattree16-faults.ibqueryerrors.stderr.txt': (file) => {
    expect(parseSilence(read(file))).toEqual({ paths: [], queries: [] });
  },
  'ibsim/recorded/fattree16-faults.ibqueryerrors-r-data.txt': (file) => {
    const found = query(file);
    expectFaults(found, { failed: 0 });
    // The sum of the switch says 9007199255060387; that is no port's.
    expect(at(found, '506b4b0300a11000', 17)?.['PortXmitData']).toBe('131112');
  },
  'ibsim/recorded/fattree16-faults.ibqueryerrors-counters.txt': (file) => {
    const found = query(file);
    expect(found.summary).toEqual({ nodes: 22, badNodes: 0, ports: 238, badPorts: 0, failedQueries: 0 });
    expect(found.ports).toHaveLength(238 - 6);
    const words = at(found, '506b4b0300a11000', 1);
    // Above 2^53, where a number would lose its last digit.
    expect(BigInt(words?.['PortXmitData'] ?? 0) >= 9007199254740995n).toBe(true);
    expect(words?.['PortRcvData']).toBe('18446744073709551615');
    expect(found.ports.every(({ kind, hasWideErrors: wide }) => kind === 'data' && !wide)).toBe(true);
  },
  'ibsim/recorded/fattree16-faults.ibqueryerrors-details-MISLABELLED.txt': (file) => {
    const found = query(file);
    expect(at(found, '506b4b0300a11000', 18)).toEqual({ PortXmitDiscards: '640', PortXmitWait: '123456789' });
    const names = new Set(found.ports.flatMap(({ counters }) => Object.keys(counters)));
    expect([...names].filter((name) => /Discards$|^Port(Local|Malformed|Buffer|DLID|VL|Looping)/.test(name))).toEqual([
      'PortXmitDiscards',
    ]);
  },
  'ibsim/recorded/fattree16-faults.perfquery-3-1.txt': (file) => {
    const [section] = parseLines(perfQueryParser(), read(file));
    expect(section).toMatchObject({ kind: 'basic', lid: 3, port: 1, capabilityMask: 0x1200, capabilityMask2: null });
    expect(section?.counters).toMatchObject({
      LinkDownedCounter: '255',
      PortXmitWait: '4294967295',
      PortXmitData: '3312',
    });
  },
  'ibsim/recorded/fattree16-faults.perfquery-D-17-18.txt': (file) => {
    expect(parseLines(perfQueryParser(), read(file))).toMatchObject([
      {
        kind: 'discards',
        lid: 17,
        port: 18,
        counters: { PortInactiveDiscards: '0', PortSwHOQLifetimeLimitDiscards: '640' },
      },
    ]);
  },
  'ibsim/recorded/fattree16-faults.perfquery-x-17-1.txt': (file) => {
    const [section] = parseLines(perfQueryParser(), read(file));
    expect(section?.counters).toMatchObject({ PortXmitData: '9007199254966283', PortRcvData: '18446744073709551615' });
  },
  'ibsim/recorded/fattree16-faults.perfquery-x-l-17.txt': (file) => {
    const sections = parseLines(perfQueryParser(), read(file));
    expect(sections.map(({ port, counters }) => [port, counters['PortXmitPkts']])).toEqual([
      [1, '3891'],
      [17, '2418'],
      [18, '51'],
    ]);
  },
  'ibsim/recorded/hgx2-rails.ibnetdiscover.txt': (file) => {
    const found = discover(file);
    expect(kinds(found)).toEqual({ switch: 6, hca: 32, aggregation: 4 });
    expect(hostsOf(found).size).toBe(4);
    expect(linkCount(found)).toBe(68);
  },
  'ibsim/recorded/hgx2-rails.iblinkinfo.txt': (file) => {
    const found = lines(file);
    expect(found.filter(({ state }) => state === 4)).toHaveLength(136);
    const leafOf = new Map(
      found.filter(({ name }) => name.startsWith('hgx')).map(({ name, peer }) => [name, peer?.name]),
    );
    for (let rail = 0; rail < 8; rail++)
      expect(leafOf.get(`hgx03 mlx5_${rail}`)).toBe(`MF0;rail-leaf${Math.floor(rail / 2) + 1}:MSB7800/U1`);
  },
};

function expectUnknownErrors(
  file: string,
  { lid, packets, multicast }: { lid: number; packets: string; multicast: string },
): void {
  const [section] = parseLines(perfQueryParser(), read(file));
  expect(section).toMatchObject({ kind: 'extended', lid, capabilityMask: 0x5a00, capabilityMask2: 0 });
  expect(section?.counters).toMatchObject({ PortRcvPkts: packets, PortMulticastRcvPkts: multicast });
  // Printed as 0 because the device does not tell them.
  expect(
    Object.keys(section?.counters ?? {}).filter((name) => /Error|Discards|Wait|Dropped|Downed/.test(name)),
  ).toEqual([]);
}

function expectFatTreeLinks(found: readonly LinkLine[]): void {
  const active = found.filter(({ state }) => state === 4);
  expect(active).toHaveLength(64);
  expect(new Set(active.map(({ widthLanes, laneBytesPerSecond }) => `${widthLanes} ${laneBytesPerSecond}`))).toEqual(
    new Set([`4 ${EDR}`]),
  );
  expect(
    found.filter(({ state }) => state === 1).every(({ peer, physicalState }) => peer === null && physicalState === 2),
  ).toBe(true);
  expect(found).toHaveLength(16 + 6 * 36);
}

function expectFaults(found: QueriedErrors, { failed }: { readonly failed: number }): void {
  expect(found.summary).toEqual({ nodes: 22, badNodes: 3, ports: 233, badPorts: 4, failedQueries: failed });
  const errors = Object.fromEntries(
    found.ports.map(({ guid, port, counters }) => [
      `${guid}/${port}`,
      Object.fromEntries(Object.entries(counters).filter(([name]) => !/Data$|Pkts$/.test(name))),
    ]),
  );
  expect(errors).toEqual({
    '506b4b0300c10341/1': { LinkDownedCounter: '255', PortXmitWait: '4294967295' },
    '506b4b0300c10241/1': { PortRcvErrors: '12' },
    '506b4b0300a11000/17': { SymbolErrorCounter: '4242', LinkErrorRecoveryCounter: '3', LinkDownedCounter: '2' },
    '506b4b0300a11000/18': { PortXmitDiscards: '640', PortXmitWait: '123456789' },
  });
}

// Recorded outputs of ibswinfo, mlxlink and UFM against the facts of ../shared/corpus/infiniband/SOURCES.md.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSwitchHardware } from '../../agent/parse/fabric/ibswinfo.ts';
import { parseLinkReport } from '../../agent/parse/fabric/mlxlink.ts';
import { parseTelemetry } from '../../agent/parse/fabric/ufm.ts';
import { ParseError } from '../../agent/parse/parse-error.ts';
import { corpusDirectory, hasCorpus } from './loader.ts';

const present = hasCorpus('corpus/infiniband-tools');
const read = (file: string): string => readFileSync(join(corpusDirectory, 'infiniband', file), 'utf8');
const missing = { kind: 'absent', reason: 'not_present' };
const empty = { kind: 'absent', reason: 'unsupported' };

describe.skipIf(!present)('ibswinfo', () => {
  it('msb7790.out: the switch says that its fans fail, though all of them turn', () => {
    const found = parseSwitchHardware(read('ibswinfo/msb7790.out'));
    expect(found).toMatchObject({
      partNumber: 'MSB7790-ES2F',
      serialNumber: 'MT1943X00498',
      productName: 'Scorpion IB EDR Unmanaged',
      firmwareVersion: '11.2008.2102',
      guid: '0x1c34da0300010540',
      ports: 36,
      uptime: 13_862_333,
      temperature: 45,
      maxTemperature: 57,
      fanStatus: 'failed',
      modules: [],
    });
    expect(found.supplies).toEqual([
      {
        supply: 0,
        partNumber: 'MTEF-PSF-AC-A',
        serialNumber: 'MT1944X10558',
        health: 'ok',
        fan: 'ok',
        power: 72,
      },
      {
        supply: 1,
        partNumber: 'MTEF-PSF-AC-A',
        serialNumber: 'MT1944X10555',
        health: 'ok',
        fan: 'ok',
        power: 71,
      },
    ]);
    expect(found.fans.map(({ fan }) => fan)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(found.fans.map(({ speed }) => speed)).toEqual([8493, 7349, 8441, 7270, 8337, 7156, 8441, 7232]);
  });

  it('msb7790-missing-fields.out: what is not said is unknown', () => {
    const found = parseSwitchHardware(read('ibswinfo/msb7790-missing-fields.out'));
    const [first, second] = found.supplies;
    expect(first).toMatchObject({ supply: 0, health: missing, fan: missing, power: missing });
    expect(second).toMatchObject({ supply: 1, health: empty, fan: 'ok', power: 71 });
    expect(found).toMatchObject({ temperature: missing, maxTemperature: missing, fanStatus: missing });
    expect(found.fans.map(({ speed }) => speed)).toEqual([empty, 7349, 8441, 7270, 8337, 7156, 8441, 7232]);
  });

  it('mqm8790-psu-failed.out: plugged in, and without power', () => {
    const found = parseSwitchHardware(read('ibswinfo/mqm8790-psu-failed.out'));
    // 67 × 86400 + 4 × 3600 + 19 × 60 + 16
    expect(found).toMatchObject({ ports: 80, uptime: 5_804_356, temperature: 47, maxTemperature: 52, fanStatus: 'ok' });
    expect(found.supplies).toMatchObject([
      { supply: 0, health: 'ok', fan: 'ok', power: 287 },
      { supply: 1, health: 'failed', fan: 'failed', power: missing },
    ]);
    expect(found.fans.map(({ speed }) => speed)).toEqual([5959, 5293, 5854, 5251, 5906, 5335, 6013, 5379, 5854]);
  });

  it('vitals.out: the short form says nothing of health', () => {
    const found = parseSwitchHardware(read('ibswinfo/vitals.out'));
    expect(found).toMatchObject({
      partNumber: missing,
      ports: missing,
      uptime: 16_982_312,
      temperature: 73,
      maxTemperature: 80,
      fanStatus: missing,
    });
    expect(found.supplies).toMatchObject([
      { supply: 0, health: missing, power: 92 },
      { supply: 1, health: missing, power: 102 },
    ]);
    expect(found.fans.map(({ speed }) => speed)).toEqual([6355, 5301, 6210, 5421, 6178, 5572, 5998, 5615, 6011]);
  });

  it('two switches in one text are refused', () => {
    const twice = read('ibswinfo/vitals.out').repeat(2);
    expect(() => parseSwitchHardware(twice)).toThrow(ParseError);
  });
});

describe('ibswinfo without a recording', () => {
  it('status: a supply that is not there feeds nothing, a managed switch does not tell its fan', () => {
    const text = [
      'psu0.status        : OK',
      'psu0.dc            : OK',
      'psu0.fan           :',
      'psu1.status        : ERROR',
      'psu1.dc            : OK',
      'fans               : OK',
      '',
    ].join('\n');
    const found = parseSwitchHardware(text);
    expect(found.fanStatus).toBe('ok');
    expect(found.supplies).toMatchObject([
      { supply: 0, health: 'ok', fan: empty },
      { supply: 1, health: 'failed', fan: missing },
    ]);
  });

  it('modules: 0 °C is none', () => {
    const text = 'QSFP#01.temp (C)   : 0\nQSFP#02.temp (C)   : 41\n';
    expect(parseSwitchHardware(text).modules).toEqual([
      { port: 1, temperature: empty },
      { port: 2, temperature: 41 },
    ]);
  });

  it.each(['', 'sh: ibswinfo: not found\n', '-E- Unable to open device: lid-7\n'])('%j is none', (text) => {
    expect(() => parseSwitchHardware(text)).toThrow(ParseError);
  });

  it('a number that is none is malformed', () => {
    const found = parseSwitchHardware('cur.temp (C)       : 4x\nfan#1.speed (rpm)  : -1\nuptime (sec)       : 1:2\n');
    const malformed = { kind: 'absent', reason: 'malformed' };
    expect(found).toMatchObject({ temperature: malformed, uptime: malformed, fans: [{ fan: 1, speed: malformed }] });
  });
});

const limited = (low: number, high: number) => (value: number) => ({ value, low, high });

describe.skipIf(!present)('mlxlink', () => {
  const recorded = () => read('mlxlink/mft-4.34.1-400g-dr4.json');
  const at = (change: (text: string) => string) => parseLinkReport(change(recorded()));

  it('mft-4.34.1-400g-dr4.json: an Ethernet link without an error after correction', () => {
    const { lanes, ...link } = parseLinkReport(recorded());
    expect(link).toEqual({
      state: 'Active',
      physicalState: 'ETH_AN_FSM_ENABLE',
      linkLayer: 'Ethernet',
      speed: '400G',
      widthLanes: 4,
      fec: 'Standard_RS-FEC - (544,514)',
      rawBitErrorRate: 5e-10,
      effectiveBitErrorRate: 0,
      effectiveErrors: 0,
      linkDowned: 0,
      linkErrorRecovery: 0,
      sinceClear: 163_086, // 2718.1 minutes
      moduleTemperature: { value: 61, low: -10, high: 80 },
    });
    expect(lanes.map(({ lane }) => lane)).toEqual([0, 1, 2, 3]);
    expect(lanes.map(({ rawErrors }) => rawErrors)).toEqual([3_017_647, 15_132_549, 7_368_641, 9_233_545]);
    expect(lanes.map(({ rawBitErrorRate }) => rawBitErrorRate)).toEqual([1e-10, 1e-9, 4e-10, 5e-10]);
    expect(lanes.map(({ biasMilliamperes }) => biasMilliamperes)).toEqual(
      [265.504, 265.504, 248.416, 248.416].map(limited(40, 480)),
    );
    expect(lanes.map(({ transmittedDbm }) => transmittedDbm)).toEqual(
      [2.193, 1.202, 1.708, 1.274].map(limited(-6.904, 6.999)),
    );
    expect(lanes.map(({ receivedDbm }) => receivedDbm)).toEqual(
      [3.583, 3.253, 3.233, 2.658].map(limited(-9.914, 6.999)),
    );
  });

  it('a link of InfiniBand is up by another name', () => {
    expect(at((text) => text.replace('ETH_AN_FSM_ENABLE', 'LinkUp')).linkLayer).toBe('InfiniBand');
    expect(at((text) => text.replace('ETH_AN_FSM_ENABLE', 'Polling')).linkLayer).toEqual(empty);
  });

  it('a rate that is not told is no rate of 0', () => {
    expect(at((text) => text.replace('"15E-255"', '"N/A"')).effectiveBitErrorRate).toEqual(empty);
    expect(at((text) => text.replace('"15E-255"', '"15E-25"')).effectiveBitErrorRate).toBe(1.5e-24);
    expect(at((text) => text.replace('"5E-10",', '"",')).rawBitErrorRate).toEqual(empty);
    expect(at((text) => text.replace('"Effective Physical BER" ', '"Other" ')).effectiveBitErrorRate).toEqual(missing);
    expect(at((text) => text.replace('"15E-255"', '"7E2"')).effectiveBitErrorRate).toMatchObject({
      reason: 'malformed',
    });
  });

  it('a copper cable has no light and may have no temperature', () => {
    const { lanes, moduleTemperature } = at((text) =>
      text
        .replace('"61 [-10..80]"', '"N/A"')
        .replace(/"(Rx|Tx) Power Current \[dBm\]" : "[^"]*"/g, (_, side: string) => {
          return `"${side} Power Current [dBm]" : "N/A"`;
        }),
    );
    expect(moduleTemperature).toEqual(empty);
    expect(lanes).toHaveLength(4);
    expect(lanes[3]).toMatchObject({ rawErrors: 9_233_545, transmittedDbm: empty, receivedDbm: empty });
  });

  it('a run that failed is refused with its reason', () => {
    const failed = '{"result": {"output": {}}, "status": {"code": 1, "message": "Failed to open device"}}';
    expect(() => parseLinkReport(failed)).toThrow('Failed to open device');
    expect(() => parseLinkReport('{"status": {"code": 0}}')).toThrow(ParseError);
  });
});

describe.skipIf(!present)('UFM', () => {
  const recorded = () => read('ufm/small_telemetry.json');

  it('small_telemetry.json: six ports, each once, counted in bytes', () => {
    const { isFull, ports } = parseTelemetry(recorded());
    expect(isFull).toBe(true);
    expect(
      ports.map(({ nodeGuid, port, transmittedBytes, receivedBytes, transmittedPackets, receivedPackets }) => [
        `${nodeGuid}/${port}`,
        transmittedBytes,
        receivedBytes,
        transmittedPackets,
        receivedPackets,
      ]),
    ).toEqual([
      ['0c42a103007ab890/1', 4_086_720, 4_087_008, 14_190, 14_191],
      ['248a070300ef19a0/1', 4_087_008, 4_086_720, 14_191, 14_190],
      ['248a070300ef19a0/23', 70_409_952, 70_412_328, 244_479, 244_498],
      ['248a070300ef19a0/36', 10_176_480, 10_176_480, 35_335, 35_335],
      ['7cfe900300292356/1', 70_412_040, 70_409_664, 244_497, 244_478],
      ['e41d2d030003e3b0/36', 10_176_192, 10_176_480, 35_334, 35_335],
    ]);
    // Packets of 288 bytes: words of 4 would make them 1152.
    expect(Number(ports[0]?.transmittedBytes) / Number(ports[0]?.transmittedPackets)).toBe(288);
  });

  it('small_telemetry.json: one port has gone down 3 times and could not forward 18 packets', () => {
    const { ports } = parseTelemetry(recorded());
    const counted = ports.flatMap(({ nodeGuid, port, counters }) =>
      Object.entries(counters).flatMap(([name, count]) => (count === 0 ? [] : [[`${nodeGuid}/${port}`, name, count]])),
    );
    expect(counted).toEqual([
      ['248a070300ef19a0/1', 'LinkDownedCounter', 1],
      ['248a070300ef19a0/23', 'LinkDownedCounter', 3],
      ['248a070300ef19a0/23', 'PortRcvSwitchRelayErrors', 18],
    ]);
    expect(ports.map(({ counters }) => Object.keys(counters).length)).toEqual([13, 13, 13, 13, 13, 13]);
  });

  it('small_telemetry.json: time, percent and histogram', () => {
    const [first, , , fourth] = parseTelemetry(recorded()).ports;
    expect(first).toMatchObject({
      portGuid: '0c42a103007ab890',
      sampledAt: 1_709_652_347.161873,
      fecHistogram: [0, 0, 0, 0, 0],
      congested: 0,
      congestedRatio: 0,
    });
    expect(Number(first?.transmittedRatio)).toBeCloseTo(1.53523e-8, 16);
    expect(Number(fourth?.transmittedRatio)).toBeCloseTo(5.48295e-9, 16);
  });

  it('congestion is Gb/s of lost bandwidth and a percentage', () => {
    const text = recorded()
      .replace('CBW_f_u_Gbps": 0', 'CBW_f_u_Gbps": 12.5')
      .replace('Normalized_CBW_f_u_Percent": 0', 'Normalized_CBW_f_u_Percent": 12.5');
    // 12.5e9 bits of a second are 1.5625e9 bytes.
    expect(parseTelemetry(text).ports[0]).toMatchObject({ congested: 1.5625e9, congestedRatio: 0.125 });
  });

  it('a count that no double holds keeps its digits, one at its ceiling is none', () => {
    const text = recorded()
      .replace('"Infiniband_MBOut_u_Gb": 4086720', '"Infiniband_MBOut_u_Gb": 9007199254740993')
      .replace('"Infiniband_MBIn_u_Gb": 4087008', '"Infiniband_MBIn_u_Gb": 18446744073709551615');
    expect(parseTelemetry(text).ports[0]).toMatchObject({
      transmittedBytes: 9_007_199_254_740_993n,
      receivedBytes: { kind: 'absent', reason: 'saturated' },
    });
  });

  it('what was not sent is not there', () => {
    const sent =
      '{"type": "delta", "values": [{"node_guid": "0x1", "port_num": 2, "Infiniband_LinkDowned_u_Errors": 4}]}';
    const { isFull, ports } = parseTelemetry(sent);
    expect(isFull).toBe(false);
    expect(ports).toMatchObject([
      {
        nodeGuid: '0000000000000001',
        port: 2,
        transmittedBytes: missing,
        congested: missing,
        sampledAt: missing,
        fecHistogram: [],
      },
    ]);
    expect(ports[0]?.counters).toEqual({ LinkDownedCounter: 4 });
  });

  it.each(['{}', '[]', '{"values": [{"port_num": 1}]}', '{"values": [{"node_guid": "0x1", "port_num": 1.5}]}'])(
    '%s is refused',
    (text) => {
      expect(() => parseTelemetry(text)).toThrow(ParseError);
    },
  );
});

// Outputs of switches: recorded ones of the corpus, and the layouts of the manuals as table and as JSON.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerIn, cleanText, jsonIn, pairsIn } from '../../../server/switches/cli-text.ts';
import {
  readChassis,
  readFans,
  readPorts,
  readSupplies,
  readTemperatures,
  readVersion,
  uptimeOf,
} from '../../../server/switches/reading.ts';
import { hasCorpus } from '../../corpus/loader.ts';
import { healthyAnswers } from '../../doubles/ssh/switch.ts';

const recorded = (file: string): string =>
  readFileSync(join(import.meta.dirname, '../../../../shared/corpus/infiniband/mlnxos', file), 'utf8');
const answer = (command: string): string => healthyAnswers[command] ?? '';

describe.skipIf(!hasCorpus('server/switches'))('recorded', () => {
  // 2 × 86400 + 13 × 3600 + 40 × 60 + 34.992
  it('show version', () => {
    expect(readVersion(recorded('show-version.json'))).toEqual({
      product: 'MLNX-OS',
      firmware: '3.6.5000',
      serial: 'MT1708X07233',
      uptimeSeconds: 222_034.992,
    });
  });

  it('show version, noise around it', () => {
    const noisy = `\u001b[?1h\u001b=banner <none>\r\n${recorded('show-version.json')}\r\nswitch >`;
    expect(readVersion(cleanText(noisy))?.firmware).toBe('3.6.5000');
  });

  it('ports of Ethernet are no ports of InfiniBand, in whatever form they come', () => {
    for (const file of ['show-interfaces-ethernet.json', 'show-interfaces-ethernet-status.json'])
      expect(readPorts(recorded(file))).toEqual([]);
  });

  it('one port as text: key and value of every line', () => {
    const text = recorded('show-interfaces-ib-1-2-1.txt').split('show interfaces ib 1/2/1')[1] ?? '';
    const pairs = pairsIn(text.split('switch [')[0] ?? '');
    expect(pairs.get('Logical port state')).toBe('Active');
    expect(pairs.get('Current line rate')).toBe('100.0 Gbps');
    expect(pairs.get('Width')).toBe('2X');
    expect(pairs.get('Description')).toBe('');
  });
});

describe('tables', () => {
  it('show temperature: a sensor without a number is left out', () => {
    expect(readTemperatures(answer('show temperature'))).toEqual([
      { sensor: 'MGMT ASIC T1', celsius: 58 },
      { sensor: 'MGMT Ports AMB temp T1', celsius: 25.5 },
      { sensor: 'PS1 power-mon T1', celsius: 31 },
    ]);
  });

  it('show fan: one that is not there is no fan, one that stands still is not well', () => {
    expect(readFans(answer('show fan'))).toEqual([
      { fan: 'FAN1 F1', rpm: 6330, isUp: true },
      { fan: 'FAN1 F2', rpm: 5530, isUp: true },
      { fan: 'FAN2 F1', rpm: 0, isUp: false },
    ]);
  });

  it('show power: watts come first, then volts, amperes and capacity', () => {
    expect(readSupplies(answer('show power'))).toEqual([
      { supply: 'PS1', watts: 120.25, isUp: true },
      { supply: 'PS2', watts: 0, isUp: false },
    ]);
  });

  it('show power with a line per sensor', () => {
    const lines = [
      'PS1  power-mon  input  130.00  230.00  0.60  OK',
      'PS1  power-mon  output  118.00  12.0  9.8  FAIL',
    ];
    expect(readSupplies(lines.join('\n'))).toEqual([{ supply: 'PS1', watts: 130, isUp: false }]);
  });

  it('show inventory', () => {
    expect(readChassis(answer('show inventory'))).toEqual({ product: 'MQM8700-HS2F', serial: 'MT1926X00123' });
    expect(readChassis('% Unrecognized command')).toEqual({});
  });

  it('show version', () => {
    const text = 'Product name:      MLNX-OS\nProduct release:   3.9.0900\nUptime:            3h 2m 0.5s\n';
    expect(readVersion(text)).toMatchObject({ firmware: '3.9.0900', uptimeSeconds: 10_920.5 });
    expect(readVersion('Welcome to a Linux host')).toBeUndefined();
  });
});

describe('JSON', () => {
  it('show temperature in maps of lists', () => {
    const json = '{"MGMT": [{"Component": "ASIC", "Reg": "T1", "CurTemp (Celsius)": "58.00", "Status": "OK"}]}';
    expect(readTemperatures(json)).toEqual([{ sensor: 'MGMT ASIC T1', celsius: 58 }]);
  });

  it('show fan in lists with headers', () => {
    const json = '[{"header": "FAN1", "Fan": "F1", "Speed (RPM)": "6330.00", "Status": "OK"}]';
    expect(readFans(json)).toEqual([{ fan: 'FAN1 F1', rpm: 6330, isUp: true }]);
  });

  it('show power', () => {
    const json =
      '{"PS1": [{"Power (Watts)": "120.25", "Voltage (Volts)": "12.03", "Status": "OK"}], "PS2": [{"Status": "FAIL"}]}';
    expect(readSupplies(json)).toEqual([
      { supply: 'PS1', watts: 120.25, isUp: true },
      { supply: 'PS2', watts: undefined, isUp: false },
    ]);
  });

  it('ports in two and three parts', () => {
    expect(readPorts(answer('show interfaces ib status | json-print'))).toEqual([
      { port: 'IB1/1', logical: 'Active', physical: 'LinkUp', speed: 'hdr' },
      { port: 'IB1/32/2', logical: 'Down', physical: 'Polling', speed: '-' },
    ]);
  });

  it('that is cut, or none', () => {
    expect(jsonIn('{"Uptime": "2d')).toBeUndefined();
    expect(jsonIn('no braces')).toBeUndefined();
    expect(jsonIn('['.repeat(100_000))).toBeUndefined();
    expect(readTemperatures('{"Temperature": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": "1"}}}}}}}}}')).toEqual(
      [],
    );
  });
});

describe('the terminal', () => {
  it.each([
    ['2d 13h 40m 34.992s', 222_034.992],
    ['40m 1s', 2401],
    ['12.5s', 12.5],
    ['', undefined],
    ['soon', undefined],
  ])('uptime %j', (text, seconds) => {
    expect(uptimeOf(text)).toBe(seconds);
  });

  it('has echo and prompt around the answer', () => {
    const text = 'show fan\r\nFAN1  OK\r\n\r\nleaf1 [standalone: master] # ';
    expect(answerIn(text, 'show fan')).toBe('FAN1  OK\n');
  });

  it('wipes what it wrote', () => {
    expect(cleanText('FAN--More--\b\b\b\b\b\b\b\bX\u001b[1;31mred\u001b[0m')).toBe('FANXred');
  });
});

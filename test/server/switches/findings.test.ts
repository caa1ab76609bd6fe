// What is said of heat, fans, power supplies and silence of a switch.
import { describe, expect, it } from 'vitest';
import { SshFailure } from '#agent/ssh';
import { findingsOf, SILENT_AFTER_MS } from '../../../server/switches/findings.ts';
import type { SwitchReading, SwitchState } from '../../../server/switches/poller.ts';

const GUID = '0x248a0703009c0196';
const config: SwitchState['config'] = {
  name: 'leaf1',
  guid: GUID,
  target: {
    ...{ host: '10.0.1.1', port: 22, user: 'monitor', keyFile: '/key' },
    hostKey: { fingerprint: `SHA256:${'A'.repeat(43)}`, algorithm: undefined },
  },
};
const well: SwitchReading = {
  atMs: 0,
  version: { product: 'MQM8700-HS2F', firmware: '3.9.0900', serial: 'MT1', uptimeSeconds: 60 },
  temperatures: [
    { sensor: 'MGMT ASIC T1', celsius: 58 },
    { sensor: 'PS1 power-mon T1', celsius: 31 },
  ],
  fans: [{ fan: 'FAN1 F1', rpm: 6330, isUp: true }],
  supplies: [
    { supply: 'PS1', watts: 120, isUp: true },
    { supply: 'PS2', watts: 118, isUp: true },
  ],
  ports: [],
  report: [],
};

const find = (change: Partial<SwitchReading>, nowMs = 0) =>
  findingsOf([{ config, reading: { ...well, ...change }, failure: undefined }], nowMs);

describe('a switch', () => {
  it('that is well, or was never read, says nothing', () => {
    expect(find({})).toEqual([]);
    expect(findingsOf([{ config, reading: undefined, failure: undefined }], 0)).toEqual([]);
  });

  it.each([
    [79.9, undefined],
    [80, 'warning'],
    [89.9, 'warning'],
    [90, 'critical'],
  ])('at %d °C: %s', (celsius, severity) => {
    const temperatures = [...well.temperatures, { sensor: 'MGMT ASIC T2', celsius }];
    const expected = {
      ...{ id: `switch:${GUID}:temperature:`, kind: 'temperature', severity, name: 'leaf1', guid: GUID },
      text: `switch leaf1: MGMT ASIC T2 is at ${celsius} °C`,
    };
    expect(find({ temperatures })).toEqual(severity === undefined ? [] : [expected]);
  });

  it('one finding for all its fans; what it does not say of a fan is no failure', () => {
    const fans = [
      { fan: 'FAN1 F1', rpm: 0, isUp: false },
      { fan: 'FAN2 F1', rpm: undefined, isUp: false },
      { fan: 'FAN3 F1', rpm: 100, isUp: undefined },
    ];
    expect(find({ fans })).toMatchObject([
      { kind: 'fan', severity: 'warning', text: 'switch leaf1: fan FAN1 F1, FAN2 F1 is not well' },
    ]);
  });

  it('one power supply is a warning, two are critical', () => {
    const failed = (supply: string) => ({ supply, watts: 0, isUp: false });
    const [first] = well.supplies;
    expect(find({ supplies: [...(first ? [first] : []), failed('PS2')] })).toMatchObject([
      { kind: 'power_supply', severity: 'warning', text: 'switch leaf1: power supply PS2 is not well' },
    ]);
    expect(find({ supplies: [failed('PS1'), failed('PS2')] })).toMatchObject([{ severity: 'critical' }]);
  });

  it('that is silent: after five minutes that, and nothing of what was wrong before', () => {
    const failure = { why: new SshFailure('timed_out', 'no answer'), sinceMs: 1000 };
    const hot = { ...well, temperatures: [{ sensor: 'ASIC', celsius: 95 }] };
    const at = (nowMs: number) => findingsOf([{ config, reading: hot, failure }], nowMs);
    expect(at(1000 + SILENT_AFTER_MS - 1)).toEqual([]);
    expect(at(1000 + SILENT_AFTER_MS)).toMatchObject([
      { kind: 'silent', severity: 'warning', text: 'switch leaf1 cannot be read for 5 min: no answer' },
    ]);
  });

  it('without a GUID goes by its name', () => {
    const [finding] = findingsOf(
      [
        {
          config: { ...config, guid: undefined },
          reading: { ...well, fans: [{ fan: 'F', rpm: 0, isUp: false }] },
          failure: undefined,
        },
      ],
      0,
    );
    expect(finding).toMatchObject({ id: 'switch:leaf1:fan:', guid: 'leaf1' });
  });
});

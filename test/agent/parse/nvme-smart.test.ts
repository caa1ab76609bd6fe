// SMART logs: what the two programs and their versions spell apart.
import { describe, expect, it } from 'vitest';
import { absent } from '#agent/contract';
import { parseSmartLog } from '../../../agent/parse/nvme-smart.ts';
import { ParseError } from '../../../agent/parse/parse-error.ts';

const parse = (log: unknown) => parseSmartLog(JSON.stringify(log), 'log');
const smartctl = (log: unknown) => parse({ smartctl: { exit_status: 4 }, nvme_smart_health_information_log: log });

describe('nvme-cli', () => {
  it('verbose: the bits of the warning in an object', () => {
    const log = parse({
      critical_warning: { value: 9, available_spare: 1, temp_threshold: 0, reliability_degraded: 0, ro: 1 },
      temperature: 300,
    });
    expect(log.criticalWarning).toBe(9);
    expect(log.celsius).toBeCloseTo(26.85, 6);
  });

  it('long counts as numbers, as older versions print them, or as text', () => {
    expect(parse({ critical_warning: 0, data_units_read: 40 }).readBytes).toBe(20_480_000);
    expect(parse({ critical_warning: 0, data_units_read: '40' }).readBytes).toBe(20_480_000);
    const most = String(2n ** 128n - 1n);
    expect(parse({ critical_warning: 0, data_units_read: most }).readBytes).toBe((2n ** 128n - 1n) * 512_000n);
    // 2^53 + 1 units, times 512,000: no number holds it.
    expect(parse({ critical_warning: 0, data_units_read: '9007199254740993' }).readBytes).toBe(
      9_007_199_254_740_993n * 512_000n,
    );
  });

  it('sensors in kelvin; one that is not there says 0 or nothing', () => {
    const log = parse({ critical_warning: 0, temperature: 0, temperature_sensor_2: 0, temperature_sensor_8: 313 });
    expect(log.celsius).toEqual(absent('unsupported'));
    expect([...log.sensorsCelsius.keys()]).toEqual([8]);
    expect(log.sensorsCelsius.get(8)).toBeCloseTo(39.85, 6);
  });
});

describe('smartctl', () => {
  it('celsius, also below zero', () => {
    expect(smartctl({ critical_warning: 0, temperature: -5 }).celsius).toBe(-5);
    expect(smartctl({ critical_warning: 0, temperature: 0 }).celsius).toBe(0);
    expect(smartctl({ critical_warning: 0, temperature: -273 }).celsius).toEqual(absent('unsupported'));
  });

  it('a list of sensors with gaps', () => {
    const log = smartctl({ critical_warning: 0, temperature_sensors: [40, null, 45] });
    expect([...log.sensorsCelsius]).toEqual([
      [1, 40],
      [3, 45],
    ]);
  });

  it('the digits of what a number cannot hold', () => {
    const log = smartctl({
      critical_warning: 0,
      data_units_written: 2 ** 64,
      data_units_written_s: '18446744073709551617',
    });
    expect(log.writtenBytes).toBe((2n ** 64n + 1n) * 512_000n);
  });
});

describe('what is not told', () => {
  it('is absent and never zero', () => {
    const log = parse({ critical_warning: 0 });
    const values = [log.percentUsed, log.spare, log.spareThreshold, log.readBytes, log.mediaErrors, log.powerOnSeconds];
    for (const value of [...values, log.celsius]) expect(value).toEqual(absent('unsupported'));
  });

  it('no number is malformed', () => {
    const log = parse({ critical_warning: 'x', media_errors: -1, percent_used: 1.5, temperature: 'hot', spare: {} });
    for (const value of [log.criticalWarning, log.mediaErrors, log.percentUsed, log.celsius]) {
      expect(value).toEqual(absent('malformed'));
    }
  });

  it('a spare of 0 above a threshold of 0 is told by nobody; above any other it is none', () => {
    expect(parse({ critical_warning: 0, avail_spare: 0, spare_thresh: 0 }).spare).toEqual(absent('unsupported'));
    expect(parse({ critical_warning: 1, avail_spare: 0, spare_thresh: 11 }).spare).toBe(0);
  });

  it('power on without a power cycle: the drive has forgotten its life', () => {
    const forgotten = parse({
      critical_warning: 0,
      power_on_hours: 1,
      power_cycles: 0,
      data_units_read: 0,
      media_errors: 3,
    });
    expect([forgotten.readBytes, forgotten.powerCycles]).toEqual([absent('malformed'), absent('malformed')]);
    expect([forgotten.powerOnSeconds, forgotten.mediaErrors]).toEqual([3600, 3]);
    expect(parse({ critical_warning: 0, power_on_hours: 0, power_cycles: 0, data_units_read: 0 }).readBytes).toBe(0);
  });

  it.each(['', '{', '[]', '0', 'null', '{"smartctl":{}}', 'Smart Log for NVME device:nvme0'])(
    '%j is no log',
    (text) => {
      expect(() => parseSmartLog(text, 'log')).toThrow(ParseError);
    },
  );
});

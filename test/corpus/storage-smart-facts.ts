// Facts of the SMART logs in ../shared/corpus/nvme, by hand from the files and SOURCES.md.
import { expect } from 'vitest';
import { isAbsent, type Absence, type Steps } from '#agent/contract';
import { parseSmartLog, type SmartLog } from '../../agent/parse/nvme-smart.ts';
import { readText, type Check } from './storage-corpus.ts';

/** Thousands of sectors of 512 bytes. */
const UNIT = 512_000;
const HOUR = 3600;
const MINUTE = 60;

interface Facts {
  readonly celsius: number | string;
  /** Percent: used, spare, threshold. */
  readonly wear: readonly (number | string)[];
  /** Units: read, written. */
  readonly units: readonly (number | string)[];
  /** Media errors, error log entries, unsafe shutdowns, power cycles. */
  readonly events: readonly (number | string)[];
  readonly hours: number;
  readonly busyMinutes: number | string;
  readonly sensors?: readonly number[];
  readonly warning?: number;
}

const smart =
  (facts: Facts): Check =>
  (text, path) => {
    const log = parseSmartLog(text, path);
    expect(told(log.criticalWarning)).toBe(facts.warning ?? 0);
    expect(told(log.celsius)).toBe(facts.celsius);
    expect([log.percentUsed, log.spare, log.spareThreshold].map(told)).toEqual(facts.wear);
    expect([log.readBytes, log.writtenBytes].map(told)).toEqual(facts.units.map((units) => scaled(units, UNIT)));
    expect([log.mediaErrors, log.errorLogEntries, log.unsafeShutdowns, log.powerCycles].map(told)).toEqual(
      facts.events,
    );
    expect(told(log.powerOnSeconds)).toBe(facts.hours * HOUR);
    expect(told(log.busySeconds)).toBe(scaled(facts.busyMinutes, MINUTE));
    expect([...log.sensorsCelsius]).toEqual((facts.sensors ?? []).map((celsius, index) => [index + 1, celsius]));
  };

const told = (value: Steps | Absence): Steps | string => (isAbsent(value) ? value.reason : value);
const scaled = (value: number | string, factor: number) => (typeof value === 'string' ? value : value * factor);

const healthy = [0, 100, 10] as const;
const gcm = 'nvme/gcm-smartctl';
const exporter = 'nvme/smartctl_exporter';
const qemu = 'nvme/qemu-6.1';

/** An emulated drive: 323 kelvin, no spare told, nothing ever happened. */
const emulated = (read: number, written: number, warning = 0): Facts => ({
  celsius: 323 - 273.15,
  wear: [0, 'unsupported', 'unsupported'],
  units: [read, written],
  events: [0, 0, 0, 0],
  hours: 0,
  busyMinutes: 0,
  warning,
});

const logs: Readonly<Record<string, Facts>> = {
  [`${gcm}/learn_good/nvme0.json`]: {
    celsius: 42,
    wear: healthy,
    units: [7482, 803120],
    events: [0, 0, 22, 28],
    hours: 11873,
    busyMinutes: 2,
    sensors: [42],
  },
  [`${gcm}/learn_good/nvme1.json`]: {
    celsius: 36,
    wear: healthy,
    units: [4575, 706118],
    events: [0, 0, 22, 26],
    hours: 11799,
    busyMinutes: 1,
    sensors: [36],
  },
  // 1310 entries of the error log and no media error: healthy.
  [`${gcm}/learn_good/nvme2.json`]: {
    celsius: 32,
    wear: healthy,
    units: [365019682, 17693417],
    events: [0, 1310, 15, 34],
    hours: 11885,
    busyMinutes: 1662,
    sensors: [32, 31, 37],
  },
  [`${gcm}/learn_good/nvme3.json`]: {
    celsius: 32,
    wear: healthy,
    units: [211743900, 170286580],
    events: [0, 1310, 15, 34],
    hours: 11885,
    busyMinutes: 1903,
    sensors: [32, 32, 37],
  },
  [`${gcm}/learn_good/nvme4.json`]: {
    celsius: 42,
    wear: healthy,
    units: [1212846, 2002802],
    events: [0, 0, 25, 33],
    hours: 11882,
    busyMinutes: 13,
    sensors: [42],
  },
  [`${gcm}/learn_good/nvme5.json`]: {
    celsius: 40,
    wear: healthy,
    units: [3878, 793860],
    events: [0, 0, 22, 29],
    hours: 11873,
    busyMinutes: 3,
    sensors: [40],
  },
  [`${gcm}/learn_good/nvme6.json`]: {
    celsius: 43,
    wear: healthy,
    units: [3853, 793204],
    events: [0, 0, 22, 28],
    hours: 11873,
    busyMinutes: 2,
    sensors: [43],
  },
  [`${gcm}/learn_good/nvme7.json`]: {
    celsius: 38,
    wear: healthy,
    units: [1212650, 2002255],
    events: [0, 0, 25, 33],
    hours: 11882,
    busyMinutes: 14,
    sensors: [38],
  },
  [`${gcm}/learn_good/nvme8.json`]: {
    celsius: 44,
    wear: healthy,
    units: [1212660, 2001979],
    events: [0, 0, 25, 33],
    hours: 11882,
    busyMinutes: 14,
    sensors: [44],
  },
  [`${gcm}/learn_good/nvme9.json`]: {
    celsius: 39,
    wear: healthy,
    units: [3895, 792956],
    events: [0, 0, 22, 29],
    hours: 11873,
    busyMinutes: 3,
    sensors: [39],
  },
  [`${gcm}/cache_slot2_bad_smartdata/nvme0.json`]: {
    celsius: 44,
    wear: healthy,
    units: [72161, 691147],
    events: [0, 39, 15, 19],
    hours: 6315,
    busyMinutes: 26425,
    sensors: [39],
  },
  [`${gcm}/cache_slot2_bad_smartdata/nvme1.json`]: {
    celsius: 47,
    wear: healthy,
    units: [1187006178, 35974778],
    events: [0, 39, 15, 19],
    hours: 6315,
    busyMinutes: 15941,
    sensors: [43],
  },
  // 6331 hours of power and never powered on: what it says of its life is not believed.
  [`${gcm}/cache_slot2_bad_smartdata/nvme3.json`]: {
    celsius: 52,
    wear: healthy,
    units: ['malformed', 'malformed'],
    events: [0, 10, 'malformed', 'malformed'],
    hours: 6331,
    busyMinutes: 'malformed',
    sensors: [48],
  },
  [`${gcm}/cache_slot2_bad_smartdata/nvme5.json`]: {
    celsius: 48,
    wear: healthy,
    units: [1190840762, 35974752],
    events: [0, 39, 15, 19],
    hours: 6315,
    busyMinutes: 15918,
    sensors: [44],
  },
  [`${exporter}/INTEL_SSDPE2KX080T8_1.json`]: {
    celsius: 29,
    wear: healthy,
    units: [20126802, 184919244],
    events: [0, 0, 8, 22],
    hours: 12164,
    busyMinutes: 165,
  },
  [`${exporter}/SAMSUNG_MZQLB1T9HAJR-00007_19.json`]: {
    celsius: 40,
    wear: healthy,
    units: [12345514, 44965392],
    events: [0, 14, 0, 6],
    hours: 20701,
    busyMinutes: 223,
    sensors: [40, 43, 48],
  },
  [`${exporter}/SAMSUNG_MZVL21T0HCLR-00B00_23.json`]: {
    celsius: 29,
    wear: [16, 100, 10],
    units: [7193048, 113662783],
    events: [0, 0, 1, 6],
    hours: 10423,
    busyMinutes: 35754,
    sensors: [29, 30],
  },
  [`${exporter}/nvme-null-HUSMR7632BHP301-nvme0.json`]: {
    celsius: 40,
    wear: [5, 100, 10],
    units: [790641770, 2824080560],
    events: [0, 34, 29, 53],
    hours: 482,
    busyMinutes: 1184621,
    sensors: [40, 32, 36, 38],
  },
  [`${exporter}/nvme-null-INTEL_SSDPE2KE032T8-nvme0.json`]: {
    celsius: 40,
    wear: healthy,
    units: [24936976, 41911765],
    events: [0, 0, 31, 35],
    hours: 4643,
    busyMinutes: 48,
  },
  // It passes its own test with seven media errors: they are told.
  'nvme/scrutiny/smart-nvme-failed.json': {
    celsius: 35,
    wear: [3, 99, 10],
    units: [17176794, 65602088],
    events: [7, 62, 10, 25],
    hours: 12798,
    busyMinutes: 7601,
    sensors: [35, 39],
  },
  'nvme/scrutiny/smart-nvme.json': {
    celsius: 36,
    wear: healthy,
    units: [9511859, 7773431],
    events: [0, 0, 43, 266],
    hours: 2401,
    busyMinutes: 3060,
  },
  [`${qemu}/smart-log-nvme0.json`]: emulated(17, 33),
  [`${qemu}/smart-log-nvme2.json`]: emulated(40, 1),
  [`${qemu}/smart-log-warn-nvme2.json`]: emulated(1, 0, 0b100),
  [`${qemu}/smart-log-warn-nvme3.json`]: emulated(1, 0, 0b1011),
  // The kernel's own target measures nothing: 0 kelvin.
  [`${qemu}/nvme-smart-tcp.json`]: { ...emulated(9, 0), celsius: 'unsupported' },
};

/** The same log for people: what nvme-cli prints beside the JSON. */
const asText =
  (json: string): Check =>
  (text) => {
    const log = parseSmartLog(readText(json), json);
    const field = (name: string): string => new RegExp(`^${name}\\s*: (\\S+)`, 'm').exec(text)?.[1] ?? '';
    expect(Number(field('critical_warning'))).toBe(log.criticalWarning);
    expect(/\((\d+) Kelvin\)/.exec(text)?.[1]).toBe('323');
    expect([field('Data Units Read'), field('Data Units Written')].map((units) => Number(units) * UNIT)).toEqual([
      log.readBytes,
      log.writtenBytes,
    ]);
  };

const texts = ['smart-log-nvme0', 'smart-log-nvme2', 'smart-log-warn-nvme2', 'smart-log-warn-nvme3'];

export const smartPaths: readonly string[] = Object.keys(logs);

export const smartFacts: Readonly<Record<string, Check>> = Object.fromEntries([
  ...Object.entries(logs).map(([path, facts]) => [path, smart(facts)] as const),
  ...texts.map((name) => [`${qemu}/${name}.txt`, asText(`${qemu}/${name}.json`)] as const),
]);

/** Figures that SOURCES.md names, in bytes. */
export function expectNamedFigures(logOf: (path: string) => SmartLog): void {
  expect(logOf(`${gcm}/learn_good/nvme0.json`).writtenBytes).toBe(411_197_440_000);
  expect(logOf(`${exporter}/INTEL_SSDPE2KX080T8_1.json`).writtenBytes).toBe(94_678_652_928_000);
  expect(Number(logOf(`${exporter}/nvme-null-HUSMR7632BHP301-nvme0.json`).writtenBytes) / 1e15).toBeCloseTo(1.446, 3);
  expect(logOf(`${qemu}/smart-log-nvme2.json`).readBytes).toBe(20_480_000);
}

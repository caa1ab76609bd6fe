// ibswinfo: power supplies, fans and temperatures of a switch without a management processor, whole or as `-o vitals|status|inventory`.
// stanford-rc/ibswinfo. It needs root and NVIDIA's firmware tools, so that no reader runs it yet: this is wired to nothing.
import { absent, celsius, rpm, seconds, watts, type Absence, type Quantity } from '#agent/contract';
import { ParseError } from '../parse-error.ts';

export type Health = 'ok' | 'failed';

export interface SwitchSupply {
  readonly supply: number;
  readonly partNumber: string | Absence;
  readonly serialNumber: string | Absence;
  /** Whether it feeds the switch. Its status alone says no more than that it is plugged in. */
  readonly health: Health | Absence;
  readonly fan: Health | Absence;
  readonly power: Quantity<'watts'> | Absence;
}

export interface SwitchFan {
  readonly fan: number;
  /** The tool prints 0 for a fan that stands still and for one that it could not ask. */
  readonly speed: Quantity<'rpm'> | Absence;
}

export interface SwitchModule {
  readonly port: number;
  readonly temperature: Quantity<'celsius'> | Absence;
}

export interface SwitchHardware {
  readonly partNumber: string | Absence;
  readonly serialNumber: string | Absence;
  readonly productName: string | Absence;
  readonly firmwareVersion: string | Absence;
  readonly guid: string | Absence;
  readonly ports: number | Absence;
  readonly uptime: Quantity<'seconds'> | Absence;
  readonly temperature: Quantity<'celsius'> | Absence;
  readonly maxTemperature: Quantity<'celsius'> | Absence;
  /** What the switch says of its fans, whatever their speeds. */
  readonly fanStatus: Health | Absence;
  readonly supplies: readonly SwitchSupply[];
  readonly fans: readonly SwitchFan[];
  readonly modules: readonly SwitchModule[];
}

type Fields = ReadonlyMap<string, string>;

const SOURCE = 'ibswinfo';
const EXPECTED = 'NAME | VALUE or NAME : VALUE, each once';

/** The names of the long listing and of the short ones, as one. */
const names: Readonly<Record<string, string>> = {
  'part number': 'part',
  part_number: 'part',
  'serial number': 'serial',
  serial: 'serial',
  'product name': 'product',
  product_name: 'product',
  'firmware version': 'firmware',
  fw_version: 'firmware',
  GUID: 'guid',
  ports: 'ports',
  uptime: 'uptime',
  temperature: 'temperature',
  'cur.temp': 'temperature',
  'max temp': 'max',
  'max.temp': 'max',
  'fan status': 'fans',
  fans: 'fans',
};
const supplyNames: Readonly<Record<string, string>> = {
  status: 'status',
  'P/N': 'part',
  part_number: 'part',
  'S/N': 'serial',
  serial: 'serial',
  'DC power': 'dc',
  dc: 'dc',
  'fan status': 'fan',
  fan: 'fan',
  power: 'power',
};

export function parseSwitchHardware(text: string): SwitchHardware {
  const fields = fieldsOf(text);
  const temperature = (name: string) => amountOf(fields, name, /^-?\d{1,3}$/, celsius);
  return {
    partNumber: textOf(fields, 'part'),
    serialNumber: textOf(fields, 'serial'),
    productName: textOf(fields, 'product'),
    firmwareVersion: textOf(fields, 'firmware'),
    guid: textOf(fields, 'guid', /^0x[\da-f]{16}$/i),
    ports: amountOf(fields, 'ports', /^\d{1,3}$/, (value) => value),
    uptime: uptimeOf(fields),
    temperature: temperature('temperature'),
    maxTemperature: temperature('max'),
    fanStatus: healthOf(fields, 'fans'),
    supplies: numbersOf(fields, /^psu(\d+)\./).map((supply) => supplyOf(fields, supply)),
    fans: numbersOf(fields, /^fan(\d+)$/).map((fan) => ({
      fan,
      speed: amountOf(fields, `fan${fan}`, /^\d{1,6}$/, rpm),
    })),
    modules: numbersOf(fields, /^module(\d+)$/).map((port) => ({ port, temperature: moduleOf(fields, port) })),
  };
}

/** A line that has no end may have lost digits: it says nothing. */
function fieldsOf(text: string): Fields {
  const fields = new Map<string, string>();
  let supply: string | undefined;
  for (const line of text.split('\n').slice(0, -1)) {
    if (/^[-=]{5,}/.test(line)) supply = undefined;
    // Names of the long listing may have colons in them.
    const end = line.indexOf(line.includes('|') ? '|' : ':');
    const name = line
      .slice(0, Math.max(end, 0))
      .trim()
      .replace(/ *\([^)]*\)$/, '');
    supply = /^PSU(\d+) status$/.exec(name)?.[1] ?? supply;
    const key = keyOf(name, supply);
    if (key === undefined) continue;
    // Two of a kind are two switches in one text.
    if (fields.has(key)) throw new ParseError(SOURCE, line, EXPECTED);
    fields.set(key, line.slice(end + 1).trim());
  }
  if (fields.size === 0) throw new ParseError(SOURCE, text, EXPECTED);
  return fields;
}

/** Between the status of a supply and the next rule, all rows are of that supply. */
function keyOf(name: string, supply: string | undefined): string | undefined {
  const [, fan] = /^fan#(\d+)(?:\.speed)?$/.exec(name) ?? [];
  if (fan !== undefined) return `fan${Number(fan)}`;
  const [, port] = /^QSFP#(\d+)(?:\.temp)?$/.exec(name) ?? [];
  if (port !== undefined) return `module${Number(port)}`;
  const [, short, inner = ''] = /^psu(\d+)\.(\w+)$/.exec(name) ?? [];
  const number = short ?? supply;
  if (number === undefined) return Object.hasOwn(names, name) ? names[name] : undefined;
  const known = short === undefined ? name.replace(/^PSU\d+ /, '') : inner;
  return Object.hasOwn(supplyNames, known) ? `psu${Number(number)}.${supplyNames[known] ?? ''}` : undefined;
}

function supplyOf(fields: Fields, supply: number): SwitchSupply {
  const status = healthOf(fields, `psu${supply}.status`);
  const dc = healthOf(fields, `psu${supply}.dc`);
  return {
    supply,
    partNumber: textOf(fields, `psu${supply}.part`),
    serialNumber: textOf(fields, `psu${supply}.serial`),
    health: status === 'failed' || dc === 'failed' ? 'failed' : status === 'ok' ? dc : status,
    fan: healthOf(fields, `psu${supply}.fan`),
    power: amountOf(fields, `psu${supply}.power`, /^\d{1,5}$/, watts),
  };
}

/** A row that is there without a value is a register that was not answered. */
function textOf(fields: Fields, name: string, form = /./): string | Absence {
  const value = fields.get(name);
  if (value === undefined) return absent('not_present');
  if (value === '') return absent('unsupported');
  return form.test(value) ? value : absent('malformed');
}

function amountOf<T>(fields: Fields, name: string, form: RegExp, unit: (value: number) => T): T | Absence {
  const value = textOf(fields, name, form);
  return typeof value === 'string' ? unit(Number(value)) : value;
}

function healthOf(fields: Fields, name: string): Health | Absence {
  const value = textOf(fields, name, /^(?:OK|ERROR)$/);
  return typeof value === 'string' ? (value === 'OK' ? 'ok' : 'failed') : value;
}

/** `160d-10:38:53`, or seconds alone. */
function uptimeOf(fields: Fields): Quantity<'seconds'> | Absence {
  const value = textOf(fields, 'uptime', /^(?:\d{1,12}|(?:\d{1,6}d-)?\d{1,2}:\d{2}:\d{2})$/);
  if (typeof value !== 'string') return value;
  const [, days = '0', rest = value] = /^(\d+)d-(.*)$/.exec(value) ?? [];
  const clock = rest.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return seconds(Number(days) * 86_400 + clock);
}

/** The tool prints 0 where there is no module, or none that measures. */
function moduleOf(fields: Fields, port: number): Quantity<'celsius'> | Absence {
  const value = amountOf(fields, `module${port}`, /^-?\d{1,3}$/, celsius);
  return value === 0 ? absent('unsupported') : value;
}

function numbersOf(fields: Fields, name: RegExp): readonly number[] {
  const found = [...fields.keys()].flatMap((key) => name.exec(key)?.slice(1, 2) ?? []);
  return [...new Set(found.map(Number))].toSorted((a, b) => a - b);
}

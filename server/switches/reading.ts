// One reading of a managed switch, out of what its commands print: as JSON where the release can, else as a table.
// Names of keys differ between releases and are matched loosely; what is not understood is left out, never guessed.
import { entriesIn, fieldOf, isRefused, jsonIn, pairsIn, type Entry } from './cli-text.ts';

export interface Temperature {
  readonly sensor: string;
  readonly celsius: number;
}

export interface Fan {
  readonly fan: string;
  readonly rpm: number | undefined;
  readonly isUp: boolean | undefined;
}

export interface Supply {
  readonly supply: string;
  readonly watts: number | undefined;
  readonly isUp: boolean | undefined;
}

export interface Version {
  /** Part number of the chassis; the system's name where that is not told. */
  readonly product: string;
  readonly firmware: string;
  readonly serial: string;
  readonly uptimeSeconds: number | undefined;
}

const NUMBER = /^-?\d+(?:\.\d+)?/;

/** `show version | json-print`, or its text. */
export function readVersion(answer: string): Version | undefined {
  const [entry] = entriesIn(jsonIn(answer));
  const facts = entry?.fields ?? pairsIn(answer);
  const fact = (...names: readonly string[]): string => names.map((name) => facts.get(name)).find(Boolean) ?? '';
  const firmware = fact('Product release');
  if (firmware === '') return undefined;
  return {
    product: fact('Product name'),
    firmware,
    serial: fact('System serial num', 'System serial number'),
    uptimeSeconds: uptimeOf(fact('Uptime')),
  };
}

/** `2d 13h 40m 34.992s`; parts that are zero may be missing. */
export function uptimeOf(text: string): number | undefined {
  const [all, days, hours, minutes, seconds] =
    /^(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+(?:\.\d+)?)s)?$/.exec(text.trim()) ?? [];
  if (all === undefined || all === '') return undefined;
  const whole = Number(days ?? 0) * 86_400 + Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60;
  return whole + Number(seconds ?? 0);
}

/** `show temperature`. */
export function readTemperatures(answer: string): readonly Temperature[] {
  return rowsOf(answer, /temp|celsius/i, TABLE_TEMPERATURE).flatMap(({ name, value }) =>
    value === undefined ? [] : [{ sensor: name, celsius: value }],
  );
}

/** `show fan`. A fan that is not there is no fan. */
export function readFans(answer: string): readonly Fan[] {
  return rowsOf(answer, /speed|rpm/i, TABLE_FAN)
    .filter(isThere)
    .map(({ name, value, status }) => ({ fan: name, rpm: value, isUp: isWell(status) }));
}

/** `show power`. */
export function readSupplies(answer: string): readonly Supply[] {
  const rows = rowsOf(answer, /^power|watt/i, TABLE_POWER).filter(isThere);
  // Some releases have a line per sensor: the supply is well if all its lines are, and its first line counts.
  return [...Map.groupBy(rows, ({ name }) => name)].map(([supply, lines]) => {
    const well = lines.map(({ status }) => isWell(status));
    return {
      supply,
      watts: lines.find(({ value }) => value !== undefined)?.value,
      isUp: well.includes(false) ? false : well.find((one) => one !== undefined),
    };
  });
}

/** `show inventory`: part and serial number of the chassis; nothing where it is not listed. */
export function readChassis(answer: string): Partial<Pick<Version, 'product' | 'serial'>> {
  const entry = entriesIn(jsonIn(answer)).find(
    ({ path, fields }) => path.includes('CHASSIS') || [...fields.values()].includes('CHASSIS'),
  );
  // Module, part number, serial number, revisions.
  const [, part, number] = /^\s*CHASSIS\s+(\S+)\s+(\S+)/m.exec(answer) ?? [];
  const product = entry ? fieldOf(entry, /part/i) : part;
  const serial = entry ? fieldOf(entry, /serial/i) : number;
  return { ...(product === undefined ? {} : { product }), ...(serial === undefined ? {} : { serial }) };
}

export interface SwitchPort {
  readonly port: string;
  readonly logical: string;
  readonly physical: string;
  readonly speed: string;
}

/** `show interfaces ib status | json-print`. What is not named as a port of InfiniBand is none. */
export function readPorts(answer: string): readonly SwitchPort[] {
  return entriesIn(jsonIn(answer)).flatMap((entry) => {
    const port = entry.path.find((name) => /^IB\s?\d+\/\d+(\/\d+)?$/i.test(name));
    if (port === undefined) return [];
    const field = (name: RegExp): string => fieldOf(entry, name) ?? '';
    return [{ port, logical: field(/^logical/i), physical: field(/^physical/i), speed: field(/speed|rate/i) }];
  });
}

interface Row {
  readonly name: string;
  readonly value: number | undefined;
  readonly status: string;
}

// Module, component, register, temperature, status.
const TABLE_TEMPERATURE =
  /^\s*(?<name>[A-Z]\S*(?:\s+\S+)*?)\s+(?<value>-?\d+(?:\.\d+)?|-)\s+(?<status>[A-Za-z][A-Za-z ]*)$/;
// Module, device, fan, speed, status.
const TABLE_FAN =
  /^\s*(?<name>[A-Z]\S*\s+\S+\s+(?:F\d+|-))\s+(?<value>\d+(?:\.\d+)?|-)\s+(?<status>[A-Za-z][A-Za-z ]*)$/;
// Module, then device and sensor or nothing, power, more numbers, feed, status.
const TABLE_POWER =
  /^\s*(?<name>PSU?\d+)\s+(?:[a-z]\S*\s+|-\s+)*?(?<value>\d+(?:\.\d+)?|-)\s+(?:[\d.-]+\s+)*(?:[AD]C\s+)?(?<status>[A-Za-z][A-Za-z ]*)$/;

function rowsOf(answer: string, valueKey: RegExp, table: RegExp): readonly Row[] {
  if (isRefused(answer)) return [];
  const entries = entriesIn(jsonIn(answer)).filter((entry) => fieldOf(entry, valueKey) ?? fieldOf(entry, /status/i));
  if (entries.length > 0) return entries.map((entry) => rowOfEntry(entry, valueKey));
  return answer.split('\n').flatMap((line) => {
    const { name, value = '', status = '' } = table.exec(line.trimEnd())?.groups ?? {};
    return name === undefined ? [] : [{ name: nameOf(name.split(/\s+/)), value: numberOf(value), status }];
  });
}

/** An entry is named by where it stands and by its texts that tell which one it is. */
function rowOfEntry(entry: Entry, valueKey: RegExp): Row {
  const told = ['module', 'component', 'device', 'sensor', 'reg', 'fan'].flatMap((key) => {
    const text = fieldOf(entry, new RegExp(`^${key}`, 'i'));
    return text === undefined ? [] : [text];
  });
  return {
    name: nameOf([...entry.path.filter((part) => !told.includes(part)), ...told]),
    value: numberOf(fieldOf(entry, valueKey) ?? ''),
    status: fieldOf(entry, /status/i) ?? '',
  };
}

/** `FAN1 FAN F1` is FAN1 F1; dashes stand for nothing. */
function nameOf(parts: readonly string[]): string {
  return parts.filter((part) => part !== '-' && part !== 'FAN' && part !== '').join(' ');
}

function numberOf(text: string): number | undefined {
  const [digits] = NUMBER.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function isThere({ status }: Row): boolean {
  return !/not.?present|absent/i.test(status);
}

/** undefined where the switch does not say. */
function isWell(status: string): boolean | undefined {
  if (/^(ok|good|normal|active|powered)\b/i.test(status.trim())) return true;
  return /[A-Za-z]/.test(status) && !/^(n\/?a|unknown)$/i.test(status.trim()) ? false : undefined;
}

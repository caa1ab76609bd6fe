// One value as DCGM's tools print it: a number, one of DCGM's blank values, or no number. dcgm_structs.h, "blank values".
import {
  absent,
  bytes,
  bytesPerSecond,
  celsius,
  hertz,
  ratio,
  watts,
  type Absence,
  type Quantity,
  type Steps,
} from '#agent/contract';

const INT32_BLANK = 2_147_483_632;
/** A number cannot tell it from its neighbours: all of them are blank. */
const INT64_BLANK = 9_223_372_036_854_775_792n;
const DOUBLE_BLANK = 140_737_488_355_328;
/** Blank, not found, not supported, not permitted, in this order in each type. */
const blanks = [absent('not_present'), absent('not_present'), absent('unsupported'), absent('forbidden')] as const;
const malformed = absent('malformed');
const unsupported = absent('unsupported');

const MEBI = 1_048_576;
const MEGA = 1_000_000;
/** A compute instance is measured against less than the whole: 1.294 was seen. Eight whole ones there cannot be. */
const MOST_RATIO = 8;
const MOST_PERCENT = 105;

/** The number in a cell of a field of type DOUBLE. */
export function parseDouble(text: string): number | Absence {
  const value = parseNumber(text);
  if (value >= DOUBLE_BLANK) return blankAt(value - DOUBLE_BLANK);
  return Number.isNaN(value) ? wordOf(text) : value;
}

/** The number in a cell of a field of type INT64 that is a level: whole and small. */
export function parseLevel(text: string): number | Absence {
  const value = parseNumber(text);
  if (value >= INT32_BLANK && value < INT32_BLANK + 16) return blankAt(value - INT32_BLANK);
  if (value >= Number(INT64_BLANK)) return exactBlank(text);
  return Number.isNaN(value) ? wordOf(text) : value;
}

/** A running count, exact at any size. */
export function parseCounter(text: string): Steps | Absence {
  const short = /^\d{1,15}$/.test(text);
  if (!short && /^\d{16,20}$/.test(text)) return wideCounter(BigInt(text));
  const value = parseNumber(text);
  if (value >= Number(INT64_BLANK)) return exactBlank(text);
  if (value >= INT32_BLANK && value < INT32_BLANK + blanks.length) return blankAt(value - INT32_BLANK);
  if (Number.isNaN(value)) return wordOf(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : malformed;
}

/** 0–100, also where the newer name of the field says ratio. */
export function percent(text: string): Quantity<'ratio'> | Absence {
  return within(parseLevel(text), 0, MOST_PERCENT, (value) => ratio(Math.min(value, 100) / 100));
}

/** 0–1; what is above is clamped. */
export function share(text: string): Quantity<'ratio'> | Absence {
  return within(parseDouble(text), 0, MOST_RATIO, (value) => ratio(Math.min(value, 1)));
}

export const mebibytes = (text: string): Quantity<'bytes'> | Absence =>
  within(parseLevel(text), 0, 2 ** 30, (value) => bytes(value * MEBI));
export const wattage = (text: string): Quantity<'watts'> | Absence => within(parseDouble(text), 0, 100_000, watts);
export const temperature = (text: string): Quantity<'celsius'> | Absence =>
  within(parseLevel(text), -100, 300, celsius);
export const megahertz = (text: string): Quantity<'hertz'> | Absence =>
  within(parseLevel(text), 0, 100_000, (value) => hertz(value * MEGA));

/** Newer boards give margins to a limit where older ones give the limit itself: those are below or at zero. */
export const threshold = (text: string): Quantity<'celsius'> | Absence => {
  const value = temperature(text);
  return typeof value === 'number' && value <= 0 ? unsupported : value;
};

/** Whole steps of the printed unit, in bytes per second. */
export function rateOf(bytesPerUnit: number): (text: string) => Quantity<'bytes_per_second'> | Absence {
  return (text) => within(parseRate(text), 0, 1e14 / bytesPerUnit, (value) => bytesPerSecond(value * bytesPerUnit));
}

/** A small number that stands for something. */
export function enumUpTo(most: number): (text: string) => number | Absence {
  return (text) => within(parseLevel(text), 0, most, (value) => (Number.isInteger(value) ? value : malformed));
}

/** A number of things of which any is too many. */
export const isAny = (text: string): number | Absence =>
  within(parseLevel(text), 0, 2 ** 31, (value) => (value > 0 ? 1 : 0));

export const isSet = (text: string): boolean => text !== '' && !text.startsWith('<<<') && text !== 'N/A';

function within<T>(value: number | Absence, least: number, most: number, valueOf: (value: number) => T): T | Absence {
  if (typeof value !== 'number') return value;
  return value >= least && value <= most ? valueOf(value) : malformed;
}

/** Rates may lie beside the blank values of small integers: those alone are none. */
function parseRate(text: string): number | Absence {
  const value = parseNumber(text);
  const offset = value - INT32_BLANK;
  return offset >= 0 && offset < blanks.length ? blankAt(offset) : parseDouble(text);
}

/** NaN for what is no finite decimal number. */
function parseNumber(text: string): number {
  return /^-?\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : NaN;
}

function wordOf(text: string): Absence {
  return text === 'N/A' ? absent('not_present') : malformed;
}

function wideCounter(value: bigint): Steps | Absence {
  if (value >= INT64_BLANK) return blankAt(Number(value - INT64_BLANK));
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function exactBlank(text: string): Absence {
  return /^\d{19,20}$/.test(text) ? blankAt(Number(BigInt(text) - INT64_BLANK)) : unsupported;
}

function blankAt(offset: number): Absence {
  return blanks[offset] ?? unsupported;
}

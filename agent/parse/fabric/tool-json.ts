// JSON of NVIDIA's fabric tools: numbers that no double holds keep their digits, and what is not said is an absence.
// ECMAScript, JSON.parse with source text access.
import { absent, isAbsent, type Absence, type Steps } from '#agent/contract';
import { ParseError } from '../parse-error.ts';
import { stepsOf } from '../steps.ts';

export type Fields = Readonly<Record<string, unknown>>;

export function parseToolJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text, keepDigits);
  } catch {
    throw new ParseError(source, text, 'JSON');
  }
}

function keepDigits(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const digits = context?.source ?? '';
  return /^\d+$/.test(digits) ? digits : value;
}

/** undefined for what is no object. */
export function fieldsOf(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value));
}

export function textOf(value: unknown): string | Absence {
  if (value === undefined) return absent('not_present');
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return absent(value === null ? 'unsupported' : 'malformed');
  const text = value.trim();
  return text === '' || /^N\/?A$/i.test(text) ? absent('unsupported') : text;
}

export function numberOf(value: unknown): number | Absence {
  const text = textOf(value);
  if (isAbsent(text)) return text;
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : absent('malformed');
}

/** All ones are where a counter of 64 bits stops. */
export function countOf(value: unknown): Steps | Absence {
  const text = textOf(value);
  if (isAbsent(text)) return text;
  const count = stepsOf(text) ?? absent('malformed');
  return typeof count === 'bigint' && count >= 2n ** 64n - 1n ? absent('saturated') : count;
}

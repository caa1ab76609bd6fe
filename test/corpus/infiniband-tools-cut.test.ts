// Recorded outputs of ibswinfo, mlxlink and UFM, damaged: cut anywhere or with the line ends of DOS,
// none of them tells what the whole does not.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAbsent } from '../../agent/contract/index.ts';
import { parseSwitchHardware } from '../../agent/parse/fabric/ibswinfo.ts';
import { parseLinkReport } from '../../agent/parse/fabric/mlxlink.ts';
import { parseTelemetry } from '../../agent/parse/fabric/ufm.ts';
import { ParseError } from '../../agent/parse/parse-error.ts';
import { corpusDirectory, hasCorpus } from './loader.ts';

const present = hasCorpus('corpus/infiniband-tools-cut');
const read = (file: string): string => readFileSync(join(corpusDirectory, 'infiniband', file), 'utf8');

const parsers: readonly (readonly [file: string, parse: (text: string) => object])[] = [
  ['ibswinfo/msb7790.out', parseSwitchHardware],
  ['ibswinfo/msb7790-missing-fields.out', parseSwitchHardware],
  ['ibswinfo/mqm8790-psu-failed.out', parseSwitchHardware],
  ['ibswinfo/vitals.out', parseSwitchHardware],
  ['mlxlink/mft-4.34.1-400g-dr4.json', parseLinkReport],
  ['ufm/small_telemetry.json', parseTelemetry],
];

/** Path and value of all that is told; absences tell nothing. */
function toldBy(value: unknown, path = ''): readonly string[] {
  if (isAbsent(value)) return [];
  if (typeof value !== 'object' || value === null) return [`${path} = ${String(value)}`];
  return Object.entries(value).flatMap(([name, inner]) => toldBy(inner, `${path}.${name}`));
}

/** undefined if the text was refused with the one error that a parser has. */
function parsed(parse: (text: string) => object, text: string): object | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

describe.skipIf(!present)('damaged', () => {
  it.each(parsers)('%s: cut anywhere it tells nothing new', (file, parse) => {
    const whole = read(file);
    const known = new Set(toldBy(parse(whole)));
    for (let length = 0; length < whole.length; length += 1) {
      const told = toldBy(parsed(parse, whole.slice(0, length)) ?? {});
      expect(told.filter((one) => !known.has(one))).toEqual([]);
    }
  });

  it.each(parsers)('%s: cut in line ends of DOS it tells nothing new', (file, parse) => {
    const whole = read(file);
    const dos = whole.replaceAll('\n', '\r\n');
    expect(parse(dos)).toEqual(parse(whole));
    const known = new Set(toldBy(parse(whole)));
    fc.assert(
      fc.property(fc.nat(dos.length), (length) => {
        const told = toldBy(parsed(parse, dos.slice(0, length)) ?? {});
        expect(told.filter((one) => !known.has(one))).toEqual([]);
      }),
    );
  });

  it.each(parsers.filter(([file]) => file.startsWith('ibswinfo/')))(
    '%s: every line adds what it says, and no other',
    (file, parse) => {
      const lines = read(file).split('\n').slice(0, -1);
      const counts = lines.map(
        (_, count) => toldBy(parsed(parse, `${lines.slice(0, count).join('\n')}\n`) ?? {}).length,
      );
      expect(counts).toEqual(counts.toSorted((a, b) => a - b));
      expect(toldBy(parse(read(file))).length).toBeGreaterThan(counts[Math.floor(lines.length / 2)] ?? 0);
    },
  );

  it.each(parsers)('%s: with a piece taken out it is read, or refused with ParseError', (file, parse) => {
    const whole = read(file);
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(60), (start, length) => {
        const text = whole.slice(0, start) + whole.slice(start + length);
        expect(() => parsed(parse, text)).not.toThrow();
      }),
    );
  });

  it('any JSON is read, or refused with ParseError', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        parsed(parseTelemetry, text);
        parsed(parseLinkReport, text);
        parsed(parseLinkReport, `{"status": {"code": 0}, "result": {"output": {"Module Info": ${text}}}}`);
        parsed(parseTelemetry, `{"values": [${text}]}`);
      }),
    );
  });
});

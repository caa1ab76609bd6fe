// nvidia-smi's texts cut short anywhere, and with the line ends of another system: whole readings or one ParseError, never another number.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAbsent } from '#agent/contract';
import type { GpuSheet } from '../../agent/parse/gpu/sheet.ts';
import {
  parseNvlinkData,
  parseNvlinkErrors,
  parseNvlinkStatus,
  type NvlinkGpu,
} from '../../agent/parse/gpu/smi-nvlink.ts';
import { parseComputeApps, parsePmon } from '../../agent/parse/gpu/smi-processes.ts';
import { parseSmiXml } from '../../agent/parse/gpu/smi-xml.ts';
import { parseTopology } from '../../agent/parse/gpu/smi-topology.ts';
import { ParseError } from '../../agent/parse/parse-error.ts';
import { leftOut } from '../left-out.ts';
import { corpusFiles, isPresent, readCorpus } from './gpu-corpus.ts';

if (!isPresent) leftOut('corpus/gpu cut short', 'the corpus is not here', { evenInCi: true });

const files = (pattern: RegExp): readonly string[] => corpusFiles().filter((path) => pattern.test(path));
const xmlFiles = files(/\.xml$/);

/** Tries cuts near the beginning and the end, and many between. */
function cutAnywhere(text: string, runs: number, check: (cut: string) => void): void {
  const bytes = Buffer.from(text);
  const edges = [0, 1, bytes.length - 2, bytes.length - 1];
  for (const length of edges) if (length >= 0) check(bytes.toString('utf8', 0, length));
  fc.assert(
    fc.property(fc.nat(bytes.length), (length) => {
      check(bytes.toString('utf8', 0, length));
    }),
    { numRuns: runs },
  );
}

function attempt<T>(parse: () => T): T | ParseError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ParseError) return error;
    throw error;
  }
}

/** The index is only known from a whole document. */
const withoutIndex = (sheets: readonly GpuSheet[]) =>
  sheets.map((sheet) => ({ ...sheet, identity: { ...sheet.identity, gpu: '' } }));

describe.skipIf(!isPresent)('XML', () => {
  it.each(xmlFiles)('%s cut short', (path) => {
    const text = readCorpus(path);
    const whole = withoutIndex(parseSmiXml(text, path).sheets);
    let readings = 0;
    cutAnywhere(text, 60, (cut) => {
      const xml = attempt(() => parseSmiXml(cut, path));
      if (xml instanceof ParseError) return;
      readings++;
      expect(xml.sheets.length).toBeGreaterThan(0);
      expect(withoutIndex(xml.sheets)).toEqual(whole.slice(0, xml.sheets.length));
    });
    // Where the document's end alone is missing, every GPU is there.
    expect(readings).toBeGreaterThan(0);
  });

  it.each(xmlFiles)('%s with CR LF', (path) => {
    const text = readCorpus(path);
    const other = text.replace(/\r?\n/g, '\r\n');
    expect(other).not.toBe(text);
    expect(parseSmiXml(other, path)).toEqual(parseSmiXml(text, path));
  });

  it.each(xmlFiles)('%s in a loop', (path) => {
    const text = readCorpus(path);
    const whole = parseSmiXml(text, path);
    expect(parseSmiXml(text + text, path)).toEqual(whole);
    expect(parseSmiXml(text + text.slice(0, text.length / 2), path)).toEqual(whole);
  });

  it.each(xmlFiles)('%s with one character changed breaks nothing but itself', (path) => {
    const text = readCorpus(path);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('<', '>', '&', '/', '\0', ' '), (at, character) => {
        attempt(() => parseSmiXml(text.slice(0, at) + character + text.slice(at + 1), path));
      }),
      { numRuns: 15 },
    );
  });
});

const nvlinks: readonly (readonly [string, (text: string) => readonly NvlinkGpu[]])[] = [
  ...files(/nvlink-s\.txt$/)
    .filter((path) => !path.startsWith('dcgmi/') && !path.includes('a10-'))
    .map((path) => [path, parseNvlinkStatus] as const),
  ...files(/nvlink-e\.txt$/).map((path) => [path, parseNvlinkErrors] as const),
  ...files(/nvlink-gt-d/).map((path) => [path, parseNvlinkData] as const),
];

describe.skipIf(!isPresent)('texts', () => {
  it.each(nvlinks)('%s', (path, parse) => {
    const text = readCorpus(path);
    const whole = parse(text);
    const known = new Set(whole.flatMap(({ gpu, values }) => values.map((value) => valueKey(gpu, value))));
    cutAnywhere(text, 150, (cut) => {
      for (const { gpu, values } of parse(cut))
        for (const value of values) expect(known).toContain(valueKey(gpu, value));
    });
    expect(parse(text.replace(/\n/g, '\r\n'))).toEqual(whole);
  });

  it.each(files(/topo-m\.txt$/))('%s', (path) => {
    const text = readCorpus(path);
    const whole = parseTopology(text, path);
    cutAnywhere(text, 150, (cut) => {
      const topology = attempt(() => parseTopology(cut, path));
      if (topology instanceof ParseError) return;
      expect(topology.devices).toEqual(whole.devices.slice(0, topology.devices.length));
    });
    expect(parseTopology(text.replace(/\n/g, '\r\n'), path)).toEqual(whole);
  });

  it.each(files(/load\/(pmon\.txt|query-compute-apps\.csv)$/))('%s', (path) => {
    const text = readCorpus(path);
    const parse = path.endsWith('.csv')
      ? (given: string) => [...parseComputeApps(given).values()].flat()
      : (given: string) => parsePmon(given);
    const whole = parse(text);
    cutAnywhere(text, 150, (cut) => {
      const some = parse(cut);
      expect(some).toEqual(whole.slice(0, some.length));
    });
    expect(parse(text.replace(/\n/g, '\r\n'))).toEqual(whole);
  });
});

function valueKey(gpu: string, { column, value }: NvlinkGpu['values'][number]): string {
  return JSON.stringify([gpu, column.id, column.labels, isAbsent(value) ? value.reason : String(value)]);
}

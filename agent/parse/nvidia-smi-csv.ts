// nvidia-smi --query-gpu=… --format=csv[,nounits]: a header and one line per GPU, cells never quoted. nvidia-smi --help-query-gpu.
import { ParseError } from './parse-error.ts';

/** Cells of one GPU by the field's name. */
export type NvidiaSmiRow = ReadonlyMap<string, string>;

export interface NvidiaSmiCsv {
  readonly fields: readonly string[];
  readonly rows: readonly NvidiaSmiRow[];
}

/** A whole output. A last line without its end may be cut in the middle of a number and is refused. */
export function parseNvidiaSmiCsv(text: string, source: string): NvidiaSmiCsv {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  const header = lines.shift();
  if (rest !== '' || header === undefined) throw new ParseError(source, rest || text, 'a line with its end');
  const fields = parseCsvHeader(header);
  return { fields, rows: lines.filter((line) => line.trim() !== '').map((line) => parseCsvRow(line, fields, source)) };
}

/** Field names without their units: `memory.used [MiB]` is memory.used. */
export function parseCsvHeader(line: string): readonly string[] {
  return cellsOf(line).map((cell) => cell.replace(/ \[[^\]]*\]$/, ''));
}

export function parseCsvRow(line: string, fields: readonly string[], source: string): NvidiaSmiRow {
  const cells = cellsOf(line);
  if (cells.length !== fields.length) throw new ParseError(source, line, `${fields.length} cells`);
  return new Map(fields.map((field, index) => [field, cells[index] ?? '']));
}

/** Lines of `--query-compute-apps=gpu_uuid,pid --format=csv,noheader` → processes per UUID. */
export function parseProcessIds(text: string): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const line of text.split('\n')) {
    const [uuid, pid] = cellsOf(line);
    if (uuid === undefined || pid === undefined || !/^\d{1,10}$/.test(pid)) continue;
    found.set(uuid, [...(found.get(uuid) ?? []), Number(pid)]);
  }
  return found;
}

/** --help-query-gpu: each field stands in quotes at the start of a line, with its other names behind "or". */
export function parseHelpQuery(text: string): ReadonlySet<string> {
  const heads = text.split('\n').filter((line) => line.startsWith('"'));
  return new Set(heads.flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '')));
}

/** The field that nvidia-smi refuses: `Field "x" is not a valid field to query.` */
export function parseRefusedField(text: string): string | undefined {
  return /Field "([^"]+)" is not a valid field/.exec(text)?.[1];
}

export function cellsOf(line: string): readonly string[] {
  return line.split(',').map((cell) => cell.trim());
}

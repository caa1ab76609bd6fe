// Readers of nvidia-smi's texts that only the recordings need: -q, the table, -L, version, retired pages, dmon. nvidia-smi(1).
import { isAbsent } from '#agent/contract';
import { parseColumnTable } from '../../agent/parse/gpu/column-table.ts';
import { parseNvidiaSmiCsv, type NvidiaSmiRow } from '../../agent/parse/nvidia-smi-csv.ts';
import { parseQuantity } from '../../agent/parse/nvidia-smi-value.ts';

/** `-q`: values by the names above them, joined with slashes; a name that comes again gets its number. */
export function parseQueryText(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const above: { readonly indent: number; readonly name: string }[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('=')) continue;
    const indent = line.length - line.trimStart().length;
    while ((above.at(-1)?.indent ?? -1) >= indent) above.pop();
    const [name, value] = splitAtColon(line.trim());
    const parents = above.map((entry) => entry.name);
    const path = unusedPath(values, [...parents, name].join('/'));
    values.set(path, value ?? '');
    above.push({ indent, name: path.slice(parents.length === 0 ? 0 : parents.join('/').length + 1) });
  }
  return values;
}

/** A bus address holds colons but no blank before them. */
function splitAtColon(line: string): readonly [string, string?] {
  const match = /^(.*?)\s+: ?(.*)$/.exec(line);
  return match ? [match[1] ?? '', (match[2] ?? '').trim()] : [line];
}

function unusedPath(values: ReadonlyMap<string, string>, path: string): string {
  let free = path;
  for (let number = 2; values.has(free); number++) free = `${path}#${number}`;
  return free;
}

/** `-L`: GPUs and below them their MIG instances. */
export interface ListedGpu {
  readonly gpu: string;
  readonly name: string;
  readonly uuid: string;
  readonly instances: readonly { readonly profile: string; readonly uuid: string }[];
}

export function parseListing(text: string): readonly ListedGpu[] {
  const gpus: { gpu: string; name: string; uuid: string; instances: { profile: string; uuid: string }[] }[] = [];
  for (const line of text.split('\n')) {
    const gpu = /^GPU (\d+): (.*) \(UUID: (GPU-[^)]+)\)$/.exec(line);
    const instance = /^ {2}MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)$/.exec(line);
    if (gpu) gpus.push({ gpu: gpu[1] ?? '', name: gpu[2] ?? '', uuid: gpu[3] ?? '', instances: [] });
    if (instance) gpus.at(-1)?.instances.push({ profile: instance[1] ?? '', uuid: instance[2] ?? '' });
  }
  return gpus;
}

/** The table of a bare `nvidia-smi`: three lines per GPU, and a line per process. */
export interface TableGpu {
  readonly gpu: string;
  readonly bus: string;
  readonly ecc: string;
  readonly temperature: string;
  readonly power: string;
  readonly memory: string;
  readonly utilization: string;
}

export function parseTable(text: string): { readonly gpus: readonly TableGpu[]; readonly pids: readonly number[] } {
  const lines = text.split('\n');
  const gpus = lines.flatMap((line, index) => {
    const first = /^\|\s+(\d+)\s+\S.*\|\s+([\dA-F:.]+)\s+(?:On|Off) \|\s+(\S+) \|$/.exec(line);
    if (!first) return [];
    const [state = '', memory = '', busy = ''] = (lines[index + 1] ?? '').split('|').slice(1);
    const [, temperature = '', , power = ''] = state.trim().split(/\s+/);
    return [
      {
        gpu: first[1] ?? '',
        bus: first[2] ?? '',
        ecc: first[3] ?? '',
        temperature,
        power,
        memory: memory.trim(),
        utilization: busy.trim().split(/\s+/)[0] ?? '',
      },
    ];
  });
  const pids = lines.flatMap((line) => {
    const pid = /^\|\s+\d+\s+(?:N\/A|\d+)\s+(?:N\/A|\d+)\s+(\d+)\s+[CGM+]+\s/.exec(line)?.[1];
    return pid === undefined ? [] : [Number(pid)];
  });
  return { gpus, pids };
}

/** `KEY : value` lines of --version, `key: value` lines of the recording's own header. */
export function parsePairs(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const match = line.startsWith('#') ? null : /^([^:]+?)\s*:\s+(.*)$/.exec(line);
      return match ? [[match[1] ?? '', match[2] ?? ''] as const] : [];
    }),
  );
}

export function parseRetiredPages(text: string): readonly NvidiaSmiRow[] {
  return parseNvidiaSmiCsv(text, 'query-retired-pages').rows;
}

/** One column of `dmon`, tick by tick; undefined where it has no value. */
export function dmonColumn(text: string, name: string): readonly (number | undefined)[] {
  const { rows, units } = parseColumnTable(text);
  return rows.map((row) => {
    const value = parseQuantity(row.get(name) ?? '', units.get(name) ?? '');
    return isAbsent(value) ? undefined : value;
  });
}

/** Rates above what the link carries are garbage. MB/s. */
export function believableRates(rates: readonly (number | undefined)[], linkMegabytes: number) {
  return rates.map((rate) => (rate !== undefined && rate <= linkMegabytes ? rate : undefined));
}

/** `[Feb 25 2025 13:59:45] [INFO] [tid 1803] text`; other lines go on with the message before. */
export interface FabricManagerLine {
  readonly time: string;
  readonly level: string;
  readonly thread: number;
  readonly message: string;
}

export function parseFabricManagerLog(text: string): readonly FabricManagerLine[] {
  const lines: { time: string; level: string; thread: number; message: string }[] = [];
  for (const line of text.split('\n')) {
    const match = /^\[(\w{3} \d{2} \d{4} \d{2}:\d{2}:\d{2})\] \[(\w+)\] \[tid (\d+)\] (.*)$/.exec(line);
    const last = lines.at(-1);
    if (match) {
      const [, time = '', level = '', thread = '', message = ''] = match;
      lines.push({ time, level, thread: Number(thread), message });
    } else if (last && line !== '') last.message += `\n${line}`;
  }
  return lines;
}

// `nvidia-smi topo -m`: what lies between each two GPUs and adapters, and which CPUs are near. Columns come by tabs or by blanks.
import { ParseError } from '../parse-error.ts';

export interface SmiTopology {
  /** GPUs and adapters in the order of the matrix. An adapter has the kernel's name, if the legend tells it. */
  readonly devices: readonly TopologyDevice[];
}

export interface TopologyDevice {
  readonly name: string;
  /** X, NV4, PIX, PXB, PHB, NODE, SYS by the other device's name. */
  readonly paths: ReadonlyMap<string, string>;
  /** As the tool prints it, `0-19,40-59`; empty where it does not. */
  readonly cpuAffinity: string;
  readonly numaAffinity: string;
}

// The header is underlined even into a pipe.
const escapes = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');
const PATH = /^(X|NV\d+|PIX|PXB|PHB|NODE|SYS|N\/A)$/;

export function parseTopology(text: string, source: string): SmiTopology {
  const [header = '', ...lines] = text.replace(escapes, '').split('\n').slice(0, -1);
  const [matrixPart, affinityPart] = splitAt(header, 'CPU Affinity');
  const columns = matrixPart.trim().split(/\s+/);
  if (!/^GPU\d+$/.test(columns[0] ?? '')) throw new ParseError(source, header, 'a header of GPUs');
  const hasNuma = affinityPart?.includes('NUMA Affinity') ?? false;
  const names = adapterNames(lines);
  const nameOf = (name: string): string => names.get(name) ?? name;
  const end = lines.findIndex((line) => line.trim() === '');
  const rows = end < 0 ? lines : lines.slice(0, end);
  return {
    devices: rows.map((line) => {
      const [name = '', ...cells] = line.trim().split(/\s+/);
      const paths = cells.slice(0, columns.length);
      if (!columns.includes(name) || paths.length < columns.length || !paths.every((path) => PATH.test(path)))
        throw new ParseError(source, line, `${columns.length} paths`);
      const [cpuAffinity = '', numaAffinity = ''] = cells.slice(columns.length);
      return {
        name: nameOf(name),
        paths: new Map(columns.map((column, index) => [nameOf(column), paths[index] ?? ''])),
        cpuAffinity,
        numaAffinity: hasNuma ? numaAffinity : '',
      };
    }),
  };
}

/** Newer tools call an adapter NIC0 and say below which one that is: `NIC0: mlx5_0`. */
function adapterNames(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    lines.flatMap((line) => {
      const match = /^\s*(NIC\d+): (\S+)$/.exec(line.trimEnd());
      return match?.[1] !== undefined && match[2] !== undefined ? [[match[1], match[2]] as const] : [];
    }),
  );
}

function splitAt(text: string, mark: string): readonly [string, string?] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at)];
}

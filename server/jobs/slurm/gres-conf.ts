// gres.conf: which device file stands at which place of a node's list of GPUs. gres.conf(5).
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expandNodes } from './host-list.ts';
import { SlurmError } from './model.ts';

/** Files of the GPUs in the order of their places; undefined where the configuration leaves it to Slurm to find them. */
export type DeviceFiles = (node: string) => readonly string[] | undefined;

interface Line {
  /** undefined: of every node. */
  readonly nodes: ReadonlySet<string> | undefined;
  readonly files: readonly string[];
}

/** No file, no knowledge: Slurm may find its GPUs itself, or have its configuration elsewhere. */
export function readGresConf(slurmConf: string | undefined): DeviceFiles {
  try {
    return parseGresConf(readFileSync(join(dirname(slurmConf ?? '/etc/slurm/slurm.conf'), 'gres.conf'), 'utf8'));
  } catch (error) {
    if (error instanceof SlurmError || (error instanceof Error && 'code' in error)) return () => undefined;
    throw error;
  }
}

export function parseGresConf(text: string): DeviceFiles {
  const lines = text.split('\n').flatMap((line): readonly Line[] => {
    const words = new Map(
      line
        .replace(/#.*$/, '')
        .trim()
        .split(/\s+/)
        .map((word) => [word.split('=')[0]?.toLowerCase() ?? '', word.slice(word.indexOf('=') + 1)] as const),
    );
    const file = words.get('file');
    if (words.get('name')?.toLowerCase() !== 'gpu' || file === undefined) return [];
    const nodes = words.get('nodename');
    return [{ nodes: nodes === undefined ? undefined : new Set(expandNodes(nodes)), files: expandNodes(file) }];
  });
  return (node) => {
    const files = lines.flatMap((line) => (line.nodes === undefined || line.nodes.has(node) ? line.files : []));
    return files.length === 0 ? undefined : files;
  };
}

// node_pressure_*: proc/pressure as node_exporter 1.5 shows it, from Documentation/accounting/psi.rst.
import { agentCatalogue, isAbsent } from '#agent/contract';
import type { Tree } from '../../sources/tree.ts';
import type { Family } from './family.ts';

const sources = [
  ['pressure_cpu_waiting_seconds_total', 'cpu', 'some'],
  ['pressure_io_waiting_seconds_total', 'io', 'some'],
  ['pressure_io_stalled_seconds_total', 'io', 'full'],
  ['pressure_memory_waiting_seconds_total', 'memory', 'some'],
  ['pressure_memory_stalled_seconds_total', 'memory', 'full'],
] as const;

export function pressureFamilies(tree: Tree): readonly Family[] {
  return sources.map(([id, resource, line]) => {
    const seconds = readSeconds(tree, resource, line);
    return {
      name: `node_${id}`,
      kind: 'counter',
      help: agentCatalogue[id].help,
      labels: [],
      samples: seconds === undefined ? [] : [{ values: [], value: seconds }],
    };
  });
}

function readSeconds(tree: Tree, resource: string, line: string): number | undefined {
  const text = tree.text(`proc/pressure/${resource}`);
  if (isAbsent(text)) return undefined;
  const microseconds = new RegExp(`^${line} .*total=(\\d+)$`, 'm').exec(text)?.[1];
  // Divided twice as there: the last digit of the quotient depends on it.
  return microseconds === undefined ? undefined : Number(microseconds) / 1000 / 1000;
}

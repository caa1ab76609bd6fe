// A recorded node that has something of every area: the recordings of the single areas, laid over one root.
import { cpSync, globSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './program.ts';

export function layOutEveryArea(root: string): void {
  // Of those that have the same file the last by name is taken: its mounts are those of network file systems.
  const machines = globSync(join(projectRoot, 'test/fixtures/*/*/0')).toSorted().toReversed();
  for (const machine of machines) layOver(machine, root);
}

/** What is there already stays. */
function layOver(from: string, to: string): void {
  const filter = (source: string, target: string): boolean => {
    const there = lstatSync(target, { throwIfNoEntry: false });
    return there === undefined || (there.isDirectory() && lstatSync(source).isDirectory());
  };
  cpSync(from, to, { recursive: true, verbatimSymlinks: true, filter });
}

// Recorded steps of a machine laid over one root, file by file in place: kept descriptors see the new text, as in sysfs.
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Makes `to` the same as `from`. Links are kept as links and never followed. */
export function layStep(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  const entries = readdirSync(from, { withFileTypes: true });
  const names = new Set(entries.map(({ name }) => name));
  for (const name of readdirSync(to)) {
    if (!names.has(name)) rmSync(join(to, name), { recursive: true });
  }
  for (const entry of entries) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) layStep(source, target);
    else if (entry.isSymbolicLink()) layLink(source, target);
    else writeFileSync(target, readFileSync(source));
  }
}

/** A writable copy of a tree. */
export function copyTree(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

function layLink(from: string, to: string): void {
  const target = readlinkSync(from);
  const present = lstatSync(to, { throwIfNoEntry: false });
  if (present?.isSymbolicLink() && readlinkSync(to) === target) return;
  rmSync(to, { recursive: true, force: true });
  symlinkSync(target, to);
}

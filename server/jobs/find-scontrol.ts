// Where Slurm's scontrol is: as configured, or on the path.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** undefined where there is none, or none is wanted. `setting` is `auto`, `off`, a program or a folder. */
export function findScontrol(setting: string, path: string | undefined): string | undefined {
  if (setting === 'off') return undefined;
  if (setting !== 'auto') return isFolder(setting) ? join(setting, 'scontrol') : setting;
  const folders = (path ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'scontrol')).find(isProgram);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return !isFolder(path);
  } catch {
    return false;
  }
}

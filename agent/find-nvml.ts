// Where the driver's library libnvidia-ml.so.1 is: the folders that drivers, distributions and container runtimes put it in.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const LIBRARY = 'libnvidia-ml.so.1';

const folders = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/lib/nvidia/current',
  '/usr/lib/x86_64-linux-gnu/nvidia/current',
  '/usr/lib64/nvidia',
  '/usr/local/nvidia/lib64',
  '/usr/lib/wsl/lib',
  '/run/nvidia/driver/usr/lib/x86_64-linux-gnu',
  '/run/nvidia/driver/usr/lib64',
  '/run/opengl-driver/lib',
];

/** Undefined if it is nowhere: then no process is started to look for GPUs. */
export function findNvmlLibrary(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = (env['LD_LIBRARY_PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  return [...named, ...folders].map((folder) => join(folder, LIBRARY)).find((file) => existsSync(file));
}

// What lies in files beside the processes: minor numbers of the driver, and what a site's prolog wrote down of its jobs.
// /proc/driver/nvidia/gpus/ADDRESS/information; dcgm-exporter's hpc-job-mapping-dir; jobstats' /run/gpustat.
import { isAbsent, type JobHint, type Owners } from '#agent/contract';
import type { Tree } from '../sources/tree.ts';

const MOST_FILES = 256;

export function readMinors(tree: Tree): Owners['devices'] {
  return tree
    .names('proc/driver/nvidia/gpus')
    .slice(0, MOST_FILES)
    .flatMap((address) => {
      const text = tree.text(`proc/driver/nvidia/gpus/${address}/information`);
      const minor = isAbsent(text) ? undefined : /^Device Minor:\s*(\d+)\s*$/m.exec(text)?.[1];
      return minor === undefined ? [] : [{ pci_bus_id: address.slice(0, 64), minor: Number(minor) }];
    });
}

/**
 * A file is called by a GPU's index or UUID, or by index and MIG instance (`0.1`); it holds a job's number on each line, in jobstats
 * with the user's id behind it. No file, or an empty one: no job.
 */
export function readHints(tree: Tree, folders: readonly string[]): readonly JobHint[] {
  return folders
    .flatMap((folder) =>
      tree
        .names(folder)
        .filter((name) => /^(?:\d{1,3}(?:\.\d{1,3})?|(?:GPU|MIG)-[\w-]{8,64})$/.test(name))
        .slice(0, MOST_FILES)
        .flatMap((gpu) => {
          const text = tree.text(`${folder}/${gpu}`);
          const lines = isAbsent(text) ? [] : text.split('\n').map((line) => line.trim().split(/\s+/)[0] ?? '');
          return [...new Set(lines)].filter((job) => /^[\w.+-]{1,64}$/.test(job)).map((job) => ({ gpu, job }));
        }),
    )
    .slice(0, MOST_FILES);
}

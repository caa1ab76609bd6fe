// What the kernel counts for one cgroup: cgroup v2, and of v1 what has its like there. Pressure is v2's alone.
// Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/*.rst, accounting/psi.rst.
import { silentLog } from '../../log.ts';
import type { Tree } from '../../sources/tree.ts';
import { CgroupFiles, type FileContext } from './cgroup-files.ts';
import { openV1 } from './cgroup-v1.ts';
import { CGROUP_ROOT, type CgroupTimes, type CgroupUse, type OpenCgroup } from './cgroup-use.ts';
import { openV2 } from './cgroup-v2.ts';

/** One reading, its files opened and closed. `path` as in /proc/PID/cgroup. */
export function readCgroup(tree: Tree, path: string): CgroupTimes & CgroupUse {
  const cgroup = openCgroup({ tree, log: silentLog }, path);
  try {
    return { ...cgroup.readTimes(), ...cgroup.readUse() };
  } finally {
    cgroup.close();
  }
}

/** Keeps the files open, for cgroups that are read every second. A file that was not there is not looked for again. */
export function openCgroup(context: FileContext, path: string): OpenCgroup {
  const files = new CgroupFiles(context);
  const unified = `${CGROUP_ROOT}${path}`;
  // Below the root, cgroup v1 has its controllers.
  if (context.tree.exists(`${unified}/cgroup.controllers`) || context.tree.exists(`${unified}/cpu.stat`))
    return openV2(files, unified);
  return openV1(files, (controller) => `${CGROUP_ROOT}/${controller}${path}`);
}

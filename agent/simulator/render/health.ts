// What the kernel remembers of a node's own health: PCIe errors, errors of memory, throttled and warm CPUs, pages from the other
// socket. Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats, admin-guide/RAS, hwmon/coretemp.rst, admin-guide/numastat.rst.
import type { NodeHardware } from '../hardware.ts';
import { noiseAt } from '../random.ts';
import type { NodeState } from '../workload.ts';
import type { FixedTree, TreeWriter } from './tree-writer.ts';

const AER = {
  correctable: ['RxErr', 'BadTLP', 'BadDLLP', 'Rollover', 'Timeout', 'NonFatalErr', 'CorrIntErr', 'HeaderOF'],
  uncorrectable: [
    ...['Undefined', 'DLP', 'SDES', 'TLP', 'FCP', 'CmpltTO', 'CmpltAbrt', 'UnxCmplt', 'RxOF', 'MalfTLP', 'ECRC'],
    ...['UnsupReq', 'ACSViol', 'UncorrIntErr', 'BlockedTLP', 'AtomicOpBlocked', 'TLPBlockedErr', 'PoisonTLPBlocked'],
  ],
} as const;

export function writeHealth(tree: TreeWriter<NodeState>, hardware: NodeHardware): void {
  writeMemoryErrors(tree, hardware);
  writeThrottles(tree, hardware);
  writeCoreTemperatures(tree, hardware);
  writeNumaStat(tree, hardware);
}

/** Of a device in its directory; one that counts its correctable errors gives them, the others have none. */
export function writePcieErrors(
  tree: TreeWriter<NodeState>,
  directory: string,
  correctable?: (state: NodeState) => number,
): void {
  const quiet = AER.correctable.map((name) => `${name} 0`).slice(1);
  const render = (count: number): string => [`RxErr ${count}`, ...quiet, `TOTAL_ERR_COR ${count}`].join('\n');
  if (correctable) tree.seldom(`${directory}/aer_dev_correctable`, (state) => render(correctable(state)));
  else tree.file(`${directory}/aer_dev_correctable`, `${render(0)}\n`);
  const others = AER.uncorrectable.map((name) => `${name} 0\n`).join('');
  tree.file(`${directory}/aer_dev_nonfatal`, `${others}TOTAL_ERR_NONFATAL 0\n`);
  tree.file(`${directory}/aer_dev_fatal`, `${others}TOTAL_ERR_FATAL 0\n`);
}

function writeMemoryErrors(tree: FixedTree, { numaCpus, index }: NodeHardware): void {
  for (const controller of numaCpus.keys()) {
    const noise = noiseAt(index * 2 + controller, 77);
    tree.files(`sys/devices/system/edac/mc/mc${controller}`, {
      ce_count: noise > 0.9 ? Math.floor(noise * 20) : 0,
      ce_noinfo_count: 0,
      mc_name: `Skylake Socket#${controller} IMC#0`,
      ue_count: 0,
      ue_noinfo_count: 0,
    });
  }
}

function writeThrottles(tree: TreeWriter<NodeState>, { platform, numaCpus }: NodeHardware): void {
  for (const [socket, cpus] of numaCpus.entries()) {
    for (const [at, cpu] of cpus.entries()) {
      const directory = `sys/devices/system/cpu/cpu${cpu}`;
      tree.files(`${directory}/topology`, {
        core_id: at % platform.coresPerSocket,
        physical_package_id: socket,
      });
      tree.files(`${directory}/thermal_throttle`, { core_throttle_count: 0 });
      // All threads of a socket tell the same: the first one's is enough to follow.
      const path = `${directory}/thermal_throttle/package_throttle_count`;
      if (at === 0) tree.seldom(path, ({ counters }) => counters.cpuThrottles[socket]?.whole ?? 0);
      else tree.file(path, '0\n');
    }
  }
}

function writeCoreTemperatures(tree: TreeWriter<NodeState>, { drives, numaCpus, platform }: NodeHardware): void {
  for (const [socket, cpus] of numaCpus.entries()) {
    const device = `sys/devices/platform/coretemp.${socket}`;
    const directory = `${device}/hwmon/hwmon${drives.length + socket}`;
    tree.files(directory, {
      name: 'coretemp',
      temp1_label: `Package id ${socket}`,
      temp1_max: 85_000,
      temp1_crit: 95_000,
    });
    tree.changing(`${directory}/temp1_input`, ({ load }) => {
      const busy = cpus.reduce((sum, cpu) => sum + (load.cpus[cpu]?.user ?? 0), 0) / cpus.length;
      return Math.round(38 + busy * platform.coresPerSocket * 1.8) * 1000;
    });
    tree.link(`${directory}/device`, device);
    tree.link(`sys/class/hwmon/hwmon${drives.length + socket}`, directory);
  }
}

function writeNumaStat(tree: TreeWriter<NodeState>, { numaCpus }: NodeHardware): void {
  for (const node of numaCpus.keys()) {
    tree.changing(`sys/devices/system/node/node${node}/numastat`, ({ counters }) => {
      const [own, other] = [node, 1 - node].map((one) => counters.numaMisses[one]?.toString() ?? '0');
      const hits = counters.numaHits.toString();
      return [
        `numa_hit ${hits}`,
        `numa_miss ${own}`,
        `numa_foreign ${other}`,
        'interleave_hit 41265',
        `local_node ${hits}`,
        `other_node ${own}`,
      ].join('\n');
    });
  }
}

// What the machine is and where its file systems are: proc/sys, dmi, os-release, NUMA nodes, mounts. proc(5), os-release(5).
import type { NodeHardware } from '../hardware.ts';
import { KERNEL_VERSION as KERNEL } from '../kernel-log.ts';
import { nvswitchBusesOf } from '../pci-layout.ts';
import { listOf, writeNvswitches, writePciDevice } from './pci.ts';
import type { NodeState } from '../workload.ts';
import type { FixedTree, TreeWriter } from './tree-writer.ts';

export function writeIdentity(tree: FixedTree, hardware: NodeHardware): void {
  tree.files('proc/sys/kernel', {
    hostname: hardware.name,
    osrelease: KERNEL,
    ostype: 'Linux',
    version: '#101~20.04.1-Ubuntu SMP Thu Nov 16 14:22:28 UTC 2023',
    'random/boot_id': hardware.bootId,
  });
  tree.file('proc/version', `Linux version ${KERNEL} (buildd@lcy02) #101~20.04.1-Ubuntu SMP\n`);
  tree.file('etc/hostname', `${hardware.name}\n`);
  tree.file(
    'etc/os-release',
    'NAME="Ubuntu"\nVERSION="20.04.6 LTS (Focal Fossa)"\nID=ubuntu\nPRETTY_NAME="Ubuntu 20.04.6 LTS"\nVERSION_ID="20.04"\n',
  );
  writeBoard(tree, hardware);
  writeNumaNodes(tree, hardware);
  writeMounts(tree);
  tree.file('proc/1/comm', 'systemd\n');
}

/** The fabric manager; the kernel cuts the names of tasks to 15 letters. */
const FABRIC_MANAGER = { pid: 2417, comm: 'nv-fabricmanage' } as const;

/** GPUs and NVSwitches as PCI devices; what they do is nvidia-smi's to say. */
export function writeGpuDevices(tree: TreeWriter<NodeState>, hardware: NodeHardware): void {
  for (const { bus } of hardware.gpus) {
    const device = `0x${hardware.platform.gpu.deviceId.slice(2, 6).toLowerCase()}`;
    writePciDevice(tree, { bus, vendor: '0x10de', device, class: '0x030200', linkWidth: 16 }, hardware);
  }
  writeNvswitches(tree, hardware);
  if (nvswitchBusesOf(hardware.platform).length > 0) {
    tree.file(`proc/${FABRIC_MANAGER.pid}/comm`, `${FABRIC_MANAGER.comm}\n`);
  }
}

function writeBoard(tree: FixedTree, { platform, rack }: NodeHardware): void {
  const directory = 'sys/devices/virtual/dmi/id';
  tree.files(directory, {
    sys_vendor: platform.vendor,
    product_name: platform.product,
    product_version: 'A01',
    board_vendor: platform.vendor,
    board_name: platform.product,
    bios_vendor: 'American Megatrends Inc.',
    bios_version: '0.25',
    chassis_vendor: platform.vendor,
    chassis_asset_tag: rack,
  });
  tree.link('sys/class/dmi/id', directory);
}

function writeNumaNodes(tree: FixedTree, { cpus, numaCpus, platform }: NodeHardware): void {
  const nodes = 'sys/devices/system/node';
  const all = { online: `0-${numaCpus.length - 1}`, possible: `0-${numaCpus.length - 1}` };
  tree.files(nodes, { ...all, has_cpu: all.online, has_memory: all.online });
  tree.files('sys/devices/system/cpu', {
    online: `0-${cpus - 1}`,
    possible: `0-${cpus - 1}`,
    present: `0-${cpus - 1}`,
  });
  for (const [node, list] of numaCpus.entries()) {
    tree.files(`${nodes}/node${node}`, { cpulist: listOf(list), distance: node === 0 ? '10 21' : '21 10' });
    tree.file(
      `${nodes}/node${node}/meminfo`,
      `Node ${node} MemTotal:       ${Math.floor(platform.memoryKiB / 2)} kB\n`,
    );
  }
}

function writeMounts(tree: FixedTree): void {
  tree.file(
    'proc/self/mountinfo',
    [
      '22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw',
      '23 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:14 - proc proc rw',
      '24 28 0:5 / /dev rw,nosuid,relatime shared:2 - devtmpfs udev rw,size=264074900k,mode=755',
      '25 28 0:22 / /run rw,nosuid,nodev,noexec,relatime shared:5 - tmpfs tmpfs rw,size=52821496k,mode=755',
      '28 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=remount-ro',
      '95 28 8:1 / /boot/efi rw,relatime shared:47 - vfat /dev/sda1 rw,fmask=0077,dmask=0077',
      '97 28 9:0 / /raid rw,relatime shared:49 - xfs /dev/md0 rw,attr2,inode64,sunit=1024,swidth=8192',
      '140 28 0:52 / /home rw,nosuid,relatime shared:80 - nfs4 nfs01:/export/home rw,vers=4.2,rsize=1048576,wsize=1048576,nconnect=8',
      '152 28 0:57 / /scratch rw,nosuid,relatime shared:92 - lustre 10.10.0.1@tcp:10.10.0.2@tcp:/scratch rw,flock',
      '',
    ].join('\n'),
  );
}

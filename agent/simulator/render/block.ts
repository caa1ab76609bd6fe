// Disks below sys/block and NVMe controllers below sys/class/nvme; the drives are striped into md0.
// Documentation/block/stat.rst, Documentation/ABI/stable/sysfs-block.
import { basename } from 'node:path';
import type { DriveHardware, NodeHardware } from '../hardware.ts';
import type { DiskCounters } from '../host-counters.ts';
import type { NodeState } from '../workload.ts';
import { pciAddress, writePciDevice } from './pci.ts';
import type { SlotText, SlotValue } from './slot-text.ts';
import type { TreeWriter } from './tree-writer.ts';

const SECTOR = 512;
const STRIPE = 'sys/devices/virtual/block/md0';
const SYSTEM_DISK_BYTES = 480_103_981_056;
const ROOT_START = 1_050_624;

export function writeDisks(tree: TreeWriter<NodeState>, hardware: NodeHardware): void {
  const members = hardware.drives.map((drive) => writeNvmeDrive(tree, drive, hardware));
  writeStripe(tree, members, hardware);
  writeSystemDisk(tree, hardware);
}

/** Returns the directory of the drive's disk. */
function writeNvmeDrive(tree: TreeWriter<NodeState>, drive: DriveHardware, hardware: NodeHardware): string {
  const { model, firmware, bytes, vendorId, deviceId } = hardware.platform.drive;
  const { index, bus, numaNode } = drive;
  const pci = writePciDevice(
    tree,
    {
      ...{ bus, vendor: `0x${vendorId}`, device: deviceId, class: '0x010802', linkWidth: 4 },
      ...(drive.linkErrorsPerS > 0 ? { correctedErrors: errorsOf(drive) } : {}),
    },
    hardware,
  );
  const controller = `${pci}/nvme/nvme${index}`;
  const nqn = `nqn.2014.08.org.nvmexpress:${vendorId}${vendorId}${drive.serial.padEnd(20)}${model}`;
  tree.files(controller, {
    address: pciAddress(bus),
    cntlid: 0,
    cntrltype: 'io',
    firmware_rev: firmware.padEnd(8),
    model: model.padEnd(40),
    numa_node: numaNode,
    queue_count: 65,
    serial: drive.serial.padEnd(20),
    sqsize: 1023,
    state: 'live',
    subsysnqn: nqn,
    transport: 'pcie',
  });
  tree.link(`${controller}/device`, pci);
  tree.link(`sys/class/nvme/nvme${index}`, controller);
  writeTemperature(tree, `${controller}/hwmon${index}`, { controller, index });
  writeSubsystem(tree, { controller, index, nqn, model, serial: drive.serial });
  const disk = `${controller}/nvme${index}n1`;
  writeDisk(tree, disk, {
    name: `nvme${index}n1`,
    sectors: bytes / SECTOR,
    number: `259:${index}`,
    read: ({ counters }) => counters.drives.slice(index, index + 1),
  });
  tree.files(disk, { hidden: 0, nsid: 1, wwid: `eui.000000000000001000a0750${drive.serial.slice(-9).toLowerCase()}` });
  tree.link(`${disk}/device`, controller);
  tree.link(`${disk}/holders/md0`, STRIPE);
  return disk;
}

/** They began a day before. */
function errorsOf({ linkErrorsPerS }: DriveHardware): (state: NodeState) => number {
  return ({ timeS }) => Math.floor((timeS + 86_400) * linkErrorsPerS);
}

function writeTemperature(
  tree: TreeWriter<NodeState>,
  directory: string,
  { controller, index }: { readonly controller: string; readonly index: number },
): void {
  tree.files(directory, {
    name: 'nvme',
    temp1_alarm: 0,
    temp1_crit: 84_850,
    temp1_label: 'Composite',
    temp1_max: 76_850,
    temp1_min: -273_150,
  });
  // Warmer with load, in whole kelvins as the drive reports them.
  tree.liveValue(`${directory}/temp1_input`, ({ load }) => {
    const one = load.drives[index];
    return Math.round(37 + ((one?.readBytesPerS ?? 0) + 2 * (one?.writeBytesPerS ?? 0)) / 2e8) * 1000 - 150;
  });
  tree.link(`${directory}/device`, controller);
  tree.link(`sys/class/hwmon/hwmon${index}`, directory);
}

function writeSubsystem(
  tree: TreeWriter<NodeState>,
  one: { controller: string; index: number; nqn: string; model: string; serial: string },
): void {
  const directory = `sys/devices/virtual/nvme-subsystem/nvme-subsys${one.index}`;
  tree.files(directory, { iopolicy: 'numa', model: one.model, serial: one.serial, subsysnqn: one.nqn });
  tree.link(`${directory}/nvme${one.index}`, one.controller);
  tree.link(`sys/class/nvme-subsystem/nvme-subsys${one.index}`, directory);
}

/** md counts what its members do. */
function writeStripe(tree: TreeWriter<NodeState>, members: readonly string[], { platform }: NodeHardware): void {
  writeDisk(tree, STRIPE, {
    name: 'md0',
    sectors: (platform.drive.bytes / SECTOR) * members.length,
    number: '9:0',
    read: ({ counters }) => counters.drives,
  });
  tree.files(`${STRIPE}/md`, { level: 'raid0', raid_disks: members.length, array_state: 'clean' });
  for (const member of members) tree.link(`${STRIPE}/slaves/${basename(member)}`, member);
}

function writeSystemDisk(tree: TreeWriter<NodeState>, { index }: NodeHardware): void {
  const target = 'sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0';
  tree.files(target, {
    model: 'SAMSUNG MZ7LH480'.padEnd(16),
    rev: '904Q',
    state: 'running',
    type: 0,
    vendor: 'ATA     ',
  });
  tree.files('sys/devices/pci0000:00/0000:00:1f.2', { vendor: '0x8086', class: '0x010601', numa_node: 0 });
  const disk = `${target}/block/sda`;
  const sectors = SYSTEM_DISK_BYTES / SECTOR;
  const read = ({ counters }: NodeState): readonly DiskCounters[] => [counters.systemDisk];
  writeDisk(tree, disk, { name: 'sda', sectors, number: '8:0', read });
  tree.files(disk, { wwid: `naa.5002538e0${String(10_000_000 + index)}`.slice(0, 20) });
  tree.link(`${disk}/device`, target);
  tree.files(`${disk}/sda1`, { partition: 1, start: 2048, size: ROOT_START - 2048, dev: '8:1' });
  tree.files(`${disk}/sda2`, { partition: 2, start: ROOT_START, size: sectors - ROOT_START, dev: '8:2' });
  tree.live(`${disk}/sda2/stat`, (text) => {
    layOutStat(text, read);
  });
  for (const partition of ['sda1', 'sda2']) tree.link(`sys/class/block/${partition}`, `${disk}/${partition}`);
}

interface DiskSource {
  readonly name: string;
  readonly sectors: number;
  readonly number: string;
  /** The disks whose counts these are, added up. */
  readonly read: (state: NodeState) => readonly DiskCounters[];
}

function writeDisk(tree: TreeWriter<NodeState>, directory: string, { name, sectors, number, read }: DiskSource): void {
  tree.files(directory, { size: sectors, dev: number, removable: 0, ro: 0, ext_range: 256, range: 0 });
  tree.file(`${directory}/uevent`, `MAJOR=${number.replace(':', '\nMINOR=')}\nDEVNAME=${name}\nDEVTYPE=disk\n`);
  tree.files(`${directory}/queue`, {
    hw_sector_size: SECTOR,
    iostats: 1,
    logical_block_size: SECTOR,
    nr_requests: 1023,
    physical_block_size: 4096,
    rotational: 0,
    scheduler: '[none] mq-deadline',
  });
  tree.directory(`${directory}/holders`);
  tree.directory(`${directory}/slaves`);
  tree.live(`${directory}/stat`, (text) => {
    layOutStat(text, read);
  });
  tree.link(`sys/block/${name}`, directory);
  tree.link(`sys/class/block/${name}`, directory);
  tree.link(`sys/dev/block/${number}`, directory);
}

/** 17 fields, each padded on the left as the kernel pads them. */
function layOutStat(text: SlotText<NodeState>, read: DiskSource['read']): void {
  const sum = (pick: (disk: DiskCounters) => number) => (state: NodeState) =>
    read(state).reduce((total, disk) => total + pick(disk), 0);
  const nothing = (): SlotValue => 0;
  const fields: readonly ((state: NodeState) => SlotValue)[] = [
    sum((disk) => disk.reads.whole),
    nothing,
    sum((disk) => disk.readSectors.whole),
    sum((disk) => disk.readMs.whole),
    sum((disk) => disk.writes.whole),
    nothing,
    sum((disk) => disk.writeSectors.whole),
    sum((disk) => disk.writeMs.whole),
    sum((disk) => disk.inFlight),
    (state) => Math.max(...read(state).map((disk) => disk.busyMs.whole)),
    sum((disk) => disk.queueMs.whole),
    ...Array.from({ length: 6 }, () => nothing),
  ];
  for (const one of fields) text.slot({ width: 15, align: 'right', read: one }).text(' ');
  text.text('\n');
}

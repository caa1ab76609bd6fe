// Disks: sys/block/DEV/stat by field number (kernel: Documentation/block/stat.rst). `device` is a whole leaf disk,
// a multipath disk counted once under its head.
import { rowsOf, type MetricRow } from './row.ts';

const { counter, gauge, info } = rowsOf('block');
const device = ['device'] as const;

const count = (title: string, help: string, source: string) =>
  counter('count', { labels: device, help, title, source });
const data = (title: string, help: string, source: string) => counter('bytes', { labels: device, help, title, source });
const time = (title: string, help: string, source: string) =>
  counter('seconds', { labels: device, help, title, source, scale: 1000 });

export const diskRows = {
  disk_info: info({
    labels: ['device', 'model', 'serial', 'wwid', 'kind', 'controller', 'numa_node', 'pci_bus_id', 'rotational'],
    help: 'What the disk is',
    title: 'Disk',
    source: 'sys/block, class/nvme',
  }),
  disk_member_info: info({
    labels: ['device', 'member'],
    help: 'Leaf disks below a md or dm device',
    title: 'Member',
    source: 'sys/block/DEV/slaves',
  }),
  disk_size_bytes: gauge('bytes', {
    labels: device,
    help: 'Capacity',
    title: 'Size',
    source: 'size x512',
    lane: 'inventory',
  }),
  disk_reads_completed_total: count('Reads', 'Reads completed', 'stat [1]'),
  disk_reads_merged_total: count('Reads merged', 'Reads merged before the device', 'stat [2]'),
  disk_read_bytes_total: data('Read', 'Data read', 'stat [3] x512'),
  disk_read_time_seconds_total: time(
    'Read time',
    'Time of all reads added up; by reads it is the mean latency',
    'stat [4]',
  ),
  disk_writes_completed_total: count('Writes', 'Writes completed', 'stat [5]'),
  disk_writes_merged_total: count('Writes merged', 'Writes merged before the device', 'stat [6]'),
  disk_written_bytes_total: data('Written', 'Data written', 'stat [7] x512'),
  disk_write_time_seconds_total: time(
    'Write time',
    'Time of all writes added up; by writes it is the mean latency',
    'stat [8]',
  ),
  disk_io_now: gauge('count', { labels: device, help: 'I/Os in flight', title: 'In flight', source: 'stat [9]' }),
  disk_io_time_seconds_total: time('Busy', 'Time with anything in flight, not a load', 'stat [10]'),
  disk_io_time_weighted_seconds_total: time(
    'Queue',
    'Time weighted by I/Os in flight; by time it is the mean queue',
    'stat [11]',
  ),
  disk_discards_completed_total: count('Discards', 'Discards completed', 'stat [12]'),
  disk_discarded_bytes_total: data('Discarded', 'Data discarded', 'stat [14] x512'),
  disk_discard_time_seconds_total: time('Discard time', 'Time of all discards added up', 'stat [15]'),
  disk_flush_requests_total: count('Flushes', 'Flush requests completed', 'stat [16]'),
  disk_flush_requests_time_seconds_total: time('Flush time', 'Time of all flushes added up', 'stat [17]'),
} as const satisfies Record<string, MetricRow>;

const nvme = rowsOf('nvme');
const controller = ['controller'] as const;
const link = (title: string, help: string, source: string) =>
  nvme.gauge('none', { labels: controller, help, title, source, lane: 'slow' });

export const nvmeRows = {
  nvme_info: nvme.info({
    labels: [
      'controller',
      'model',
      'serial',
      'firmware_version',
      'transport',
      'address',
      'subsystem_nqn',
      'cntlid',
      'numa_node',
      'pci_bus_id',
    ],
    help: 'What the NVMe controller is',
    title: 'NVMe controller',
    source: 'class/nvme/nvmeN',
  }),
  nvme_controller_up: nvme.gauge('boolean', {
    labels: controller,
    help: 'The controller is live',
    title: 'Live',
    source: 'state',
    lane: 'medium',
  }),
  nvme_paths: nvme.gauge('count', {
    labels: device,
    help: 'Paths of a multipath disk',
    title: 'Paths',
    source: 'class/nvme-subsystem',
    lane: 'medium',
  }),
  nvme_paths_up: nvme.gauge('count', {
    labels: device,
    help: 'Paths that can be used',
    title: 'Paths up',
    source: 'class/nvme-subsystem',
    lane: 'medium',
  }),
  nvme_pcie_link_generation: link(
    'PCIe generation',
    'PCIe generation of the link of the controller now',
    'device/current_link_speed',
  ),
  nvme_pcie_link_generation_max: link(
    'PCIe generation, best',
    'PCIe generation the controller itself can do, also in a slot that can do less',
    'device/max_link_speed',
  ),
  nvme_pcie_link_width: link('PCIe width', 'PCIe lanes of the link of the controller now', 'device/current_link_width'),
  nvme_pcie_link_width_max: link(
    'PCIe width, best',
    'PCIe lanes the controller and its slot can do',
    'device/max_link_width',
  ),
  nvme_temperature_celsius: nvme.gauge('celsius', {
    labels: ['controller', 'sensor'],
    help: 'Temperature of the drive',
    title: 'Temperature',
    source: 'hwmon temp1_input',
    scale: 1000,
    lane: 'slow',
  }),
} as const satisfies Record<string, MetricRow>;

const mounts = rowsOf('mounts');
const filesystem = ['device', 'fstype', 'mountpoint'] as const;

export const filesystemRows = {
  filesystem_size_bytes: mounts.gauge('bytes', {
    labels: filesystem,
    help: 'Size of the file system',
    title: 'Size',
    source: 'statfs',
    lane: 'slow',
  }),
  filesystem_avail_bytes: mounts.gauge('bytes', {
    labels: filesystem,
    help: 'Space an unprivileged user may still fill',
    title: 'Available',
    source: 'statfs',
    lane: 'slow',
  }),
  filesystem_files: mounts.gauge('count', {
    labels: filesystem,
    help: 'Inodes',
    title: 'Inodes',
    source: 'statfs',
    lane: 'slow',
  }),
  filesystem_files_free: mounts.gauge('count', {
    labels: filesystem,
    help: 'Inodes free',
    title: 'Inodes free',
    source: 'statfs',
    lane: 'slow',
  }),
  filesystem_readonly: mounts.gauge('boolean', {
    labels: filesystem,
    help: 'Mounted read-only',
    title: 'Read-only',
    source: 'proc/self/mountinfo',
    lane: 'slow',
  }),
  filesystem_up: mounts.gauge('boolean', {
    labels: filesystem,
    help: 'The file system answered in time',
    title: 'Answers',
    source: 'statfs',
    lane: 'slow',
  }),
  filesystem_disk_info: mounts.info({
    labels: ['mountpoint', 'device'],
    help: 'Leaf disks below a mount',
    title: 'Disks of a mount',
    source: 'proc/self/mountinfo, slaves',
  }),
} as const satisfies Record<string, MetricRow>;

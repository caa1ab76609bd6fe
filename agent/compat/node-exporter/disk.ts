// node_disk_* and node_nvme_info: proc/diskstats, udev's database and sys/class/nvme as node_exporter 1.5 shows them.
// Documentation/admin-guide/iostats.rst.
import { isAbsent } from '#agent/contract';
import type { Tree } from '../../sources/tree.ts';
import type { Family, Sample } from './family.ts';

/** node_exporter's own default filter: no partitions of disks it knows by name, no ram disks and loops. */
const excluded = /^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$/;
const UDEV_DATA = 'run/udev/data';

interface Disk {
  readonly name: string;
  readonly major: string;
  readonly minor: string;
  /** Fields 4 and on of the line, as the kernel numbers them from 1. */
  readonly fields: readonly number[];
}

interface StatColumn {
  readonly name: string;
  readonly help: string;
  readonly field: number;
  readonly factor?: number;
  readonly kind?: Family['kind'];
}

/** Since Linux 2.6 a row has eleven; a shorter one is no disk to node_exporter. */
const LEAST_FIELDS = 11;
const LARGEST = 2n ** 64n - 1n;
const SECTOR_BYTES = 512;
// Multiplied, not divided, as there: the last digit depends on it.
const SECONDS_PER_TICK = 0.001;

const columns: readonly StatColumn[] = [
  { name: 'reads_completed_total', help: 'Reads completed', field: 1 },
  { name: 'reads_merged_total', help: 'Reads merged before the device', field: 2 },
  { name: 'read_bytes_total', help: 'Data read', field: 3, factor: SECTOR_BYTES },
  { name: 'read_time_seconds_total', help: 'Time of all reads', field: 4, factor: SECONDS_PER_TICK },
  { name: 'writes_completed_total', help: 'Writes completed', field: 5 },
  { name: 'writes_merged_total', help: 'Writes merged before the device', field: 6 },
  { name: 'written_bytes_total', help: 'Data written', field: 7, factor: SECTOR_BYTES },
  { name: 'write_time_seconds_total', help: 'Time of all writes', field: 8, factor: SECONDS_PER_TICK },
  { name: 'io_now', help: 'I/Os in flight', field: 9, kind: 'gauge' },
  { name: 'io_time_seconds_total', help: 'Time with anything in flight', field: 10, factor: SECONDS_PER_TICK },
  { name: 'io_time_weighted_seconds_total', help: 'Time of all I/Os', field: 11, factor: SECONDS_PER_TICK },
  { name: 'discards_completed_total', help: 'Discards completed', field: 12 },
  { name: 'discards_merged_total', help: 'Discards merged before the device', field: 13 },
  { name: 'discarded_sectors_total', help: 'Sectors discarded', field: 14 },
  { name: 'discard_time_seconds_total', help: 'Time of all discards', field: 15, factor: SECONDS_PER_TICK },
  { name: 'flush_requests_total', help: 'Flushes completed', field: 16 },
  { name: 'flush_requests_time_seconds_total', help: 'Time of all flushes', field: 17, factor: SECONDS_PER_TICK },
];

const ataAttributes = [
  ['ata_rotation_rate_rpm', 'ID_ATA_ROTATION_RATE_RPM', 'Rotation rate of an ATA disk, 0 for solid state'],
  ['ata_write_cache', 'ID_ATA_WRITE_CACHE', 'The ATA disk has a write cache'],
  ['ata_write_cache_enabled', 'ID_ATA_WRITE_CACHE_ENABLED', 'The write cache of the ATA disk is on'],
] as const;

type Properties = ReadonlyMap<string, string>;

export function diskFamilies(tree: Tree): readonly Family[] {
  const disks = readDisks(tree);
  const described = disks.map((disk) => ({ disk, properties: readProperties(tree, disk) }));
  return [...columns.map((column) => columnFamily(disks, column)), ...infoFamilies(described)];
}

export function nvmeFamilies(tree: Tree): readonly Family[] {
  const files = ['firmware_rev', 'model', 'serial', 'state'];
  const samples = tree.names('sys/class/nvme').map((device) => {
    const texts = files.map((file) => tree.word(`sys/class/nvme/${device}/${file}`) ?? '');
    return { values: [device, ...texts], value: 1 };
  });
  const labels = ['device', 'firmware_revision', 'model', 'serial', 'state'];
  return [{ name: 'node_nvme_info', kind: 'gauge', help: 'What the NVMe controller is', labels, samples }];
}

function readDisks(tree: Tree): readonly Disk[] {
  const text = tree.text('proc/diskstats');
  if (isAbsent(text)) return [];
  const disks = text.split('\n').flatMap((line) => {
    const [major = '', minor = '', name = '', ...fields] = line.trim().split(/\s+/);
    if (fields.length < LEAST_FIELDS || !fields.every(isCount) || excluded.test(name)) return [];
    return [{ name, major, minor, fields: fields.map(Number) }];
  });
  // A page with the same series twice is refused as a whole.
  return disks.filter(({ name }, index) => disks.findIndex((disk) => disk.name === name) === index);
}

function isCount(text: string): boolean {
  return /^\d{1,20}$/.test(text) && BigInt(text) <= LARGEST;
}

/** The device's entry in udev's database: `E:KEY=value` lines. */
function readProperties(tree: Tree, { major, minor }: Disk): Properties {
  const text = tree.word(`${UDEV_DATA}/b${major}:${minor}`) ?? '';
  const lines = text.split('\n').filter((line) => line.startsWith('E:'));
  return new Map(lines.map((line) => line.slice(2).split(/=(.*)/s, 2)).map(([key = '', value = '']) => [key, value]));
}

function columnFamily(disks: readonly Disk[], { name, help, field, factor = 1, kind }: StatColumn): Family {
  return {
    name: `node_disk_${name}`,
    kind: kind ?? 'counter',
    help,
    labels: ['device'],
    samples: disks.flatMap((disk) => {
      const value = disk.fields[field - 1];
      return value === undefined ? [] : [{ values: [disk.name], value: value * factor }];
    }),
  };
}

interface DescribedDisk {
  readonly disk: Disk;
  readonly properties: Properties;
}

function infoFamilies(disks: readonly DescribedDisk[]): readonly Family[] {
  const info = (name: string, help: string, labels: readonly string[], samples: readonly Sample[]): Family => ({
    name: `node_disk_${name}`,
    kind: 'gauge',
    help,
    labels,
    samples,
  });
  return [
    info(
      'info',
      'What the disk is',
      ['device', 'major', 'minor', 'path', 'wwn', 'model', 'serial', 'revision'],
      disks.map(infoOf),
    ),
    info(
      'filesystem_info',
      'What is on the disk',
      ['device', 'type', 'usage', 'uuid', 'version'],
      withProperties(disks, 'ID_FS_TYPE', ['ID_FS_USAGE', 'ID_FS_UUID', 'ID_FS_VERSION']),
    ),
    info(
      'device_mapper_info',
      'What the mapped device is',
      ['device', 'name', 'uuid', 'vg_name', 'lv_name', 'lv_layer'],
      withProperties(disks, 'DM_NAME', ['DM_UUID', 'DM_VG_NAME', 'DM_LV_NAME', 'DM_LV_LAYER']),
    ),
    ...ataAttributes.map(([name, key, help]) => info(name, help, ['device'], ataSamples(disks, key))),
  ];
}

function infoOf({ disk: { name, major, minor }, properties }: DescribedDisk): Sample {
  const text = (key: string): string => properties.get(key) ?? '';
  const values = [
    name,
    major,
    minor,
    text('ID_PATH'),
    text('ID_WWN'),
    text('ID_MODEL'),
    text('ID_SERIAL_SHORT'),
    text('ID_REVISION'),
  ];
  return { values, value: 1 };
}

/** One sample per disk that has the first property. */
function withProperties(disks: readonly DescribedDisk[], first: string, rest: readonly string[]): readonly Sample[] {
  return disks
    .filter(({ properties }) => properties.get(first))
    .map(({ disk: { name }, properties }) => ({
      values: [name, ...[first, ...rest].map((key) => properties.get(key) ?? '')],
      value: 1,
    }));
}

function ataSamples(disks: readonly DescribedDisk[], key: string): readonly Sample[] {
  return disks.flatMap(({ disk: { name }, properties }) => {
    const text = properties.get('ID_ATA') ? properties.get(key) : undefined;
    return text === undefined || !/^-?[\d.]+$/.test(text) ? [] : [{ values: [name], value: Number(text) }];
  });
}

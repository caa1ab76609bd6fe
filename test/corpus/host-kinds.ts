// What each file of the host corpus is, and how it is read: for going through all of them.
import { absent } from '#agent/contract';
import { parseAer } from '../../agent/parse/aer.ts';
import { parseCount, parseInteger } from '../../agent/parse/bytes.ts';
import { parseCpuList } from '../../agent/parse/cpulist.ts';
import { DiskstatsParser, parseDiskNames } from '../../agent/parse/diskstats.ts';
import { KeyedCountsParser } from '../../agent/parse/keyed-counts.ts';
import { parseLoadAverage } from '../../agent/parse/loadavg.ts';
import { pcieGenerationOf, pcieWidthOf } from '../../agent/parse/pci.ts';
import { PressureParser } from '../../agent/parse/pressure.ts';
import { ProcStatParser } from '../../agent/parse/stat.ts';

export interface Kind {
  readonly about: string;
  readonly files: RegExp;
  /** A value to compare; throws ParseError only. undefined for single words, and for what `about` says is read elsewhere or not at all. */
  readonly parse?: (text: string) => unknown;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

function countsAt(...keys: readonly string[]): (text: string) => unknown {
  return (text) => {
    const count = new KeyedCountsParser(keys).parse(bytes(text), 'f');
    return keys.map(count);
  };
}

function stat(text: string): unknown {
  const { cpus, times, running, blocked, bootSeconds } = new ProcStatParser().parse(bytes(text), 'f');
  return { cpus: [...cpus], times: [...times], running, blocked, bootSeconds };
}

export const kinds: readonly Kind[] = [
  { about: 'CPU times', files: /^node_exporter\/proc\/stat$/, parse: stat },
  { about: 'CPU times under load', files: /^qemu-6\.1\/proc-stat-under-load\.txt$/, parse: stat },
  {
    about: 'load averages',
    files: /^node_exporter\/proc\/loadavg$/,
    parse: (text) => parseLoadAverage(bytes(text), 'f'),
  },
  { about: 'memory', files: /^node_exporter\/proc\/meminfo$/, parse: countsAt('MemTotal:', 'Cached:', 'SwapFree:') },
  {
    about: 'vm counts',
    files: /^node_exporter\/proc\/vmstat$/,
    parse: countsAt('pgmajfault ', 'oom_kill ', 'allocstall '),
  },
  {
    about: 'pressure, of the host and of a cgroup',
    files: /^(?:node_exporter\/proc\/pressure\/\w+|telegraf-cgroup-v2\/\w+\.pressure)$/,
    parse: (text) => ({ ...new PressureParser().parse(bytes(text), 'f') }),
  },
  {
    about: 'pressure of three resources one after another',
    files: /^qemu-6\.1\/pressure-under-load\.txt$/,
    parse: (text) =>
      text
        .split('== ')
        .slice(1)
        .map((part) => ({ ...new PressureParser().parse(bytes(part), 'f') })),
  },
  {
    about: 'disks',
    files: /^node_exporter\/proc\/diskstats$/,
    parse: (text) => parseDiskNames(text).map((name) => [name, ...new DiskstatsParser(name).parse(bytes(text), 'f')]),
  },
  { about: 'NUMA counts', files: /\/node\d+\/numastat$/, parse: countsAt('numa_miss ', 'numa_foreign ') },
  { about: 'CPUs of a NUMA node', files: /\/node\d+\/cpulist$/, parse: (text) => parseCpuList(text, 'f') },
  { about: 'PCIe errors', files: /\/aer_dev_\w+$/, parse: (text) => [...parseAer(bytes(text), 'f')] },
  { about: 'memory errors', files: /\/mc\d+\/(?:ce|ue)_count$/, parse: (text) => parseCount(bytes(text), 'f') },
  { about: 'temperatures', files: /\/temp\d+_input$/, parse: (text) => parseInteger(bytes(text), 'f') },
  {
    about: 'speed of a PCIe link',
    files: /\/(?:current|max)_link_speed$/,
    parse: (text) => pcieGenerationOf(text) ?? absent('unsupported'),
  },
  {
    about: 'width of a PCIe link',
    files: /\/(?:current|max)_link_width$/,
    parse: (text) => pcieWidthOf(text) ?? absent('unsupported'),
  },
  { about: 'words of PCI devices, read by discovery', files: /\/0000:[\da-f:.]+\/(?:class|vendor|numa_node)$/ },
  { about: 'facts of an NVMe controller: nvme.test.ts', files: /\/nvme\/nvme0\/\w+$/ },
  { about: 'name of a hwmon chip', files: /\/hwmon\d+\/name$/ },
  {
    about: 'limits, alarms and labels of a drive that is not asked',
    files: /\/hwmon\d+\/(?:temp\d+_(?:min|max|crit|alarm|label)|uevent|subsystem|device)$/,
  },
  {
    about: 'memory errors by row and channel: the controller has their sum',
    files: /\/mc0\/(?:csrow\d+\/\w+|(?:ce|ue)_noinfo_count)$/,
  },
  { about: 'a NUMA node’s memory and links to its CPUs', files: /\/node\d+\/(?:meminfo|cpu\d+)$/ },
  { about: 'device numbers of PCI', files: /\/0000:[\da-f:.]+\/device$/ },
  { about: 'thermal zones and cooling devices', files: /\/thermal(?:_zone0|\/\w+|\/\w+\/\w+)$/ },
  {
    about: 'scheduler, software interrupts, md, NFS totals',
    files: /^node_exporter\/proc\/(?:schedstat|softirqs|mdstat|net\/rpc\/nfs)$/,
  },
  { about: 'NFS by mount: storage.test.ts', files: /^node_exporter\/proc\/10\/mountstats$/ },
  { about: 'what a DGX A100 should have on PCI', files: /^gcm-pci\/DGX_A100\.json$/ },
  { about: 'sysfs of a node: path → content', files: /^gcm-pci\/compute_samsung980pro\.json$/ },
  { about: 'soft RoCE in sysfs: path → content', files: /^qemu-6\.1\/rxe-sysfs\.tsv$/ },
];

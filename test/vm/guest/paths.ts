// A multipath disk that loses a path and gets it back: nothing that was counted is lost or counted again.
import { readdirSync, writeFileSync } from 'node:fs';
import { until, type Agent } from './agent.ts';
import { pciDeviceOf } from './kernel.ts';
import { dd } from './moved.ts';
import type { Table } from './table.ts';

const WRITTEN = 'whyidle_disk_written_bytes_total';
const MIB = 1024 * 1024;
const BLOCKS = 16;

/** The hidden disks below the head of a multipath disk. */
export function pathsOf(head: string): readonly string[] {
  const [, subsystem = '', namespace = ''] = /^nvme(\d+)n(\d+)$/.exec(head) ?? [];
  const path = new RegExp(`^nvme${subsystem}c\\d+n${namespace}$`);
  return readdirSync('/sys/block').filter((name) => path.test(name));
}

export async function checkLostPath(agent: Agent, table: Table, disk: string): Promise<void> {
  await agent.ticks(3);
  const before = await agent.value(WRITTEN, { device: disk });
  const controller = pciDeviceOf(pathsOf(disk)[0] ?? '');
  writeFileSync(`${controller}/remove`, '1');
  await until('one path', () => hasPaths(agent, disk, 1));
  await writeAndCompare(agent, table, disk, before);
  writeFileSync('/sys/bus/pci/rescan', '1');
  const back = await until('two paths', () => hasPaths(agent, disk, 2));
  table.note('seconds until the path was back', back.toFixed(1));
  await writeAndCompare(agent, table, disk, await agent.value(WRITTEN, { device: disk }));
}

/** Both who counts and who watches the paths know of this many. */
async function hasPaths(agent: Agent, disk: string, count: number): Promise<boolean> {
  const [info] = await agent.samples('whyidle_disk_info', { device: disk });
  const counted = info?.labels['controller']?.split(',').length;
  return counted === count && (await agent.value('whyidle_nvme_paths_up', { device: disk })) === count;
}

async function writeAndCompare(agent: Agent, table: Table, disk: string, before = Number.NaN): Promise<void> {
  dd('/dev/zero', `/dev/${disk}`, [MIB, BLOCKS], 'oflag=direct');
  await agent.ticks(3);
  const after = (await agent.value(WRITTEN, { device: disk })) ?? Number.NaN;
  table.check(`${disk} written by ${pathsOf(disk).length} paths`, after - before, BLOCKS * MIB);
}

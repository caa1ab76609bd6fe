// A drive that goes while it is read, and comes back: by the kernel's remove file, and by pulling it out of its slot.
import { spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until, type Agent } from './agent.ts';
import { disksBySerial, pciDeviceOf } from './kernel.ts';
import type { Table } from './table.ts';

const AREAS = ['cpu', 'memory', 'pressure', 'network', 'infiniband', 'block', 'nvme'];

export interface Unplugging {
  readonly serial: string;
  remove(): Promise<void>;
  bringBack(): Promise<void>;
}

export function byRemoveFile(serial: string, disk: string): Unplugging {
  const device = pciDeviceOf(disk);
  return {
    serial,
    remove: () => writeOnce(`${device}/remove`),
    bringBack: () => writeOnce('/sys/bus/pci/rescan'),
  };
}

export function bySlot(serial: string, slot: number): Unplugging {
  return { serial, remove: () => ask(`unplug ${slot}`), bringBack: () => ask(`plug ${slot}`) };
}

export async function checkUnplugging(agent: Agent, table: Table, unplugging: Unplugging): Promise<void> {
  const { serial } = unplugging;
  const disk = disksBySerial().get(serial) ?? '';
  const others = (await disks(agent)).filter((name) => name !== disk);
  const reading = spawn('dd', [`if=/dev/${disk}`, 'of=/dev/null', 'bs=4096', 'iflag=direct'], { stdio: 'ignore' });
  await agent.ticks(2);
  await unplugging.remove();
  await until('the disk to go', () => !disksBySerial().has(serial));
  const gone = await until('its series to go', async () => !(await disks(agent)).includes(disk));
  reading.kill();
  table.note('seconds until its series were gone', gone.toFixed(1));
  table.check('the other disks', (await disks(agent)).join(' '), others.join(' '));
  await agent.ticks(3);
  table.check('areas that go on', await areasUp(agent), AREAS.join(' '));
  const told = await agent.samples('whyidle_unavailable', { area: 'block', device: disk });
  table.check(
    'the reason told',
    told.map(({ labels }) => `${labels['name'] ?? ''}${labels['reason'] ?? ''}`).join(),
    'not_present',
  );
  await checkReturn(agent, table, unplugging);
}

async function checkReturn(agent: Agent, table: Table, unplugging: Unplugging): Promise<void> {
  await unplugging.bringBack();
  await until('the disk to come back', () => disksBySerial().has(unplugging.serial));
  const disk = disksBySerial().get(unplugging.serial) ?? '';
  const back = await until('its series to come back', async () => (await disks(agent)).includes(disk));
  table.note(`seconds until its series (${disk}) were back`, back.toFixed(1));
  table.check(
    'still told as missing',
    (await agent.samples('whyidle_unavailable', { device: disk, name: '' })).length,
    0,
  );
  table.check('the agent runs', agent.alive() ? 'yes' : 'no', 'yes');
}

async function disks(agent: Agent): Promise<readonly string[]> {
  const found = await agent.samples('whyidle_disk_read_bytes_total');
  return found.map(({ labels }) => labels['device'] ?? '').toSorted();
}

async function areasUp(agent: Agent): Promise<string> {
  const up = await agent.samples('whyidle_collector_up');
  const names = new Set(up.flatMap(({ labels, value }) => (value === 1 ? [labels['area'] ?? ''] : [])));
  return AREAS.filter((area) => names.has(area)).join(' ');
}

function writeOnce(path: string): Promise<void> {
  return writeFile(path, '1');
}

/** Has the machine outside do it: see ../slots.ts. */
async function ask(what: string): Promise<void> {
  const answer = join('/vmout', 'answer');
  rmSync(answer, { force: true });
  writeFileSync('/vmout/ask.new', what);
  renameSync('/vmout/ask.new', '/vmout/ask');
  await until('the machine outside', () => existsSync(answer));
}

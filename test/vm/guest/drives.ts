// What is told about drives beside their counts: the temperature, and what a mount stands on.
import { readdirSync, statfsSync } from 'node:fs';
import { until, type Agent } from './agent.ts';
import { run, word } from './kernel.ts';
import type { Table } from './table.ts';

/** Of every drive as its own hwmon says; Linux's target does not measure and says 0 kelvin. */
export async function checkTemperatures(agent: Agent, table: Table): Promise<void> {
  const samples = await agent.samples('whyidle_nvme_temperature_celsius', { sensor: 'composite' });
  const shown = new Map(samples.map(({ labels, value }) => [labels['controller'], value]));
  for (const controller of readdirSync('/sys/class/nvme')) {
    const device = `/sys/class/nvme/${controller}`;
    const hwmon = readdirSync(device).find((name) => name.startsWith('hwmon')) ?? '';
    const degrees = Number(word(`${device}/${hwmon}/temp1_input`)) / 1000;
    const measures = word(`${device}/transport`) === 'pcie';
    table.check(`${controller} temperature`, shown.get(controller) ?? 'absent', measures ? degrees : 'absent');
  }
}

export async function checkMount(agent: Agent, table: Table, device: string, disks: readonly string[]): Promise<void> {
  run('mkfs.ext4', ['-q', `/dev/${device}`]);
  run('mount', [`/dev/${device}`, '/mnt']);
  const mount = { mountpoint: '/mnt' };
  const found = await until(
    'the mount',
    async () => (await agent.samples('whyidle_filesystem_disk_info', mount)).length > 0,
  );
  table.note('seconds until it was there', found.toFixed(1));
  const below = await agent.samples('whyidle_filesystem_disk_info', mount);
  const names = below.map(({ labels }) => labels['device'] ?? '').toSorted();
  table.check('disks below /mnt', names.join(' '), disks.toSorted().join(' '));
  table.check('bytes of /mnt', await agent.value('whyidle_filesystem_size_bytes', mount), bytesOf('/mnt'));
  run('umount', ['/mnt']);
}

function bytesOf(directory: string): number {
  const { blocks, bsize } = statfsSync(directory);
  return blocks * bsize;
}

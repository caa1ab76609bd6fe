// Disks on top of disks: NVMe over fabrics with a target on this machine itself, and dm on md on two drives.
// The target's settings are directories of configfs (drivers/nvme/target/configfs.c).
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { until } from './agent.ts';
import { run, word } from './kernel.ts';

const NVMET = '/sys/kernel/config/nvmet';

export interface Fabric {
  readonly transport: 'tcp' | 'rdma';
  readonly address: string;
  readonly port: number;
}

/** Offers a disk to this machine itself and connects to it: gives the name of the disk that appears. */
export async function connectOver(fabric: Fabric, backing: string): Promise<string> {
  const { transport, address, port } = fabric;
  offer(fabric, backing);
  writeFileSync('/dev/nvme-fabrics', `nqn=over-${transport},transport=${transport},traddr=${address},trsvcid=${port}`);
  let found: string | undefined;
  await until(`the disk over ${transport}`, () => (found = diskOver(fabric)) !== undefined);
  return found ?? '';
}

function offer({ transport, address, port }: Fabric, backing: string): void {
  const subsystem = `${NVMET}/subsystems/over-${transport}`;
  mkdirSync(subsystem);
  writeFileSync(`${subsystem}/attr_allow_any_host`, '1');
  mkdirSync(`${subsystem}/namespaces/1`);
  writeFileSync(`${subsystem}/namespaces/1/device_path`, `/dev/${backing}`);
  writeFileSync(`${subsystem}/namespaces/1/enable`, '1');
  const directory = `${NVMET}/ports/${port}`;
  mkdirSync(directory);
  const settings = { trtype: transport, adrfam: 'ipv4', traddr: address, trsvcid: String(port) };
  for (const [name, text] of Object.entries(settings)) writeFileSync(`${directory}/addr_${name}`, text);
  symlinkSync(subsystem, `${directory}/subsystems/over-${transport}`);
}

export function disconnect({ transport }: Fabric): void {
  for (const name of readdirSync('/sys/class/nvme')) {
    const directory = `/sys/class/nvme/${name}`;
    if (word(`${directory}/transport`) === transport) writeFileSync(`${directory}/delete_controller`, '1');
  }
  writeFileSync(`${NVMET}/subsystems/over-${transport}/namespaces/1/enable`, '0');
}

function diskOver({ transport }: Fabric): string | undefined {
  return readdirSync('/sys/block').find(
    (name) => /^nvme\d+n\d+$/.test(name) && word(`/sys/block/${name}/device/subsysnqn`) === `over-${transport}`,
  );
}

/** A linear dm over a striped md over two disks: gives the names of both. */
export function stack(members: readonly string[]): { readonly md: string; readonly dm: string } {
  const paths = members.map((name) => `/dev/${name}`);
  run('mdadm', ['--create', '/dev/md0', '--run', '--level=0', `--raid-devices=${paths.length}`, ...paths]);
  const sectors = word('/sys/block/md0/size') ?? '0';
  run('dmsetup', ['create', 'above', '--noudevsync'], `0 ${sectors} linear /dev/md0 0\n`);
  return { md: 'md0', dm: 'dm-0' };
}

export function unstack(): void {
  run('dmsetup', ['remove', 'above', '--noudevsync']);
  run('mdadm', ['--stop', '/dev/md0']);
}

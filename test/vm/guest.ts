// Runs inside the machine that rig.sh boots: the agent reads a real kernel, and what it counted is compared with what
// dd moved and with the kernel's own files. Exit code 1 on a difference.
import { writeFileSync } from 'node:fs';
import { startAgent, until, type Agent } from './guest/agent.ts';
import { checkMount, checkTemperatures } from './guest/drives.ts';
import { bytesIn, diskOf, disksBySerial, loadModules, run } from './guest/kernel.ts';
import { checkTransfer } from './guest/moved.ts';
import { checkLostPath, pathsOf } from './guest/paths.ts';
import { addSoftRoce, checkSoftRoce, ROCE_ADDRESS } from './guest/soft-roce.ts';
import { connectOver, disconnect, stack, unstack, type Fabric } from './guest/stacks.ts';
import { Table } from './guest/table.ts';
import { bySlot, byRemoveFile, checkUnplugging } from './guest/unplug.ts';

const KIB = 1024;
const MIB = KIB * KIB;
const TCP: Fabric = { transport: 'tcp', address: '127.0.0.1', port: 4420 };
const RDMA: Fabric = { transport: 'rdma', address: ROCE_ADDRESS, port: 4421 };
const SERIALS = ['PLAIN0', 'PLAIN1', 'SHARED'];

/** Names of the disks. */
interface Disks {
  readonly plain0: string;
  readonly plain1: string;
  readonly shared: string;
  readonly overTcp: string;
  readonly overRdma: string;
  readonly md: string;
  readonly dm: string;
}

const table = new Table();
process.exitCode = await main();

async function main(): Promise<number> {
  const disks = await setUp();
  const agent = await startAgent('/vmout/agent/main.js', '/vmout/agent.log');
  table.section(`Linux ${run('uname', ['-r']).trim()}`);
  await checkDrive(agent, disks);
  await checkMultipath(agent, disks);
  await checkFabrics(agent, disks);
  await checkViews(agent, disks);
  table.section('Temperatures');
  await checkTemperatures(agent, table);
  await takeApart(agent, disks);
  table.section('Soft-RoCE');
  await checkSoftRoce(agent, table);
  await checkLosses(agent, disks);
  writeFileSync('/vmout/metrics.txt', await agent.page());
  agent.stop();
  table.section(table.differences === 0 ? 'No differences' : `${table.differences} differences`);
  return table.differences === 0 ? 0 : 1;
}

async function setUp(): Promise<Disks> {
  loadModules('nvme', 'nvme_tcp', 'nvmet_tcp', 'nvme_rdma', 'nvmet_rdma');
  loadModules('md_mod', 'raid0', 'dm_mod', 'dummy', 'crc32_generic', 'rdma_rxe', 'crc32c_generic', 'ext4');
  await until('all drives', () => SERIALS.every((serial) => disksBySerial().has(serial)));
  addSoftRoce();
  const [plain0, plain1, shared] = [diskOf('PLAIN0'), diskOf('PLAIN1'), diskOf('SHARED')];
  writeFileSync(`/sys/block/${shared}/device/iopolicy`, 'round-robin');
  run('mount', ['-t', 'configfs', 'configfs', '/sys/kernel/config']);
  const overTcp = await connectOver(TCP, plain1);
  const overRdma = await connectOver(RDMA, plain0);
  return { plain0, plain1, shared, overTcp, overRdma, ...stack([plain0, shared]) };
}

async function checkDrive(agent: Agent, { plain1 }: Disks): Promise<void> {
  table.section('Emulated NVMe');
  await checkTransfer(agent, table, {
    device: `/dev/${plain1}`,
    write: [MIB, 24],
    read: [4 * KIB, 777],
    shares: { [plain1]: 1 },
  });
}

async function checkMultipath(agent: Agent, { shared }: Disks): Promise<void> {
  table.section('NVMe with two controllers (native multipath, round-robin)');
  const disk = { device: shared };
  table.check('paths', await agent.value('whyidle_nvme_paths', disk), 2);
  table.check('paths up', await agent.value('whyidle_nvme_paths_up', disk), 2);
  const before = pathsOf(shared).map((path) => bytesIn(path).written);
  await checkTransfer(agent, table, {
    device: `/dev/${shared}`,
    write: [MIB, 32],
    read: [64 * KIB, 300],
    shares: { [shared]: 1 },
  });
  const used = pathsOf(shared).filter((path, index) => bytesIn(path).written > (before[index] ?? 0));
  table.check('paths that carried it', used.length, 2);
}

async function checkFabrics(agent: Agent, { overTcp, overRdma, plain0, plain1 }: Disks): Promise<void> {
  for (const [name, disk, backing] of [
    ['NVMe/TCP', overTcp, plain1],
    ['NVMe/RDMA over soft-RoCE', overRdma, plain0],
  ] as const) {
    table.section(`${name}, whose target on this machine is ${backing}`);
    await checkTransfer(agent, table, {
      device: `/dev/${disk}`,
      write: [MIB, 16],
      read: [16 * KIB, 501],
      shares: { [disk]: 1, [backing]: 1 },
    });
    const [info] = await agent.samples('whyidle_disk_info', { device: disk });
    table.check(`${disk} is`, info?.labels['kind'], 'nvme_fabrics');
  }
}

async function checkViews(agent: Agent, { plain0, shared, md, dm }: Disks): Promise<void> {
  table.section(`${dm} on ${md} (striped) on ${plain0} and ${shared}`);
  for (const view of [md, dm]) {
    const members = await agent.samples('whyidle_disk_member_info', { device: view });
    const names = members.map(({ labels }) => labels['member'] ?? '').toSorted();
    table.check(`members of ${view}`, names.join(' '), [plain0, shared].toSorted().join(' '));
  }
  await checkTransfer(agent, table, {
    device: `/dev/${dm}`,
    write: [MIB, 48],
    read: [MIB, 20],
    shares: { [plain0]: 0.5, [shared]: 0.5 },
  });
  table.section(`A mount of ${dm}`);
  await checkMount(agent, table, dm, [plain0, shared]);
}

async function takeApart(agent: Agent, { overTcp, overRdma }: Disks): Promise<void> {
  disconnect(TCP);
  disconnect(RDMA);
  unstack();
  await until('the disks over fabrics to go', async () => {
    const shown = await agent.samples('whyidle_disk_info');
    return !shown.some(({ labels }) => labels['device'] === overTcp || labels['device'] === overRdma);
  });
}

async function checkLosses(agent: Agent, { plain0, shared }: Disks): Promise<void> {
  table.section('A path of the multipath disk removed');
  await checkLostPath(agent, table, shared);
  for (const [title, serial, unplugging] of [
    ['A drive removed by the kernel while it is read', 'PLAIN0', byRemoveFile('PLAIN0', plain0)],
    ['A drive pulled out of its slot while it is read', 'PLAIN1', bySlot('PLAIN1', 1)],
  ] as const) {
    table.section(title);
    await checkUnplugging(agent, table, unplugging);
    const disk = diskOf(serial);
    await checkTransfer(agent, table, {
      device: `/dev/${disk}`,
      write: [MIB, 8],
      read: [MIB, 8],
      shares: { [disk]: 1 },
    });
  }
}

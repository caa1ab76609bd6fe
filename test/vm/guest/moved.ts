// Moves a known number of bytes with dd and compares what the agent counted meanwhile, disk by disk.
import type { Agent } from './agent.ts';
import { run } from './kernel.ts';
import type { Table } from './table.ts';

const READ = 'whyidle_disk_read_bytes_total';
const WRITTEN = 'whyidle_disk_written_bytes_total';

export interface Transfer {
  /** The device that dd opens. */
  readonly device: string;
  readonly write: Blocks;
  readonly read: Blocks;
  /** By disk, how many times dd's bytes it moves; a disk that is not named must not move. */
  readonly shares: Readonly<Record<string, number>>;
}

/** Size of a block in bytes, and how many. */
export type Blocks = readonly [number, number];

/** Direct I/O: what dd moves is what the drive moves, without read-ahead. */
export async function checkTransfer(agent: Agent, table: Table, transfer: Transfer): Promise<void> {
  await agent.ticks(2);
  const before = await counted(agent);
  dd('/dev/zero', transfer.device, transfer.write, 'oflag=direct');
  dd(transfer.device, '/dev/null', transfer.read, 'iflag=direct');
  await agent.ticks(3);
  const after = await counted(agent);
  table.check('disks that are counted', [...after.keys()].join(' '), [...before.keys()].join(' '));
  const moved = (disk: string, way: Way): number =>
    (after.get(disk)?.[way] ?? Number.NaN) - (before.get(disk)?.[way] ?? 0);
  for (const [disk, share] of Object.entries(transfer.shares)) {
    table.check(`${disk} written`, moved(disk, 'written'), share * size(transfer.write));
    table.check(`${disk} read`, moved(disk, 'read'), share * size(transfer.read));
  }
  const others = [...after.keys()].filter((disk) => transfer.shares[disk] === undefined);
  const sum = others.reduce((total, disk) => total + moved(disk, 'read') + moved(disk, 'written'), 0);
  table.check(`other disks (${others.join(' ')})`, sum, 0);
}

type Way = 'read' | 'written';
type Counted = ReadonlyMap<string, Readonly<Record<Way, number>>>;

async function counted(agent: Agent): Promise<Counted> {
  const written = await agent.samples(WRITTEN);
  const read = new Map((await agent.samples(READ)).map(({ labels, value }) => [labels['device'], value]));
  const disks = written.map(
    ({ labels: { device = '' }, value }) => [device, { read: read.get(device) ?? Number.NaN, written: value }] as const,
  );
  return new Map(disks.toSorted(([a], [b]) => a.localeCompare(b)));
}

export function dd(from: string, to: string, [blockSize, count]: Blocks, flag: string): void {
  run('dd', [`if=${from}`, `of=${to}`, `bs=${blockSize}`, `count=${count}`, flag]);
}

function size([blockSize, count]: Blocks): number {
  return blockSize * count;
}

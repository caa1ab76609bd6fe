// Disks that are full or slow, under the real server and a real spool: nothing is lost, what is live stays live.
import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { FleetSummary, NodesAnswer } from '#server/contract';
import { leftOut } from '../left-out.ts';
import { missingPrograms } from '../real/programs.ts';
import { json, until } from '../system/program.ts';
import { pause, Rig } from './rig.ts';

const cannotMount = process.getuid?.() === 0 ? undefined : 'mounting needs root';
if (cannotMount !== undefined) leftOut('faults: full disks', cannotMount);
const noStrace = missingPrograms('strace');
if (noStrace !== undefined) leftOut('faults: a slow disk', noStrace);

const cleanups: (() => void)[] = [];
let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
  for (const clean of cleanups.splice(0).reverse()) clean();
});

/** A disk of so many megabytes. */
function smallDisk(megabytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'whyidle-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
  cleanups.push(() => {
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Takes what is left of it; gives it back when called. */
function fill(folder: string): () => void {
  const file = join(folder, 'filler');
  const descriptor = openSync(file, 'w');
  try {
    for (const size of [1 << 20, 4096, 64]) {
      try {
        for (;;) if (writeSync(descriptor, Buffer.alloc(size)) < size) break;
      } catch {
        // Nothing of this size goes in any more.
      }
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return () => {
    rmSync(file);
  };
}

const store = async (one: Rig): Promise<FleetSummary['store']> =>
  (await json<FleetSummary>(`${one.server.url}/api/v1/fleet`)).store;
async function isUp(one: Rig, name: string): Promise<boolean> {
  const { nodes } = await json<NodesAnswer>(`${one.server.url}/api/v1/nodes`);
  return nodes.some((node) => node.name === name && node.up);
}

describe.skipIf(cannotMount !== undefined)('a full disk', () => {
  test('of the server: it says so, the live view goes on, and when there is room everything comes', async () => {
    const disk = smallDisk(24);
    const data = join(disk, 'data');
    mkdirSync(data);
    rig = await Rig.create(data);
    const one = rig;
    const producer = one.producer('n');
    await one.server.start();
    producer.start({ server: one.server.url });
    await until('it is live', async () => ((await isUp(one, 'n')) ? true : undefined));
    await pause(1500);
    const giveBack = fill(disk);
    const trouble = await until('it says so', async () => {
      const state = await store(one);
      return state.ok ? undefined : state;
    });
    expect(trouble).toMatchObject({ ok: false, reason: 'disk_full' });
    await pause(3000);
    expect(await isUp(one, 'n')).toBe(true);
    expect((await fetch(`${one.server.url}/metrics`)).ok).toBe(true);
    giveBack();
    await until('it writes again', async () => ((await store(one)).ok ? true : undefined));
    await pause(1000);
    producer.signal('SIGUSR2');
    const found = await one.expectNothingLost(producer);
    expect(found.recorded).toEqual([]);
  }, 90_000);

  test("of the agent's spool: what waits in memory comes when the server is back", async () => {
    const disk = smallDisk(1);
    rig = await Rig.create();
    const one = rig;
    const producer = one.producer('n');
    await one.server.start();
    producer.start({ server: one.server.url, state: join(disk, 'state') });
    await until('it is live', async () => ((await isUp(one, 'n')) ? true : undefined));
    const giveBack = fill(disk);
    await one.server.kill();
    await until('the agent says so', () => (producer.said.includes('the spool cannot be written') ? true : undefined));
    await pause(1500);
    giveBack();
    await until('it writes again', () => (producer.said.includes('the spool can be written again') ? true : undefined));
    await one.server.start();
    await until('it is live again', async () => ((await isUp(one, 'n')) ? true : undefined));
    await pause(500);
    producer.signal('SIGUSR2');
    const found = await one.expectNothingLost(producer);
    expect(found.recorded).toEqual([]);
  }, 90_000);
});

test.skipIf(noStrace !== undefined)(
  'a disk that takes seconds to sync: live goes on, acknowledgements wait, nothing is lost',
  async () => {
    rig = await Rig.create();
    const one = rig;
    const producer = one.producer('n');
    const slow = [
      'strace',
      '-f',
      '-qq',
      '-e',
      'trace=fdatasync',
      '-e',
      'inject=fdatasync:delay_enter=2500000',
      '-o',
      '/dev/null',
    ];
    await one.server.start({ wrap: slow });
    producer.start({ server: one.server.url });
    await until('it is live', async () => ((await isUp(one, 'n')) ? true : undefined));
    await pause(6000);
    expect(await isUp(one, 'n')).toBe(true);
    producer.signal('SIGUSR2');
    const found = await one.expectNothingLost(producer, 30_000);
    expect(found.recorded).toEqual([]);
  },
  90_000,
);

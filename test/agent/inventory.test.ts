// What the node is made of: from its tree at once, from the probe where it answers, never waiting for it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { InventoryKeeper, readTreeInventory, type FoundInventory, type InventoryProbe } from '../../agent/inventory.ts';
import type { Log } from '../../agent/log.ts';
import { createInventoryProbe } from '../../agent/probe/inventory-probe.ts';
import { Tree } from '../../agent/sources/tree.ts';
import { ManualClock } from '../doubles/manual-clock.ts';

let root: string;
const files: Readonly<Record<string, string>> = {
  'proc/sys/kernel/hostname': 'sh01.example\n',
  'proc/sys/kernel/osrelease': '5.14.0-427.el9.x86_64\n',
  'proc/sys/kernel/random/boot_id': '0a1b\n',
  'etc/os-release': 'NAME="Rocky Linux"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n',
  'sys/class/dmi/id/product_name': 'HGX-2\n',
  'sys/class/dmi/id/sys_vendor': 'NVIDIA\n',
  'proc/cpuinfo': 'processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8168 CPU @ 2.70GHz\n',
  'proc/stat': 'cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\n',
  'proc/meminfo': 'MemTotal:       1583298012 kB\nMemFree: 1 kB\n',
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-inventory-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const fromTree = {
  hostname: 'sh01.example',
  kernel: '5.14.0-427.el9.x86_64',
  os: 'Rocky Linux 9.4 (Blue Onyx)',
  arch: '',
  product: 'HGX-2',
  vendor: 'NVIDIA',
  bootId: '0a1b',
  cpuModel: 'Intel(R) Xeon(R) Platinum 8168 CPU @ 2.70GHz',
  cpus: 2,
  memoryBytes: 1_583_298_012 * 1024,
};

test('from the files of a tree', () => {
  expect(readTreeInventory(new Tree(root))).toEqual(fromTree);
});

test('an empty tree says nothing', () => {
  const empty = mkdtempSync(join(root, 'empty-'));
  const said = Object.values(readTreeInventory(new Tree(empty)));
  expect(new Set(said)).toEqual(new Set(['', null]));
});

describe('with a probe', () => {
  class ScriptedProbe implements InventoryProbe {
    starts = 0;
    cancels = 0;
    answer: (found: FoundInventory) => void = () => undefined;
    fail: (reason: string) => void = () => undefined;

    start(take: (found: FoundInventory) => void, fail: (reason: string) => void): { readonly cancel: () => void } {
      this.starts++;
      this.answer = take;
      this.fail = fail;
      return { cancel: () => this.cancels++ };
    }
  }

  function keep() {
    const clock = new ManualClock();
    const probe = new ScriptedProbe();
    const said: string[] = [];
    const changes: unknown[] = [];
    const log: Log = { info: () => undefined, warn: (_, details) => said.push(String(details?.['reason'])) };
    const keeper = new InventoryKeeper({ tree: new Tree(root), clock, log, probe });
    keeper.start((inventory) => changes.push(inventory));
    return { clock, probe, said, changes, keeper };
  }

  test('the tree serves until it answers, and where it says nothing', () => {
    const { keeper, probe, changes } = keep();
    expect(keeper.inventory).toEqual(fromTree);
    probe.answer({ cpus: 96, product: '', vendor: undefined, arch: 'x64', memoryBytes: null });
    expect(keeper.inventory).toEqual({ ...fromTree, cpus: 96, arch: 'x64' });
    expect(changes).toEqual([keeper.inventory]);
  });

  test('it is asked every 5 minutes; the same answer is no change', async () => {
    const { clock, probe, changes } = keep();
    probe.answer({ cpus: 96 });
    await clock.advance(300_000);
    expect(probe.starts).toBe(2);
    probe.answer({ cpus: 96 });
    expect(changes).toHaveLength(1);
  });

  test('one that hangs is given up after 15 s, said once, and not asked beside itself', async () => {
    const { clock, probe, said, keeper } = keep();
    await clock.advance(15_000);
    expect([probe.cancels, said]).toEqual([1, ['no answer within 15 s']]);
    await clock.advance(600_000);
    expect(probe.starts).toBe(1);
    expect(keeper.inventory).toEqual(fromTree);
    probe.fail('it ended without an answer');
    expect(said).toHaveLength(1);
    await clock.advance(300_000);
    expect(probe.starts).toBe(2);
  });

  test('a failure is said once per reason', async () => {
    const { clock, probe, said } = keep();
    probe.fail('no dmidecode');
    await clock.advance(300_000);
    probe.fail('no dmidecode');
    expect(said).toEqual(['no dmidecode']);
  });

  test('after the stop nothing is asked', async () => {
    const { clock, probe, keeper } = keep();
    keeper.stop();
    await clock.advance(900_000);
    expect([probe.starts, probe.cancels, clock.waiting]).toEqual([1, 1, []]);
  });
});

describe('the real worker', () => {
  const probeOf = (program: URL): Promise<FoundInventory> =>
    new Promise((resolve, reject) => {
      createInventoryProbe(program).start(resolve, (reason) => {
        reject(new Error(reason));
      });
    });

  test('knows this machine', async () => {
    const found = await probeOf(new URL('../../agent/probe/inventory-worker.ts', import.meta.url));
    expect(found.cpus).toBe(cpus().length);
    expect(found.memoryBytes).toBe(totalmem());
    expect(found.kernel).not.toBe('');
  });

  test('its programs do not get our variables, which may hold secrets', async () => {
    const file = join(root, 'worker.cjs');
    const told = 'require("child_process").execSync("echo $WHYIDLE_SECRET,$LC_ALL", { encoding: "utf8" }).trim()';
    writeFileSync(file, `require("worker_threads").parentPort.postMessage({ vendor: ${told} })`);
    vi.stubEnv('WHYIDLE_SECRET', 'mine');
    try {
      expect(await probeOf(new URL(`file://${file}`))).toEqual({ vendor: ',C' });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test.each([
    ['ends without an answer', 'process.exit(0)', /without an answer/],
    ['throws', 'throw new Error("no lscpu")', /no lscpu/],
    ['answers nonsense', 'require("worker_threads").parentPort.postMessage({cpus: "many"})', /malformed/],
  ])('one that %s', async (_what, script, said) => {
    const file = join(root, 'worker.cjs');
    writeFileSync(file, script);
    await expect(probeOf(new URL(`file://${file}`))).rejects.toThrow(said);
  });
});

// The block reader over recorded and made machines.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { block } from '../../../agent/collectors/block.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';
import { readAll, startReading } from '../../doubles/reading.ts';

it.each(machinesOf('block'))('%s', async (machine) => {
  await expectFacts(block, machine);
});

describe('a multipath disk whose paths come and go', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'whyidle-paths-'));
    put('sys/block/nvme1n1/wwid', 'eui.1');
    // The head does not count before Linux 6.15.
    putStat('nvme1n1', [0, 0, 0]);
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  function put(path: string, text: string): void {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }

  function putStat(device: string, [sectorsRead, sectorsWritten, inFlight]: readonly [number, number, number]): void {
    put(`sys/block/${device}/stat`, `5 0 ${sectorsRead} 9 4 0 ${sectorsWritten} 8 ${inFlight} 3 17 0 0 0 0 0 0`);
  }

  function lose(device: string): void {
    rmSync(join(root, 'sys/block', device), { recursive: true });
  }

  it('keeps what a lost path had counted, and counts on when it is back from zero', async () => {
    putStat('nvme1c0n1', [100, 200, 1]);
    putStat('nvme1c1n1', [10, 20, 2]);
    const reading = startReading(block, root);
    const disk = { device: 'nvme1n1' };
    const shown = () =>
      (['disk_read_bytes_total', 'disk_written_bytes_total', 'disk_io_now'] as const).map((id) =>
        reading.value(id, disk),
      );
    await readAll(reading);
    expect(shown()).toEqual([110 * 512, 220 * 512, 3]);

    lose('nvme1c0n1');
    putStat('nvme1c1n1', [15, 25, 0]);
    await readAll(reading);
    expect(shown()).toEqual([115 * 512, 225 * 512, 0]);

    putStat('nvme1c0n1', [2, 4, 1]);
    await readAll(reading);
    expect(shown()).toEqual([117 * 512, 229 * 512, 1]);

    lose('nvme1c1n1');
    putStat('nvme1c0n1', [3, 6, 0]);
    await readAll(reading);
    expect(shown()).toEqual([118 * 512, 231 * 512, 0]);
  });

  it('carries nothing on to another drive of the same name', async () => {
    putStat('nvme1c0n1', [100, 200, 0]);
    const reading = startReading(block, root);
    await readAll(reading);
    lose('nvme1c0n1');
    put('sys/block/nvme1n1/wwid', 'eui.2');
    putStat('nvme1c1n1', [1, 2, 0]);
    await readAll(reading);
    expect(reading.value('disk_written_bytes_total', { device: 'nvme1n1' })).toBe(2 * 512);
  });
});

// The lustre reader over machines made after the form of its files, and where debugfs is root's alone.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lustre } from '../../../agent/collectors/lustre.ts';
import { writeTree } from '../../corpus/write-tree.ts';
import { expectFacts, machinesOf } from '../../doubles/facts.ts';
import { asNobody } from '../../doubles/nobody.ts';
import { startReading } from '../../doubles/reading.ts';

it.each(machinesOf('lustre'))('%s', async (machine) => {
  await expectFacts(lustre, machine);
});

it('a debugfs that may not be entered is forbidden, and the file system is known by its name', () => {
  const root = mkdtempSync(join(tmpdir(), 'whyidle-lustre-'));
  try {
    writeTree(root, {
      'sys/kernel/debug/lustre/llite/scratch-ffff01/stats': 'read_bytes 1 samples [bytes] 5 5 5\n',
      'sys/fs/lustre/llite/scratch-ffff01/blocksize': '4194304\n',
    });
    chmodSync(root, 0o755);
    chmodSync(join(root, 'sys/kernel/debug'), 0);
    const reading = startReading(lustre, root);
    void asNobody(() => reading.reader.discover());
    expect(reading.value('lustre_read_bytes_total', { filesystem: 'scratch' })).toBe('forbidden');
    chmodSync(join(root, 'sys/kernel/debug'), 0o755);
    void asNobody(() => reading.reader.discover());
    expect(reading.value('lustre_read_bytes_total', { filesystem: 'scratch' })).toBe(5);
  } finally {
    chmodSync(join(root, 'sys/kernel/debug'), 0o755);
    rmSync(root, { recursive: true, force: true });
  }
});

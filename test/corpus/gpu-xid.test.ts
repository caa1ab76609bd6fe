// Xids: our catalogue against NVIDIA's, and the recorded lines and bus of ../shared/corpus/gpu, facts from its SOURCES.md.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { knownXids, xidOf, type XidClass } from '#agent/contract';
import { readPciGpus } from '../../agent/collectors/gpu/pci-tree.ts';
import { KernelEventReader } from '../../agent/parse/gpu/kernel-log.ts';
import { Tree } from '../../agent/sources/tree.ts';
import { leftOut } from '../left-out.ts';
import { writeTree } from './write-tree.ts';

const corpus = join(import.meta.dirname, '../../../shared/corpus/gpu');
const present = existsSync(corpus);
if (!present) leftOut('corpus/gpu-xid', 'the corpus is not here', { evenInCi: true });

const Catalogue = v.array(
  v.object({
    xid: v.number(),
    mnemonic: v.string(),
    name: v.string(),
    immediate: v.string(),
    investigatory: v.string(),
  }),
);
const catalogue = present
  ? v.parse(Catalogue, JSON.parse(readFileSync(join(corpus, 'facts/xid-catalog.json'), 'utf8')))
  : [];

/** Classes that agree with what the catalogue says is to be done at once. */
const agreeing: readonly (readonly [RegExp, readonly XidClass[]])[] = [
  [/^RESTART_APP$/, ['application', 'degraded']],
  [/^(RESET_GPU|RESTART_BM|CHECK_MECHANICALS)$/, ['hardware', 'degraded']],
  [/^WORKFLOW_NVLINK/, ['hardware']],
  [/^(CONTACT_SUPPORT|RESTART_VM|UPDATE_SWFW|CHECK_UVM)$/, ['hardware', 'degraded', 'driver']],
  [/^IGNORE$/, ['application', 'degraded', 'driver', 'info']],
  [/^(WORKFLOW_XID_45|WORKFLOW_XID_48|XID_154|)$/, ['hardware', 'degraded', 'application', 'driver', 'info']],
];
/** A reset, but for a kernel that a user wrote: it is not to page anybody (policy). */
const exceptions = new Set([109]);

describe.skipIf(!present)('the catalogue', () => {
  it('has every code once, and no other', () => {
    expect(catalogue).toHaveLength(172);
    expect(knownXids).toEqual(catalogue.map(({ xid }) => xid));
  });

  it.each(catalogue.filter(({ xid }) => !exceptions.has(xid)))('$xid $mnemonic: $immediate', ({ xid, immediate }) => {
    const allowed = agreeing.find(([pattern]) => pattern.test(immediate))?.[1];
    expect(allowed).toContain(xidOf(xid).class);
  });

  it('is in our own words', () => {
    const plain = (text: string): string =>
      text
        .toLowerCase()
        .replaceAll(/[^a-z\d]+/g, ' ')
        .trim();
    const theirs = new Set(catalogue.flatMap(({ name, mnemonic }) => [plain(name), plain(mnemonic)]));
    expect(catalogue.map(({ xid }) => plain(xidOf(xid).title)).filter((title) => theirs.has(title))).toEqual([]);
  });
});

describe.skipIf(!present)('recorded lines', () => {
  const reader = new KernelEventReader();
  const events = (present ? readFileSync(join(corpus, 'kernel-log/xid-lines.txt'), 'utf8') : '')
    .split('\n')
    .flatMap((text) => reader.read({ text, timeMs: 0 }) ?? []);
  const xids = events.flatMap((one) => (one.kind === 'xid' ? [one.event] : []));

  it('hold these Xids, the last one without its code', () => {
    expect(xids.map(({ xid, pciBusId, pid }) => [xid, pciBusId, pid])).toEqual([
      [14, '00000000:03:00.0', undefined],
      [79, '00000000:05:00.0', undefined],
      [31, '00000000:01:00.0', 1234],
      [63, '00000000:04:00.0', undefined],
      [94, '00000000:05:00.0', undefined],
      [119, '00000000:9b:00.0', 1240590],
      [119, '00000000:9b:00.0', 1263500],
      [145, '00000008:01:00.0', 11436],
      [149, '00000008:01:00.0', undefined],
      [79, '00000000:18:00.0', undefined],
    ]);
    expect(xids.map(({ implied }) => implied === true).indexOf(true)).toBe(9);
  });

  it('hold two SXids: a line of details is none', () => {
    expect(events.flatMap((one) => (one.kind === 'sxid' ? [one.event] : []))).toEqual([
      { nvswitch: '0', sxid: 20034, fatal: true, timeMs: 0 },
      { nvswitch: '1', sxid: 22013, fatal: false, timeMs: 0 },
    ]);
  });
});

describe.skipIf(!present)('a recorded bus of an HGX A100', () => {
  it('has 8 GPUs and 6 NVSwitches by class', () => {
    const root = mkdtempSync(join(tmpdir(), 'whyidle-lspci-'));
    const lines = readFileSync(join(corpus, 'lspci/a100-hgx.lspci-nn.txt'), 'utf8').split('\n');
    for (const line of lines) {
      const [, address, kind, vendor] = /^(\S+) .*? \[([\da-f]{4})\]: .*\[([\da-f]{4}):[\da-f]{4}\]/.exec(line) ?? [];
      const device = `sys/bus/pci/devices/${address ?? ''}`;
      writeTree(root, { [`${device}/vendor`]: `0x${vendor ?? ''}\n`, [`${device}/class`]: `0x${kind ?? ''}00\n` });
    }
    const { gpus, switches } = readPciGpus(new Tree(root));
    rmSync(root, { recursive: true });
    expect(gpus.map(({ address }) => address)).toEqual(
      ['0001', '0002', '0003', '0004', '000b', '000c', '000d', '000e'].map((domain) => `0000${domain}:00:00.0`),
    );
    expect(switches).toHaveLength(6);
  });
});

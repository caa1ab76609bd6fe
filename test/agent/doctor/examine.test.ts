// A whole examination below a root: a tree of our own and a stand-in for nvidia-smi, up to the exit code.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../../agent/main.ts';
import { driverVersion } from '../../../agent/doctor/collect/gpu-facts.ts';
import { familyOf, readPressure, readProcesses, readSystem } from '../../../agent/doctor/collect/system-facts.ts';
import { resolveDoctorConfig } from '../../../agent/config.ts';
import { runDoctor } from '../../../agent/doctor.ts';
import type { DoctorDocument } from '../../../agent/doctor/report.ts';
import { Tree } from '../../../agent/sources/tree.ts';
import { writeNvidiaSmi } from '../../doubles/nvidia-smi/program.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-doctor-'));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function treeOf(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(root, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function addPci(folder: string, address: string, vendor: string, kind: string): void {
  const device = `sys/devices/pci0000:00/${address}`;
  mkdirSync(join(folder, device), { recursive: true });
  mkdirSync(join(folder, 'sys/bus/pci/devices'), { recursive: true });
  writeFileSync(join(folder, device, 'vendor'), `${vendor}\n`);
  writeFileSync(join(folder, device, 'class'), `${kind}\n`);
  symlinkSync(`../../../devices/pci0000:00/${address}`, join(folder, 'sys/bus/pci/devices', address));
}

const debian = {
  'etc/os-release': 'ID=debian\n',
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\nwhyidle:x:990:990::/:/usr/sbin/nologin\n',
  'proc/sys/kernel/hostname': 'node07\n',
  'proc/sys/kernel/osrelease': '6.1.0-18-amd64\n',
  'proc/driver/nvidia/version':
    'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n',
  'proc/1/stat': '1 (systemd) S 0\n',
  'dev/nvidiactl': '',
};

async function examine(args: readonly string[]): Promise<{ code: number; document: DoctorDocument }> {
  let text = '';
  const write = (piece: string): void => {
    text += piece;
  };
  const config = resolveDoctorConfig([...args, '--json'], {});
  const code = await runDoctor(config, { write, env: {}, isTerminal: false });
  return { code, document: JSON.parse(text) as DoctorDocument }; // what has just been printed
}
const marks = (document: DoctorDocument, area: string) =>
  document.findings.filter((one) => one.area === area).map(({ mark, what }) => `${mark}: ${what}`);

describe('below a root', () => {
  test('a node that nobody asks for its GPUs says what is in the way', async () => {
    const folder = treeOf('silent', debian);
    addPci(folder, '0000:00:01.0', '0x10de', '0x030200');
    addPci(folder, '0000:00:02.0', '0x15b3', '0x020700');
    const { code, document } = await examine(['--root', folder]);
    expect(code).toBe(1);
    expect(document.node).toBe('node07');
    expect(marks(document, 'gpu')).toEqual(['missing: 1 GPU on the PCI bus, none can be read']);
    expect(marks(document, 'infiniband')[0]).toMatch(/^missing: 1 adapter /);
    expect(document.findings.find(({ area }) => area === 'kernel_log')?.mark).toBe('missing');
  }, 20_000);

  test('GPUs through nvidia-smi are read, and NVML is what would be better', async () => {
    const folder = treeOf('read', { ...debian, 'dev/kmsg': '' });
    addPci(folder, '0000:00:01.0', '0x10de', '0x030200');
    const { code, document } = await examine(['--root', folder, '--nvidia-smi', writeNvidiaSmi(root, 'ok', 2)]);
    expect(code).toBe(1);
    expect(marks(document, 'gpu').slice(0, 2)).toEqual([
      expect.stringMatching(/^ok: 2 of 2 GPUs answer \(Tesla V100.*, driver 535\.183\.01\)$/),
      'warning: read through nvidia-smi, not NVML',
    ]);
    expect(marks(document, 'kernel_log')).toEqual(['ok: read from /dev/kmsg']);
    const can = (leaf: string) => document.verdicts.find((one) => one.class === leaf)?.can;
    expect([can('held.idle'), can('slowed.power'), can('comm.nvlink')]).toEqual([
      'yes',
      expect.not.stringMatching('no'),
      'no',
    ]);
  }, 20_000);
});

test('wrong usage ends with 64, a root that is not there with 2', async () => {
  await expect(main('doctor', ['--jason'])).resolves.toBe(64);
  await expect(main('doctor', ['--root', join(root, 'nowhere')])).resolves.toBe(2);
});

test.each([
  ['ID=debian', 'debian'],
  ['ID=ubuntu\nID_LIKE=debian', 'ubuntu'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'rhel'],
  ['ID=fedora', 'rhel'],
  ['ID=arch', 'other'],
  ['', 'other'],
])('%j is %s', (text, family) => {
  expect(familyOf(text)).toBe(family);
});

test.each([
  ['NVRM version: NVIDIA UNIX x86_64 Kernel Module  418.226.00  Wed', '418.226.00'],
  ['NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release', '565.57.01'],
  ['GCC version: gcc 12.2.0', undefined],
])('%j has the version %s', (text, version) => {
  expect(driverVersion(text)).toBe(version);
});

describe('the tree tells', () => {
  test('what the kernel was built with', () => {
    const release = { 'proc/sys/kernel/osrelease': '5.14\n' };
    const config = (text: string) => readPressure(new Tree(treeOf('psi', { ...release, 'boot/config-5.14': text })));
    expect(config('CONFIG_PSI=y\nCONFIG_PSI_DEFAULT_DISABLED=y\n')).toEqual({
      isThere: false,
      config: 'off_by_default',
    });
    expect(config('CONFIG_PSI=y\n# CONFIG_PSI_DEFAULT_DISABLED is not set\n').config).toBe('built');
    expect(config('# CONFIG_PSI is not set\n').config).toBe('not_built');
    expect(readPressure(new Tree(treeOf('no-config', release))).config).toBeUndefined();
  });

  test('whether processes are hidden, unless they can be read all the same', () => {
    const mounts = 'proc /proc proc rw,nosuid,hidepid=invisible,gid=27 0 0\n';
    expect(readProcesses(new Tree(treeOf('hidden', { 'proc/mounts': mounts })))).toEqual({
      seesOthers: false,
      hidepid: 'invisible',
    });
    const seen = treeOf('member', { 'proc/mounts': mounts, 'proc/1/stat': '1 (init) S 0\n' });
    expect(readProcesses(new Tree(seen)).seesOthers).toBe(true);
    expect(readProcesses(new Tree(treeOf('open', { 'proc/mounts': 'proc /proc proc rw 0 0\n' }))).seesOthers).toBe(
      true,
    );
  });

  test('who the agent runs as, and the C library', () => {
    expect(readSystem(new Tree(treeOf('account', debian)))).toMatchObject({
      account: 'whyidle',
      family: 'debian',
      isRoot: false,
      usesMusl: false,
    });
    expect(readSystem(new Tree(treeOf('musl', { 'lib/ld-musl-x86_64.so.1': '' }))).usesMusl).toBe(true);
  });
});

// What the tree says of the system: its family, who reads here, the kernel's options. os-release(5), passwd(5), proc(5).
import { closeSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsent } from '#agent/contract';
import type { Tree } from '../../sources/tree.ts';
import type { KernelLogFacts, PressureFacts, ProcessFacts, Readable, SystemFacts, SystemFamily } from '../facts.ts';

const ACCOUNT = 'whyidle';

export function readSystem(tree: Tree): SystemFacts {
  const user = tree.isHost ? userName() : ACCOUNT;
  return {
    isHost: tree.isHost,
    family: familyOf(textOf(tree, 'etc/os-release')),
    user,
    isRoot: tree.isHost && process.getuid?.() === 0,
    account: new RegExp(`^${ACCOUNT}:`, 'm').test(textOf(tree, 'etc/passwd')) ? ACCOUNT : user,
    usesMusl: tree.names('lib').some((name) => name.startsWith('ld-musl-')),
  };
}

export function familyOf(osRelease: string): SystemFamily {
  const words = [...osRelease.matchAll(/^(?:ID|ID_LIKE)=(.*)$/gm)].flatMap(([, value = '']) =>
    value.replaceAll('"', '').split(/\s+/),
  );
  if (words.includes('ubuntu')) return 'ubuntu';
  if (words.includes('debian')) return 'debian';
  return words.includes('rhel') || words.includes('fedora') ? 'rhel' : 'other';
}

export function readKernelLog(tree: Tree): KernelLogFacts {
  const journals = ['run/log/journal', 'var/log/journal'].flatMap((folder) =>
    tree.names(folder).map((machine) => `${folder}/${machine}/system.journal`),
  );
  const states = journals.map((path) => readable(tree, path));
  return {
    kmsg: readable(tree, 'dev/kmsg'),
    journal:
      states.find((state) => state === 'readable') ?? states.find((state) => state === 'forbidden') ?? 'not_present',
  };
}

export function readPressure(tree: Tree): PressureFacts {
  const config = textOf(tree, `boot/config-${tree.word('proc/sys/kernel/osrelease') ?? ''}`);
  return { isThere: tree.exists('proc/pressure'), config: pressureConfig(config) };
}

function pressureConfig(config: string): PressureFacts['config'] {
  if (config === '') return undefined;
  if (!/^CONFIG_PSI=y$/m.test(config)) return 'not_built';
  return /^CONFIG_PSI_DEFAULT_DISABLED=y$/m.test(config) ? 'off_by_default' : 'built';
}

export function readProcesses(tree: Tree): ProcessFacts {
  const options = /^\S+ \/proc proc (\S+)/m.exec(textOf(tree, 'proc/mounts'))?.[1] ?? '';
  const hidepid = /(?:^|,)hidepid=([^,]+)/.exec(options)?.[1] ?? '';
  return {
    // Process 1 is somebody else's, unless all of this is a container or a recorded tree.
    seesOthers: hidepid === '' || hidepid === '0' || hidepid === 'off' || !isAbsent(tree.text('proc/1/stat')),
    hidepid,
  };
}

function readable(tree: Tree, path: string): Readable {
  const opened = tree.open(path);
  if (isAbsent(opened)) return opened.reason === 'not_present' ? 'not_present' : 'forbidden';
  closeSync(opened);
  return 'readable';
}

export function textOf(tree: Tree, path: string): string {
  const text = tree.text(path);
  return isAbsent(text) ? '' : text;
}

/** A user without an entry in the password file has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}

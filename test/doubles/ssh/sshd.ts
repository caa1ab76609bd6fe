// OpenSSH's server on a port of its own, with keys of its own, for the user who runs the tests.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { SshTarget } from '../../../agent/ssh/connection.ts';
import { parseHostKey } from '../../../agent/ssh/host-key.ts';
import { freePort } from '../../system/program.ts';
import { eventually } from '../programs.ts';

export const sshdProgram = '/usr/sbin/sshd';

export interface Sshd {
  readonly target: SshTarget;
  /** What it has logged so far. */
  log(): string;
  /** The processes that it started and those below them. */
  descendants(): readonly number[];
  stop(): Promise<void>;
}

export async function startSshd(extra: readonly string[] = []): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), 'whyidle-sshd-'));
  for (const name of ['host', 'user']) makeKey(join(directory, name));
  writeFileSync(join(directory, 'authorized_keys'), readFileSync(join(directory, 'user.pub')), { mode: 0o600 });
  const port = await freePort();
  const config = join(directory, 'sshd_config');
  writeFileSync(config, configOf(directory, port, extra));
  // Debian's sshd insists on this directory, which only the unit of systemd makes.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true });
  const child = spawn(sshdProgram, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await eventually('sshd listens', () => text.includes('Server listening'), 10_000);
  const hostKey = parseHostKey(readFileSync(join(directory, 'host.pub'), 'utf8'));
  if (!hostKey) throw new Error('ssh-keygen made no key');
  const { pid = 0 } = child;
  return {
    target: { host: '127.0.0.1', port, user: userInfo().username, keyFile: join(directory, 'user'), hostKey },
    log: () => text,
    descendants: () => descendantsOf(pid),
    stop: async () => {
      for (const one of descendantsOf(pid)) kill(one);
      child.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function makeKey(file: string): void {
  const { status } = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  if (status !== 0) throw new Error('ssh-keygen failed');
}

function configOf(directory: string, port: number, extra: readonly string[]): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${directory}/host`,
    'PidFile none',
    `AuthorizedKeysFile ${directory}/authorized_keys`,
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'PermitRootLogin prohibit-password',
    'AllowTcpForwarding yes',
    // What this machine's user has set up for shells must neither run nor hold a test up.
    `SetEnv HOME=${directory}`,
    'LogLevel VERBOSE',
    ...extra,
    '',
  ].join('\n');
}

function descendantsOf(parent: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (pid: number): boolean => {
    const up = parents.get(pid);
    return up !== undefined && (up === parent || below(up));
  };
  return [...parents.keys()].filter(below);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

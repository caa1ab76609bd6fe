// Capacity of file systems through `stat -f` in children with a deadline: one child for all local ones, one for each
// network file system, so that a dead server hides nothing but itself. stat(1), statfs(2).
import type { CommandResult, CommandRunner } from '../../command.ts';
import { ParseError } from '../../parse/parse-error.ts';
import { parseStatfsOutput, STATFS_FORMAT } from '../../parse/statfs-output.ts';
import type { CapacityAnswer, Filesystem } from './filesystem.ts';
import { isNetworkFilesystem } from './filesystems.ts';

const TIMEOUT_MS = 3000;

export class CapacityReader {
  readonly #commands: CommandRunner;
  #round: Promise<void> | undefined;
  /** A local file system too can hang: after the common question failed each is asked by itself until all answer. */
  #localApart = false;

  constructor(commands: CommandRunner) {
    this.#commands = commands;
  }

  /** Resolves when all have answered or their time is over. While a round goes on there is no second one. */
  read(filesystems: readonly Filesystem[]): Promise<void> {
    this.#round ??= this.#ask(filesystems).finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #ask(filesystems: readonly Filesystem[]): Promise<void> {
    const local = filesystems.filter(({ fstype }) => !isNetworkFilesystem(fstype));
    const remote = filesystems.filter(({ fstype }) => isNetworkFilesystem(fstype));
    await Promise.all([this.#askLocal(local), ...remote.map((one) => this.#askOne(one))]);
  }

  async #askLocal(filesystems: readonly Filesystem[]): Promise<void> {
    if (filesystems.length === 0) return;
    if (!this.#localApart) {
      const answered = await this.#askTogether('statfs:local', filesystems);
      this.#localApart = !answered && filesystems.length > 1;
      return;
    }
    const answers = await Promise.all(filesystems.map((one) => this.#askOne(one)));
    this.#localApart = answers.includes(false);
  }

  #askOne(filesystem: Filesystem): Promise<boolean> {
    return this.#askTogether(`statfs:${filesystem.mountpoint}`, [filesystem]);
  }

  /** False if the question itself got no answer. */
  async #askTogether(kind: string, filesystems: readonly Filesystem[]): Promise<boolean> {
    const mountpoints = filesystems.map(({ mountpoint }) => mountpoint);
    const args = ['-f', '-c', STATFS_FORMAT, '--', ...mountpoints];
    const result = await this.#commands.run({ kind, file: 'stat', args, timeoutMs: TIMEOUT_MS });
    const answerOf = answersOf(result, mountpoints);
    for (const filesystem of filesystems) filesystem.set(answerOf(filesystem.mountpoint));
    return result.kind !== 'timed_out' && result.kind !== 'stuck';
  }
}

function answersOf(result: CommandResult, mountpoints: readonly string[]): (mountpoint: string) => CapacityAnswer {
  switch (result.kind) {
    case 'done':
      return answersOfOutput(result.stdout, result.stderr, mountpoints);
    case 'timed_out':
    case 'stuck':
      return () => ({ kind: 'silent', reason: 'timed_out' });
    case 'killed':
    case 'too_much_output':
      return () => ({ kind: 'unknown', reason: 'malformed' });
    case 'not_started':
      return () => ({ kind: 'unknown', reason: 'unsupported' });
  }
}

function answersOfOutput(
  stdout: string,
  stderr: string,
  mountpoints: readonly string[],
): (mountpoint: string) => CapacityAnswer {
  try {
    const capacities = parseStatfsOutput(stdout, mountpoints, 'stat -f');
    return (mountpoint) => {
      const capacity = capacities.get(mountpoint);
      return capacity ? { kind: 'answered', capacity } : refusalOf(stderr, mountpoint);
    };
  } catch (error) {
    if (error instanceof ParseError) return () => ({ kind: 'unknown', reason: 'malformed' });
    throw error;
  }
}

/** `stat: cannot read file system information for '/mnt': Stale file handle`, one line each. */
function refusalOf(stderr: string, mountpoint: string): CapacityAnswer {
  const line = stderr.split('\n').find((text) => text.includes(`'${mountpoint}'`)) ?? '';
  if (/(?:Permission denied|Operation not permitted)$/.test(line)) return { kind: 'unknown', reason: 'forbidden' };
  // Unmounted since the list was read.
  if (line.endsWith('No such file or directory')) return { kind: 'unknown', reason: 'not_present' };
  return { kind: 'silent', reason: 'not_present' };
}

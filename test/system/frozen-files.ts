// A file system of its own that can be frozen: who writes into it then waits in the kernel in state D, where not even SIGKILL
// ends it, as in a driver that hangs. Needs root and loop devices. fsfreeze(8)
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIZE = '16M';

/** Why there cannot be one here; undefined where there can. Programs can be installed, rights cannot. */
export function whyNoFrozenFiles(): { readonly reason: string; readonly canBeInstalled: boolean } | undefined {
  if (process.getuid?.() !== 0) return { reason: 'a child in state D needs root', canBeInstalled: false };
  try {
    new FrozenFiles().remove();
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { reason: `no file system can be frozen here: ${message}`, canBeInstalled: message.includes('ENOENT') };
  }
}

export class FrozenFiles {
  readonly #directory = mkdtempSync(join(tmpdir(), 'whyidle-frozen-'));
  readonly #mount = join(this.#directory, 'files');
  #isFrozen = false;

  constructor() {
    try {
      mkdirSync(this.#mount);
      const image = join(this.#directory, 'image');
      run('truncate', ['-s', SIZE, image]);
      run('mkfs.ext4', ['-q', image]);
      run('mount', ['-o', 'loop', image, this.#mount]);
    } catch (error) {
      rmSync(this.#directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** A file in it. */
  get file(): string {
    return join(this.#mount, 'file');
  }

  freeze(): void {
    run('fsfreeze', ['-f', this.#mount]);
    this.#isFrozen = true;
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    run('fsfreeze', ['-u', this.#mount]);
    this.#isFrozen = false;
  }

  /** Not before everybody in it has ended. */
  remove(): void {
    this.thaw();
    run('umount', [this.#mount]);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function run(file: string, args: readonly string[]): void {
  const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  execFileSync(file, args, { stdio: 'pipe', env: { ...process.env, PATH } });
}

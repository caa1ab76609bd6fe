// Names of users: /etc/passwd below the root, and getent on the host itself, where users are in a directory. passwd(5), getent(1).
import { isAbsent } from '#agent/contract';
import type { CommandRunner } from '../command.ts';
import type { Tree } from '../sources/tree.ts';

const PATIENCE_MS = 3000;
const KEPT_MS = 3_600_000;

export interface UserNamesOptions {
  readonly tree: Tree;
  /** undefined where no program may be asked. */
  readonly commands: Pick<CommandRunner, 'run'> | undefined;
  readonly monotonicMs: () => number;
  /** A name that was asked for came. */
  readonly onFound: () => void;
}

interface Known {
  readonly name: string;
  readonly atMs: number;
}

export class UserNames {
  readonly #options: UserNamesOptions;
  readonly #known = new Map<number, Known>();
  #isAsking = false;

  constructor(options: UserNamesOptions) {
    this.#options = options;
  }

  /** Empty where it is not known, or not yet. */
  of(uid: number): string {
    const known = this.#known.get(uid);
    if (known && this.#options.monotonicMs() - known.atMs < KEPT_MS) return known.name;
    const found = this.#inFile(uid);
    if (found !== undefined) this.#keep(uid, found);
    else void this.#ask(uid);
    return found ?? known?.name ?? '';
  }

  #inFile(uid: number): string | undefined {
    const text = this.#options.tree.text('etc/passwd');
    if (isAbsent(text)) return undefined;
    return nameIn(text, uid);
  }

  /** One at a time: the directory may be slow, and the next look asks again. */
  async #ask(uid: number): Promise<void> {
    const { commands, onFound } = this.#options;
    if (!commands || this.#isAsking) return;
    this.#isAsking = true;
    try {
      const request = { kind: 'getent', file: 'getent', args: ['passwd', String(uid)], timeoutMs: PATIENCE_MS };
      const result = await commands.run(request);
      if (result.kind !== 'done') return;
      // A user that the directory does not know is not asked for each time.
      const name = nameIn(result.stdout, uid) ?? '';
      this.#keep(uid, name);
      if (name !== '') onFound();
    } finally {
      this.#isAsking = false;
    }
  }

  #keep(uid: number, name: string): void {
    this.#known.set(uid, { name, atMs: this.#options.monotonicMs() });
  }
}

function nameIn(passwd: string, uid: number): string | undefined {
  const line = passwd.split('\n').find((one) => one.split(':')[2] === String(uid));
  return line?.split(':')[0];
}

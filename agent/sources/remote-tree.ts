// The file tree of a node without an agent, as its last round over SSH showed it: the same questions as sources/tree.ts.
// What is asked for the first time is `timed_out` until the next round has brought it.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { Questions } from './remote/questions.ts';
import { KeptFile, Tree } from './tree.ts';

export class RemoteTree extends Tree {
  override readonly via: 'agent' | 'ssh' = 'ssh';
  readonly questions = new Questions();
  #machine = '';

  constructor() {
    super('ssh');
  }

  /** Nothing of the machine that we run on may be asked instead. */
  override get isHost(): boolean {
    return false;
  }

  override get arch(): string {
    return this.#machine;
  }

  /** As `uname -m` says. */
  setMachine(machine: string): void {
    this.#machine = architectures.get(machine) ?? machine.slice(0, 32);
  }

  override list(path: string): readonly string[] | Absence {
    const names = this.questions.names(normal(path));
    return isAbsent(names) ? names : [...names].toSorted();
  }

  override exists(path: string): boolean {
    const clean = normal(path);
    return this.questions.isThere(clean) ?? !isAbsent(this.questions.ask('x', clean));
  }

  override text(path: string): string | Absence {
    const bytes = this.questions.ask('f', normal(path));
    return isAbsent(bytes) ? bytes : bytes.toString('utf8');
  }

  override resolve(path: string): string | Absence {
    const place = this.questions.ask('p', normal(path));
    return isAbsent(place) ? place : place.toString('utf8') || '/';
  }

  override file(path: string): KeptFile {
    return new RemoteFile(this, path);
  }

  /** There are no descriptors of another machine. */
  override open(): Absence {
    return absent('unsupported');
  }

  override close(): void {
    // Nothing is open.
  }
}

class RemoteFile extends KeptFile {
  readonly #questions: Questions;
  readonly #path: string;

  constructor(tree: RemoteTree, path: string) {
    super(tree, path, () => undefined);
    this.#questions = tree.questions;
    this.#path = normal(path);
  }

  override read(): Buffer | Absence {
    return this.#questions.ask('f', this.#path);
  }
}

/** The names that Node.js gives to what uname(2) says. */
const architectures = new Map([
  ['x86_64', 'x64'],
  ['aarch64', 'arm64'],
  ['ppc64le', 'ppc64'],
]);

/** `sys//class/./net` and `/sys/class/net` are one question. */
function normal(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return `/${parts.join('/')}`;
}

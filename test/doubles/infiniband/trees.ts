// Trees that tell what they were asked, and trees some of whose files fail as the kernel lets them fail.
import { absenceOfErrno, absent, type Absence } from '#agent/contract';
import { KeptFile, Tree } from '../../../agent/sources/tree.ts';

/** Notes every file that is opened and every directory that is listed. */
export class NotingTree extends Tree {
  readonly touched: string[] = [];

  override open(path: string): number | Absence {
    this.touched.push(path);
    return super.open(path);
  }

  override list(path: string): readonly string[] | Absence {
    this.touched.push(path);
    return super.list(path);
  }
}

/** Reading a file whose path ends like this fails with the errno, as long as it stands here. */
export class FailingTree extends Tree {
  readonly faults = new Map<string, string>();

  override file(path: string): KeptFile {
    const errnoOf = (): string | undefined => [...this.faults].find(([end]) => path.endsWith(end))?.[1];
    return new FailingFile(this, path, errnoOf);
  }
}

class FailingFile extends KeptFile {
  readonly #errno: () => string | undefined;

  constructor(tree: Tree, path: string, errno: () => string | undefined) {
    super(tree, path, () => undefined);
    this.#errno = errno;
  }

  override read(): Buffer | Absence {
    const errno = this.#errno();
    return errno === undefined ? super.read() : absent(absenceOfErrno(errno));
  }
}

// Whether the fabric manager runs, on nodes with NVSwitches. Authority: the process list, proc(5); its name is cut to 15 characters.
import type { GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';
import type { Tree } from '../../sources/tree.ts';

interface FabricManagerContext {
  readonly tree: Tree;
  readonly snapshot: Snapshot;
}

const NAME = 'nv-fabricmanage';
/** Runs on every kernel, always as the second process: who does not see it sees only some of the processes. */
const ALWAYS_THERE = { path: 'proc/2/comm', name: 'kthreadd' };

export class FabricManager {
  readonly #context: FabricManagerContext;
  readonly #group: SeriesGroup;
  #up: GaugeSeries<'boolean'> | undefined;
  #path: string | undefined;

  constructor(context: FabricManagerContext) {
    this.#context = context;
    this.#group = context.snapshot.group();
  }

  /** Without NVSwitches there is nothing to be managed, and nothing is said. */
  setSwitches(count: number): void {
    if (count > 0 === (this.#up !== undefined)) return;
    this.#group.clear();
    this.#up = count > 0 ? this.#group.gauge('fabric_manager_up', {}) : undefined;
  }

  /** For the slow lane: while it runs, one file is read; the whole list only to find it. */
  read(): void {
    if (!this.#up) return;
    const { tree } = this.#context;
    if (this.#path === undefined || tree.word(this.#path) !== NAME) this.#path = findManager(tree);
    if (this.#path !== undefined) this.#up.set(1);
    else if (tree.word(ALWAYS_THERE.path) === ALWAYS_THERE.name) this.#up.set(0);
    // In a container, or with hidepid, it may run unseen.
    else this.#up.absent('forbidden');
  }

  stop(): void {
    this.#context.snapshot.remove(this.#group);
    this.#up = undefined;
  }
}

function findManager(tree: Tree): string | undefined {
  return tree
    .names('proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `proc/${pid}/comm`)
    .find((path) => tree.word(path) === NAME);
}

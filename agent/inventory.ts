// What the node is made of. At once from its tree; on the host also from systeminformation, in a worker that may hang.
import { isAbsent, type Inventory } from '#agent/contract';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import { parseOsName } from './parse/os-release.ts';
import type { Tree } from './sources/tree.ts';

const REFRESH_EVERY_MS = 300_000;
const GIVE_UP_AFTER_MS = 15_000;

/** Parts of an inventory; what is not said is not known. */
export type FoundInventory = { readonly [K in keyof Inventory]?: Inventory[K] | undefined };

/** Asks once; one of the two is called, once. */
export interface InventoryProbe {
  start(take: (found: FoundInventory) => void, fail: (reason: string) => void): { readonly cancel: () => void };
}

export interface InventoryOptions {
  readonly tree: Tree;
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined below a root: nothing of the host is asked there. */
  readonly probe: InventoryProbe | undefined;
}

export class InventoryKeeper {
  readonly #options: InventoryOptions;
  #inventory: Inventory;
  #cancelTimers: readonly (() => void)[] = [];
  #running: { readonly cancel: () => void } | undefined;
  #failure: string | undefined;
  #onChange: (inventory: Inventory) => void = () => undefined;

  constructor(options: InventoryOptions) {
    this.#options = options;
    this.#inventory = readTreeInventory(options.tree);
  }

  get inventory(): Inventory {
    return this.#inventory;
  }

  /** Now and every 5 minutes; tells when something is different. */
  start(onChange: (inventory: Inventory) => void): void {
    this.#onChange = onChange;
    this.#refresh();
  }

  stop(): void {
    for (const cancel of this.#cancelTimers) cancel();
    this.#running?.cancel();
  }

  #refresh(): void {
    const { clock, probe, tree } = this.#options;
    const again = clock.after(REFRESH_EVERY_MS, () => {
      this.#refresh();
    });
    this.#cancelTimers = [again];
    const known = readTreeInventory(tree);
    if (!probe) this.#take(known);
    // One that hangs is left alone; a second one would hang beside it.
    else if (!this.#running) this.#ask(probe, known);
  }

  #ask(probe: InventoryProbe, known: Inventory): void {
    let givenUp = false;
    const end = (): void => {
      giveUp();
      this.#running = undefined;
    };
    const giveUp = this.#options.clock.after(GIVE_UP_AFTER_MS, () => {
      givenUp = true;
      this.#fail(`no answer within ${GIVE_UP_AFTER_MS / 1000} s`);
      this.#running?.cancel();
    });
    this.#cancelTimers = [...this.#cancelTimers, giveUp];
    this.#running = probe.start(
      (found) => {
        end();
        this.#failure = undefined;
        this.#take(complete(known, found));
      },
      (reason) => {
        end();
        if (!givenUp) this.#fail(reason);
      },
    );
  }

  #fail(reason: string): void {
    if (this.#failure !== reason) this.#options.log.warn('the inventory stays what the tree says', { reason });
    this.#failure = reason;
  }

  #take(inventory: Inventory): void {
    if (JSON.stringify(inventory) === JSON.stringify(this.#inventory)) return;
    this.#inventory = inventory;
    this.#onChange(inventory);
  }
}

/** What the kernel's own files say; empty where they say nothing. */
export function readTreeInventory(tree: Tree): Inventory {
  const word = (path: string): string => (tree.word(path) ?? '').slice(0, MAX_TEXT);
  return {
    hostname: word('proc/sys/kernel/hostname') || word('etc/hostname'),
    kernel: word('proc/sys/kernel/osrelease'),
    os: parseOsName(textOf(tree, 'etc/os-release')).slice(0, MAX_TEXT),
    arch: tree.arch,
    product: word('sys/class/dmi/id/product_name'),
    vendor: word('sys/class/dmi/id/sys_vendor'),
    bootId: word('proc/sys/kernel/random/boot_id'),
    cpuModel: (/^model name\s*:\s*(.+)$/m.exec(textOf(tree, 'proc/cpuinfo'))?.[1] ?? '').slice(0, MAX_TEXT),
    cpus: textOf(tree, 'proc/stat').match(/^cpu\d+ /gm)?.length ?? null,
    memoryBytes: kibibytes(/^MemTotal:\s*(\d+) kB$/m.exec(textOf(tree, 'proc/meminfo'))?.[1]),
  };
}

const MAX_TEXT = 256;

/** What was found replaces what the tree said, unless it says nothing. */
function complete(known: Inventory, found: FoundInventory): Inventory {
  const said = Object.entries(found).filter(([, value]) => value !== undefined && value !== '' && value !== null);
  return { ...known, ...Object.fromEntries(said) };
}

function textOf(tree: Tree, path: string): string {
  const text = tree.text(path);
  return isAbsent(text) ? '' : text;
}

function kibibytes(digits: string | undefined): number | null {
  return digits === undefined ? null : Number(digits) * 1024;
}

// Which live connection speaks for which node. Two machines of one name are never mixed into one series.

export interface Holder {
  readonly node: string;
  readonly instance: string;
  readonly address: string;
  readonly machine: { readonly hostname: string; readonly bootId: string };
  /** When something was last heard of it. */
  heardMs(): number;
  /** Ends the connection: another one of the same machine has taken its place. */
  replaced(): void;
  /** Somebody else wants the name. */
  contested(text: string): void;
}

/** Two agents of one name, while it lasts. */
export interface Conflict {
  readonly node: string;
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly text: string;
}

/** A holder that is silent for so long may be gone without a word. */
const SILENT_MS = 10_000;
/** The second agent tries again and again; one that has stopped trying is no conflict. */
const CONFLICT_LASTS_MS = 60_000;

export class Leases {
  readonly #holders = new Map<string, Holder>();
  readonly #conflicts = new Map<string, Conflict>();

  get size(): number {
    return this.#holders.size;
  }

  /**
   * Gives the name to the holder, or says why not. The same agent process takes its own name over, a new process of the
   * same machine once the old one is silent.
   */
  claim(node: string, holder: Holder, nowMs: number): string | undefined {
    const current = this.#holders.get(node);
    if (current && current !== holder) {
      if (!succeeds(holder, current, nowMs)) return this.#refuse(node, { current, holder }, nowMs);
      current.replaced();
    }
    this.#holders.set(node, holder);
    return undefined;
  }

  release(node: string, holder: Holder): void {
    if (this.#holders.get(node) === holder) this.#holders.delete(node);
  }

  conflicts(nowMs: number): readonly Conflict[] {
    for (const [node, { lastMs }] of this.#conflicts)
      if (nowMs - lastMs > CONFLICT_LASTS_MS) this.#conflicts.delete(node);
    return [...this.#conflicts.values()];
  }

  #refuse(
    node: string,
    { current, holder }: { readonly current: Holder; readonly holder: Holder },
    nowMs: number,
  ): string {
    const [first, second] = [nameOf(current), nameOf(holder)];
    const known = this.#conflicts.get(node);
    const text = `two agents call themselves ${node}: ${first} and ${second}`;
    this.#conflicts.set(node, { node, sinceMs: known?.sinceMs ?? nowMs, lastMs: nowMs, text });
    if (!known) current.contested(`${text}; this one keeps the name`);
    return `${node} is already connected from ${first}: another agent has this name; start this one (${second}) with --name OTHER`;
  }
}

function succeeds(holder: Holder, current: Holder, nowMs: number): boolean {
  if (holder.instance === current.instance) return true;
  const { hostname, bootId } = holder.machine;
  const sameMachine = hostname === current.machine.hostname && bootId === current.machine.bootId;
  return sameMachine && nowMs - current.heardMs() > SILENT_MS;
}

function nameOf({ address, machine }: Holder): string {
  return machine.hostname === '' ? address : `${address} (host ${machine.hostname})`;
}

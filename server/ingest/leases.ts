// Which live connection speaks for which node. Two machines of one name are never mixed into one series.

export interface Holder {
  readonly instance: string;
  readonly address: string;
  /** Ends the connection: another one of the same process has taken its place. */
  replaced(): void;
}

export class Leases {
  readonly #holders = new Map<string, Holder>();

  get size(): number {
    return this.#holders.size;
  }

  /** Gives the name to the holder, or says who has it. The same agent process takes its own name over. */
  claim(node: string, holder: Holder): Holder | undefined {
    const current = this.#holders.get(node);
    if (current && current !== holder) {
      if (current.instance !== holder.instance) return current;
      current.replaced();
    }
    this.#holders.set(node, holder);
    return undefined;
  }

  release(node: string, holder: Holder): void {
    if (this.#holders.get(node) === holder) this.#holders.delete(node);
  }
}

// Those who wait for a source's first word.

export class Waiting {
  readonly #calls = new Set<() => void>();

  /** Resolves at `wake`, at the latest after the given time. */
  wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#calls.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#calls.add(done);
    });
  }

  wake(): void {
    for (const call of [...this.#calls]) call();
  }
}

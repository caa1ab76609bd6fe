// What keeps the store from opening although it was asked for rightly.

/** The program ends with exit code 2. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly exitCode = 2;
}

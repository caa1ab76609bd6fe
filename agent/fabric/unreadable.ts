// What ends a sweep that has nothing to tell.

/** The sentence says why. The program ends with exit code 2. */
export class FabricUnreadable extends Error {
  override readonly name = 'FabricUnreadable';
  readonly exitCode = 2;
}

// What keeps the agent from starting although it was asked for rightly.

/** The surroundings do not allow what was asked for: a port in use, an unreadable root. The program ends with exit code 2. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
  readonly exitCode = 2;
}

// What a command is.

/** Runs with its arguments and gives the exit code: 0 fine, 1 finding, 2 failure, 64 usage, 69 server unreachable. */
export type Command = (args: readonly string[]) => Promise<number>;

export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

// Why an SSH connection failed, told apart by what has to be done about it.

/** `auth` may lock an account and `host_key` may be an attack: both are tried again slowly. */
export type SshFailureKind = 'unreachable' | 'timed_out' | 'host_key' | 'auth' | 'closed' | 'garbled';

export class SshFailure extends Error {
  override readonly name = 'SshFailure';
  readonly kind: SshFailureKind;

  constructor(kind: SshFailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Any error of a connection as a failure. */
export function failureOf(error: unknown): SshFailure {
  if (error instanceof SshFailure) return error;
  return new SshFailure('closed', error instanceof Error ? error.message : String(error), { cause: error });
}

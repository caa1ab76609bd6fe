// Why a journal cannot do what was asked, told apart by what has to be done about it.

/** `full`: no space or quota. `failing`: the disk or its rights. `lost`: the record is not there or damaged. */
export type JournalErrorCode = 'full' | 'failing' | 'lost';

export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What went wrong while `doing`, as one sentence. */
export function journalError(doing: string, error: unknown): JournalError {
  if (error instanceof JournalError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new JournalError(isFull(error) ? 'full' : 'failing', `Cannot ${doing}: ${reason}`, { cause: error });
}

/** The system's word for an error of a file operation. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(errorCode(error) ?? '');
}

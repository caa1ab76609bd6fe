// Why a value is not there. Absent is never zero: a closed set of reasons, from the reader to the pixel.

export const absenceReasons = [
  'not_present',
  'unsupported',
  'forbidden',
  'timed_out',
  'malformed',
  'saturated',
] as const;
export type AbsenceReason = (typeof absenceReasons)[number];

const reasons: ReadonlySet<string> = new Set(absenceReasons);

export function isReason(text: string): text is AbsenceReason {
  return reasons.has(text);
}

/** A value that is missing, and why. */
export interface Absence {
  readonly kind: 'absent';
  readonly reason: AbsenceReason;
}

const byReason = new Map<AbsenceReason, Absence>(absenceReasons.map((reason) => [reason, { kind: 'absent', reason }]));

export function absent(reason: AbsenceReason): Absence {
  return byReason.get(reason) ?? { kind: 'absent', reason };
}

export function isAbsent(value: unknown): value is Absence {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'absent';
}

/** The reason behind a failed system call; anything unexpected counts as malformed. */
export function absenceOfErrno(code: string | undefined): AbsenceReason {
  switch (code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
    case 'ENOTDIR':
      return 'not_present';
    case 'EACCES':
    case 'EPERM':
      return 'forbidden';
    case 'EINVAL':
    case 'EOPNOTSUPP':
    case 'ENOTSUP':
    case 'EIO':
    case 'ENOSYS':
      return 'unsupported';
    case 'ETIMEDOUT':
    case 'EAGAIN':
      return 'timed_out';
    default:
      return 'malformed';
  }
}

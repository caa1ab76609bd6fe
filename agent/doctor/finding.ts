// What the doctor says: one finding per thing looked at, what it means, and the one command that helps.

export const areasOfDoctor = [
  'gpu',
  'profiling',
  'fabric',
  'kernel_log',
  'infiniband',
  'nvme',
  'mounts',
  'pressure',
  'processes',
  'agent',
] as const;
export type DoctorArea = (typeof areasOfDoctor)[number];

/** ok: it works; none: this node has no such thing; warning: it works, with less than it could; missing: it should be there. */
export type Mark = 'ok' | 'none' | 'warning' | 'missing';

export interface Finding {
  readonly area: DoctorArea;
  readonly mark: Mark;
  readonly what: string;
  readonly why?: string;
  readonly command?: Command;
}

/** For the operator to run; the doctor never does. */
export interface Command {
  /** fix: it is then right; look: it shows what has to be done. */
  readonly kind: 'fix' | 'look';
  readonly text: string;
}

export const fix = (text: string): { readonly command: Command } => ({ command: { kind: 'fix', text } });
export const look = (text: string): { readonly command: Command } => ({ command: { kind: 'look', text } });

/** Whether somebody should do something. */
export function needsSomebody({ mark }: Finding): boolean {
  return mark === 'warning' || mark === 'missing';
}

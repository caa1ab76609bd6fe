// What the operator decides about adapters: which are read, what a port is for, how much one wait tick is worth.
import { canonicalPciAddress } from '../../parse/pci.ts';

export const portRoles = ['compute', 'storage', 'management', 'bridge'] as const;
export type PortRole = (typeof portRoles)[number];

/** A value for every device or port that the pattern fits. */
export interface Assignment<T> {
  readonly pattern: string;
  readonly value: T;
}

export interface InfinibandSettings {
  /** Patterns of the devices to read; none = all. */
  readonly include: readonly string[];
  /** Patterns of the devices to leave alone, stronger than `include`. */
  readonly exclude: readonly string[];
  readonly roles: readonly Assignment<PortRole>[];
  readonly tickBytes: readonly Assignment<number>[];
}

export const defaultInfinibandSettings: InfinibandSettings = { include: [], exclude: [], roles: [], tickBytes: [] };

/** `PATTERN=VALUE`, or a bare VALUE for all. undefined if the value is none. */
export function parseAssignment<T>(text: string, valueOf: (text: string) => T | undefined): Assignment<T> | undefined {
  const at = text.lastIndexOf('=');
  const pattern = at === -1 ? '*' : text.slice(0, at).trim();
  const value = valueOf(text.slice(at + 1).trim());
  return pattern === '' || value === undefined ? undefined : { pattern, value };
}

export function portRoleOf(text: string): PortRole | undefined {
  return portRoles.find((role) => role === text);
}

/** A tick is a power of two from one byte to a few hundred. */
export function tickBytesOf(text: string): number | undefined {
  const bytes = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return bytes >= 1 && bytes <= 4096 ? bytes : undefined;
}

/** Whether a device may be opened at all. Names: its own, its PCI address in any spelling. */
export function isWanted(
  { include, exclude }: Pick<InfinibandSettings, 'include' | 'exclude'>,
  names: readonly string[],
): boolean {
  if (exclude.some((pattern) => fits(pattern, names))) return false;
  return include.length === 0 || include.some((pattern) => fits(pattern, names));
}

/** What the first fitting assignment says. */
export function assigned<T>(assignments: readonly Assignment<T>[], names: readonly string[]): T | undefined {
  return assignments.find(({ pattern }) => fits(pattern, names))?.value;
}

/** `*` stands for any text, `?` for one character; a PCI address is the same in every spelling. */
export function fits(pattern: string, names: readonly string[]): boolean {
  const address = canonicalPciAddress(pattern);
  const expression = globExpression(pattern);
  return names.some(
    (name) => expression.test(name) || (address !== undefined && canonicalPciAddress(name) === address),
  );
}

function globExpression(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}

// A port's state or phys_state: "4: ACTIVE". Documentation/ABI/stable/sysfs-class-infiniband.
import { ParseError } from './parse-error.ts';

export interface PortState {
  readonly id: number;
  /** The kernel's word, kept as it is: fixtures and drivers print words of their own. */
  readonly name: string;
}

/** Logical state of a port that passes traffic. */
export const ACTIVE = 4;

export function parsePortState(text: string, source: string): PortState {
  const match = /^\s*(\d{1,3})\s*:\s*(\S.*?)?\s*$/.exec(text);
  if (!match?.[1]) throw new ParseError(source, text, 'NUMBER: NAME');
  return { id: Number(match[1]), name: match[2] ?? '' };
}

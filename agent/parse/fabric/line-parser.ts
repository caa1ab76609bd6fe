// What a parser of infiniband-diags is: it takes line after line, so that a listing of 10 MB is never one text.

export interface LineParser<T> {
  /** Throws ParseError on a line that begins like one of this listing and is none. */
  line(text: string): void;
  /** What was found, once the last line is there. */
  end(): T;
}

/** Gives a whole text to a parser; for texts that are small or recorded. */
export function parseLines<T>(parser: LineParser<T>, text: string): T {
  for (const line of text.split('\n')) parser.line(line);
  return parser.end();
}

/** A line without what Windows or a truncating pipe leaves at its end. */
export function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** `0x2c903006e29b0` or `c42a103008b40d0` as the 16 digits that everything else uses. */
export function guidOf(digits: string): string {
  return digits.replace(/^0x/i, '').toLowerCase().padStart(16, '0');
}

/** GUID 0 and LID 0 or 65535 mean that there is none. */
export function lidOf(text: string): number | null {
  const lid = Number(text);
  return lid === 0 || lid >= 65_535 ? null : lid;
}

// What the command line of a switch prints, cleaned: no terminal codes, no pager, no echo; JSON out of the noise around it.
// Authority: the manuals of MLNX-OS and Onyx; recorded outputs.

const TERMINAL_CODES = /\u001b\[[0-9;?]*[A-Za-z]|\u001b[=>()][0-9A-B]?|\u0007/g;
/** less(1) and the shell's own pager, also when the terminal has wiped them. */
const PAGER = /--\s*more\s*--|\(END\)|lines \d+-\d+(?:\/\d+)?(?: \(END\))?(?: \d+%)?/gi;

/** Text without what only a terminal understands. */
export function cleanText(text: string): string {
  let clean = text.replace(TERMINAL_CODES, '');
  // A character and the backspace that takes it away, from the inside out.
  for (let before = ''; before !== clean;) {
    before = clean;
    clean = clean.replace(/[^\b\n]\u0008/g, '');
  }
  return clean
    .replace(/\u0008/g, '')
    .replace(/\r+\n/g, '\n')
    .replace(/\r/g, '\n')
    .replace(PAGER, '');
}

/** What stands between the echo of the command and the prompt. */
export function answerIn(text: string, command: string): string {
  const lines = cleanText(text).split('\n');
  const echo = lines.findIndex((line) => line.trimEnd().endsWith(command));
  return lines.slice(echo + 1, -1).join('\n');
}

/** The switch does not know the command, or the account may not use it. */
export function isRefused(answer: string): boolean {
  return /^\s*%/.test(answer);
}

/** The first JSON value in the text, whatever stands around it; undefined if there is none. */
export function jsonIn(text: string): unknown {
  const start = text.search(/[{[]/);
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  if (start < 0 || end < start) return undefined;
  try {
    return JSON.parse(text.slice(start, end + 1));
  } catch {
    return undefined;
  }
}

/** `Key : value` and `Key: value` lines. */
export function pairsIn(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, key = '', value = ''] = /^\s*([^:]+?)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
      return key === '' ? [] : [[key, value] as const];
    }),
  );
}

/** One object of a JSON answer with the names of what it stands in. */
export interface Entry {
  readonly path: readonly string[];
  readonly fields: ReadonlyMap<string, string>;
}

const DEEPEST = 8;

/** Every object that has texts of its own. Lists name their entries by `header`, maps by their keys. */
export function entriesIn(value: unknown, path: readonly string[] = []): readonly Entry[] {
  if (path.length > DEEPEST) return [];
  if (Array.isArray(value)) return value.flatMap((one: unknown) => entriesIn(one, path));
  if (typeof value !== 'object' || value === null) return [];
  const pairs = Object.entries(value);
  const texts = pairs.filter(([key, one]) => key !== 'header' && (typeof one === 'string' || typeof one === 'number'));
  const header = pairs.find(([key, one]) => key === 'header' && typeof one === 'string')?.[1] as string | undefined; // its type has just been looked at
  const here = header === undefined ? path : [...path, header];
  const own =
    texts.length === 0 ? [] : [{ path: here, fields: new Map(texts.map(([key, one]) => [key, String(one)])) }];
  return [...own, ...pairs.flatMap(([key, one]) => (typeof one === 'object' ? entriesIn(one, [...here, key]) : []))];
}

/** The first field whose name matches. */
export function fieldOf({ fields }: Entry, name: RegExp): string | undefined {
  for (const [key, value] of fields) if (name.test(key)) return value;
  return undefined;
}

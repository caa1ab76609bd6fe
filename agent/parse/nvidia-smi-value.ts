// One cell of nvidia-smi's CSV: a number with or without its unit, or one of the many words for "no value".
import { absent, isAbsent, type Absence } from '#agent/contract';

const reasons = new Map<string, Absence>([
  ['', absent('unsupported')],
  ['-', absent('unsupported')],
  ['n/a', absent('unsupported')],
  ['none', absent('unsupported')],
  ['not supported', absent('unsupported')],
  ['requested functionality has been deprecated', absent('unsupported')],
  ['insufficient permissions', absent('forbidden')],
  ['not found', absent('not_present')],
  ['gpu is lost', absent('not_present')],
  ['gpu requires reset', absent('not_present')],
  ['unknown error', absent('malformed')],
  ['err!', absent('malformed')],
]);

/** Why the cell has no value; undefined if it has one. */
export function absenceOfCell(cell: string): Absence | undefined {
  return startsWithDigit(cell) ? undefined : reasons.get(bare(cell));
}

const losses: ReadonlySet<string> = new Set(['gpu is lost', 'gpu requires reset']);
/** Every cell of every tick is asked. */
const SHORTEST_LOSS = 'gpu is lost'.length;

/** The driver says that the GPU is off the bus or needs a reset. */
export function saysLost(cell: string): boolean {
  return cell.length >= SHORTEST_LOSS && !startsWithDigit(cell) && losses.has(bare(cell));
}

/** The driver failed to answer for this quantity. */
function saysError(cell: string): boolean {
  return !startsWithDigit(cell) && /^(err!|unknown error)$/.test(bare(cell));
}

/**
 * Of quantities that only the GPU itself can tell: all failed that there are, or two of them. A driver that cannot tell one of
 * them has not lost the GPU.
 */
export function sayDead(vitals: readonly (string | undefined)[]): boolean {
  const told = vitals.filter((cell) => cell !== undefined);
  return told.length > 0 && told.filter(saysError).length >= Math.min(2, told.length);
}

/** `97 %` or `97` where the unit is %. Another unit than the expected one is malformed, never converted by guess. */
export function parseQuantity(cell: string, unit: string): number | Absence {
  const word = absenceOfCell(cell);
  if (word) return word;
  const match = /^(-?\d+(?:\.\d+)?)(?:\s*([^\s\d]\S*))?$/.exec(cell);
  if (!match?.[1] || (match[2] !== undefined && match[2] !== unit)) return absent('malformed');
  return Number(match[1]);
}

/** A mask such as 0x0000000000000004. */
export function parseMask(cell: string): bigint | Absence {
  const word = absenceOfCell(cell);
  if (word) return word;
  return /^0x[\da-f]{1,16}$/i.test(cell) ? BigInt(cell) : absent('malformed');
}

/** A word of a closed list as its number in NVML. */
export function parseWord(cell: string, words: readonly string[]): number | Absence {
  const word = absenceOfCell(cell);
  if (word) return word;
  const index = words.indexOf(cell);
  return index < 0 ? absent('malformed') : index;
}

/** Text for a label: empty where there is none. */
export function textOfCell(cell: string | undefined): string {
  return cell === undefined || isAbsent(absenceOfCell(cell)) ? '' : cell;
}

/** Most cells are numbers: they need no second look. */
function startsWithDigit(cell: string): boolean {
  const first = cell.charCodeAt(0);
  return first >= 48 && first <= 57;
}

function bare(cell: string): string {
  return (cell.startsWith('[') && cell.endsWith(']') ? cell.slice(1, -1) : cell).toLowerCase();
}

// Slurm's lists of nodes and numbers: `hgx[01-02,05],login1`, `0-1,4`. scontrol(1), "show hostnames".
import { SlurmError } from './model.ts';

/** More names than any cluster has nodes. */
const MOST_NAMES = 100_000;

/** Zeros in front are kept. */
export function expandNodes(list: string): readonly string[] {
  return within(
    list,
    list.split(/,(?![^[]*\])/).flatMap((part) => expandPart(part)),
  );
}

function expandPart(part: string): readonly string[] {
  const [, before, inside, after] = /^([^[\]]*)\[([^\]]*)\](.*)$/.exec(part) ?? [];
  if (before === undefined || inside === undefined || after === undefined) return part === '' ? [] : [part];
  const numbers = expandNumbers(inside);
  const ends = after === '' ? [''] : expandPart(after);
  if (numbers.length * ends.length > MOST_NAMES) throw tooLong(part);
  return numbers.flatMap((number) => ends.map((end) => `${before}${number}${end}`));
}

export function expandNumbers(list: string): readonly string[] {
  const numbers = list.split(',').flatMap((range) => {
    const [, from, to] = /^(\d+)-(\d+)$/.exec(range) ?? [];
    if (from === undefined || to === undefined) return [range];
    const count = Number(to) - Number(from) + 1;
    if (!(count >= 0 && count <= MOST_NAMES)) throw tooLong(range);
    return Array.from({ length: count }, (_, at) => String(Number(from) + at).padStart(from.length, '0'));
  });
  return within(list, numbers);
}

function within(list: string, names: readonly string[]): readonly string[] {
  if (names.length > MOST_NAMES) throw tooLong(list);
  return names;
}

function tooLong(list: string): SlurmError {
  return new SlurmError(`a list of nodes that is too long: ${list.slice(0, 60)}`);
}

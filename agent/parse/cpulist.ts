// The kernel's list format: `0-19,40-59`; an empty list is a node without CPUs. Documentation/admin-guide/cputopology.rst.
import { ParseError } from './parse-error.ts';

const MOST = 65_536;

export function parseCpuList(text: string, source: string): readonly number[] {
  const cpus: number[] = [];
  for (const part of text.trim().split(',')) {
    if (part === '') continue;
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || cpus.length + last - first >= MOST) {
      throw new ParseError(source, text, 'a list such as 0-3,8');
    }
    for (let cpu = first; cpu <= last; cpu++) cpus.push(cpu);
  }
  return cpus;
}

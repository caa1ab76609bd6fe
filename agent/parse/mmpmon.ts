// What `mmpmon -p` answers to fs_io_s: one line `_fs_io_s_ _key_ value …` per mounted file system.
// IBM Storage Scale, "mmpmon: Display I/O statistics per mounted file system".
import type { Steps } from '#agent/contract';
import { ParseError } from './parse-error.ts';
import { stepsOf } from './steps.ts';

export interface GpfsFilesystem {
  readonly filesystem: string;
  readonly readBytes: Steps;
  readonly writtenBytes: Steps;
  readonly opens: Steps;
  readonly closes: Steps;
  readonly reads: Steps;
  readonly writes: Steps;
}

/** None where none is mounted (return code 1). A line without its end was cut and counts for nothing. */
export function parseFsIoS(text: string, source: string): readonly GpfsFilesystem[] {
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.trim());
  const answers = lines.filter((line) => line.startsWith('_fs_io_s_ '));
  if (answers.length === 0) throw new ParseError(source, text, 'a line _fs_io_s_');
  return answers.flatMap((line) => parseAnswer(line, source) ?? []);
}

function parseAnswer(line: string, source: string): GpfsFilesystem | undefined {
  const words = line.split(/\s+/).slice(1);
  const values = new Map(words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? ''] as const] : [])));
  if (values.get('_rc_') === '1') return undefined;
  const filesystem = values.get('_fs_') ?? '';
  const count = (key: string): Steps => {
    const value = stepsOf(values.get(key) ?? '');
    if (value === undefined) throw new ParseError(source, line, `${key} and a whole number`);
    return value;
  };
  if (values.get('_rc_') !== '0' || filesystem === '') throw new ParseError(source, line, '_rc_ 0 and _fs_');
  return {
    filesystem,
    readBytes: count('_br_'),
    writtenBytes: count('_bw_'),
    opens: count('_oc_'),
    closes: count('_cc_'),
    reads: count('_rdc_'),
    writes: count('_wc_'),
  };
}

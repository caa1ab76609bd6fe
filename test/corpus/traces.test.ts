// The judge over the recorded and made episodes of ../shared/corpus/traces, whose simulator is not ours.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { replay, type Recording, type ReplayReport } from '../../server/replay/replay.ts';
import { leftOut } from '../left-out.ts';

const corpus = join(import.meta.dirname, '../../../shared/corpus/traces/synthetic');
const present = existsSync(corpus);
if (!present) leftOut('corpus/traces', 'the corpus is not here', { evenInCi: true });

type Labels = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
const labels = present ? (JSON.parse(readFileSync(join(corpus, 'labels.json'), 'utf8')) as Labels) : {};
const names = Object.keys(labels);

const recordings = (blank?: RegExp): readonly Recording[] =>
  names.map((file) => ({
    file,
    text: blanked(gunzipSync(readFileSync(join(corpus, `${file}.csv.gz`))).toString(), blank),
    entry: labels[file],
  }));

/** The same series from a node where some columns cannot be read. */
function blanked(text: string, columns: RegExp | undefined): string {
  if (!columns) return text;
  const [head = '', ...lines] = text.split('\n');
  const hidden = head.split(',').map((name) => columns.test(name));
  const cut = (line: string): string =>
    line === ''
      ? line
      : line
          .split(',')
          .map((cell, at) => (hidden[at] ? '' : cell))
          .join(',');
  return [head, ...lines.map(cut)].join('\n');
}

const profiling = /_(gr_engine|sm_active|dram_active|tensor_active)$/;
const processes = /^loader_|_main_thread_cpu$/;

describe.skipIf(!present)('made episodes', () => {
  it.each([
    ['all signals', undefined],
    ['no profiling counters', profiling],
  ])('each has its cause: %s', (_, blank) => {
    const { episodes, macro_f1 } = replay(recordings(blank));
    expect(wrongOf(episodes)).toEqual([]);
    expect(macro_f1).toBe(1);
  });

  it('names nothing wrong where no process can be seen', () => {
    const { episodes } = replay(recordings(processes));
    const named = wrongOf(episodes).filter(({ cause }) => cause !== 'unknown');
    expect(named).toEqual([]);
  });

  it('predicts what the job gains without the cause', () => {
    const { episodes } = replay(recordings());
    const errors = episodes.flatMap(({ file, predicted_speedup, expected }) => {
      const gains = Object.values((labels[file]?.['speedup_if_removed'] ?? {}) as Record<string, number>);
      const truth = Math.max(...gains);
      return expected === 'none' || expected === 'launch_bound' ? [] : [Math.abs(predicted_speedup / truth - 1)];
    });
    expect(errors.length).toBeGreaterThan(20);
    expect(errors.filter((error) => error <= 0.2).length / errors.length).toBeGreaterThanOrEqual(0.8);
  });

  it('judges the same whatever the labels say of the truth', () => {
    const some = recordings().slice(6, 14);
    const scrambled = some.map((one) => ({
      ...one,
      entry: {
        ...one.entry,
        ...{ label: 'healthy', variant: 'x', segments: [], slow_node: 7, iter_per_s: 1, speedup_if_removed: {} },
      },
    }));
    const slots = ({ slots }: ReplayReport) => slots;
    expect(slots(replay(scrambled))).toEqual(slots(replay(some)));
  });
});

function wrongOf(episodes: ReplayReport['episodes']) {
  return episodes
    .filter(({ correct }) => correct === false)
    .map(({ file, cause, expected }) => ({ file, cause, expected }));
}

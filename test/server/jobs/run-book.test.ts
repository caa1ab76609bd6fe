// When jobs began and ended, over requeues, silence and a restart of the server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recordOfPod, recordOfSlurm, type JobRecord } from '../../../server/jobs/job-record.ts';
import { openRunStore } from '../../../server/jobs/open-run-store.ts';
import { RunBook, type RunsNow } from '../../../server/jobs/run-book.ts';
import type { RunStore } from '../../../server/jobs/run-store.ts';
import type { SlurmJob } from '../../../server/jobs/slurm/model.ts';
import { silentLog } from '../../../server/log.ts';

const HOUR_MS = 3_600_000;
const job: SlurmJob = {
  ...{
    id: '7',
    sluid: '',
    displayId: '7',
    arrayJobId: '',
    name: 'train',
    user: 'alice',
    account: 'v',
    partition: 'gpu',
  },
  ...{ state: 'RUNNING', reason: '', startMs: 1000, endMs: undefined, timeLimitS: 60, restarts: 0, nodes: 1 },
  ...{ cpus: NaN, requestedGpus: 1, gpuType: '', gpus: [] },
};
const run: JobRecord = { ...recordOfSlurm(job, 1000), gpus: [{ node: 'n1', uuid: 'GPU-0' }] };

let folder: string;
let store: RunStore | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whyidle-runs-'));
  store = openRunStore(folder, silentLog);
});
afterEach(() => {
  store?.close();
  rmSync(folder, { recursive: true, force: true });
});

function bookOf(wallMs = 0, keepMs = 1e12): RunBook {
  return new RunBook({ store, keepMs, onTrouble: () => undefined }, wallMs);
}

function now(wallMs: number, running: readonly JobRecord[], slurm: readonly SlurmJob[] | undefined): RunsNow {
  return { running, slurm, isSeen: () => true, wallMs };
}

const spans = (book: RunBook, id = '7') => book.ofJob(id).map(({ startMs, endMs, state }) => [startMs, endMs, state]);

describe('runs', () => {
  test('an end as Slurm tells it; one that Slurm has forgotten', () => {
    const book = bookOf();
    book.take(now(2000, [run], [job]));
    book.take(now(9000, [], [{ ...job, state: 'FAILED', endMs: 8000 }]));
    expect(spans(book)).toEqual([[1000, 8000, 'FAILED']]);
    const other = { ...run, id: '8', displayId: '8' };
    book.take(now(10_000, [other], []));
    book.take(now(20_000, [], []));
    expect(spans(book, '8')).toEqual([[1000, 20_000, 'UNKNOWN']]);
  });

  test('put back into the queue it has two runs, and each moment its own', () => {
    const book = bookOf();
    book.take(now(2000, [run], [job]));
    book.take(now(9000, [], [{ ...job, state: 'PENDING', startMs: 99_000 }]));
    const again = { ...run, startMs: 12_000, restarts: 1, gpus: [{ node: 'n2', uuid: 'GPU-5' }] };
    book.take(now(13_000, [again], [{ ...job, startMs: 12_000 }]));
    expect(spans(book)).toEqual([
      [12_000, undefined, 'RUNNING'],
      [1000, 9000, 'REQUEUED'],
    ]);
    expect(book.at('n1', 'GPU-0', 5000)?.startMs).toBe(1000);
    expect(book.at('n1', 'GPU-0', 9500)).toBeUndefined();
    expect(book.at('n2', 'GPU-5', 12_500)?.startMs).toBe(12_000);
  });

  test('restarted between two answers the first run ends where the second began', () => {
    const book = bookOf();
    book.take(now(2000, [run], [job]));
    book.take(now(13_000, [{ ...run, startMs: 11_000 }], [{ ...job, startMs: 11_000 }]));
    expect(spans(book).at(-1)).toEqual([1000, 11_000, 'REQUEUED']);
  });

  test('a Slurm that is silent ends nothing; a node that is silent ends its pods after two minutes', () => {
    const book = bookOf();
    const pod = { ...recordOfPod({ namespace: 'a', pod: 'b', container: 'c', devices: [] }, 500), gpus: run.gpus };
    book.take(now(2000, [run, pod], [job]));
    const silent = (wallMs: number): RunsNow => ({ ...now(wallMs, [], undefined), isSeen: () => false });
    book.take(silent(100_000));
    expect(book.ended).toEqual([]);
    book.take(silent(130_000));
    expect(book.ended.map(({ id }) => id)).toEqual(['a/b']);
  });

  test('a restart forgets none; one that ended meanwhile has an end', () => {
    const before = bookOf();
    const done = { ...run, id: '6', displayId: '6' };
    before.take(now(2000, [run, done], [job]));
    before.take(now(9000, [run], [job, { ...job, id: '6', state: 'COMPLETED', endMs: 8000 }]));
    store?.close();
    store = openRunStore(folder, silentLog);
    const book = bookOf(20_000);
    expect(spans(book, '6')).toEqual([[1000, 8000, 'COMPLETED']]);
    expect(spans(book)).toEqual([[1000, undefined, 'RUNNING']]);
    expect(book.openRun('slurm', '7')?.startMs).toBe(1000);
    // No agent and no Slurm has spoken yet.
    book.take({ ...now(21_000, [], undefined), isSeen: () => false });
    expect(spans(book)[0]?.[1]).toBeUndefined();
    book.take(now(22_000, [], [{ ...job, state: 'COMPLETED', endMs: 15_000 }]));
    expect(spans(book)).toEqual([[1000, 15_000, 'COMPLETED']]);
    expect(book.ofJob('7')[0]).toMatchObject({ user: 'alice', cpus: NaN, timeLimitS: 60, gpus: run.gpus });
  });

  test('after a day an ended job is on disk alone; after what is kept it is gone', () => {
    const book = bookOf(0, 48 * HOUR_MS);
    book.take(now(2000, [run], [job]));
    book.take(now(9000, [], []));
    book.take(now(30 * HOUR_MS, [], []));
    expect(book.ended).toEqual([]);
    expect(spans(book)).toEqual([[1000, 9000, 'UNKNOWN']]);
    expect(book.at('n1', 'GPU-0', 5000)?.id).toBe('7');
    book.take(now(50 * HOUR_MS, [], []));
    expect(spans(book)).toEqual([]);
  });

  test('a disk that fails is told once, and who runs now is known', () => {
    const troubles: unknown[] = [];
    const book = new RunBook({ store, keepMs: 1e12, onTrouble: (error) => troubles.push(error) }, 0);
    store?.close();
    book.take(now(2000, [run], [job]));
    book.take(now(3000, [], [{ ...job, state: 'COMPLETED', endMs: 2500 }]));
    expect(troubles).toHaveLength(1);
    expect(spans(book)).toEqual([[1000, 2500, 'COMPLETED']]);
    store = undefined;
  });
});

test('a file that is none of ours is set aside', () => {
  const other = mkdtempSync(join(folder, 'damaged-'));
  writeFileSync(
    join(other, 'jobs.sqlite'),
    'this is no database, and long enough not to be taken for an empty one. '.repeat(20),
  );
  const opened = openRunStore(other, silentLog);
  opened?.save([run]);
  expect(opened?.ofJob('7')).toHaveLength(1);
  opened?.close();
});

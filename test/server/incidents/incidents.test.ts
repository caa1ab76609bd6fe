// One incident per cause and culprit: what it says, when it opens and ends.
import { describe, expect, test } from 'vitest';
import { makeEpisode } from '#agent/simulator';
import type { Incident } from '#server/contract';
import { tell } from '../../../server/cli/why.ts';
import { bookOf } from './book-of.ts';

/** Well into the fault of the episode. */
const during = (scenario: string, seed: number): number => {
  const { fault } = makeEpisode({ scenario, seed }).truth;
  return fault ? (fault.fromS + 2 * fault.toS) / 3 : Infinity;
};
const openOf = (scenario: string, seed: number): readonly Incident[] =>
  bookOf(scenario, seed, during(scenario, seed)).open;

describe('an incident', () => {
  test('folds its victims and says why in a sentence', () => {
    const [incident, ...others] = openOf('nvlink', 2);
    expect(others).toEqual([]);
    expect(incident?.cause).toBe('nvlink');
    expect(incident?.gpus.length).toBeGreaterThan(1);
    expect(incident?.text).toMatch(/^\d GPUs of job 1 on node01 wait for NVLink since \d\d:\d\d UTC\. NVLink \d+ %/);
    expect(incident?.text).toMatch(/\d+ % of their time is lost; without it \d\.\d times as fast/);
    expect(incident?.ruled_out.map(({ signal }) => signal)).toContain('workers_slack');
  });

  test('of a straggler belongs to the node that holds the others back', () => {
    const [incident] = openOf('straggler_thermal', 85);
    expect(incident?.cause).toBe('straggler');
    expect(incident?.culprit).toMatchObject({ node: 'node01', cause: 'thermal' });
    expect(incident?.nodes).not.toContain('node01');
    expect(incident?.text).toContain('The culprit is node01: slowed by heat.');
  });

  test('names the drive with its peers', () => {
    const figures = [{ signal: 'storage_latency', value: 0.041, against: { kind: 'peers' as const, value: 0.003 } }];
    const seed =
      [1, 2, 3, 4, 5, 6].find((one) => makeEpisode({ scenario: 'storage', seed: one }).jobs[0]?.input === 'local') ?? 0;
    const until = during('storage', seed);
    const [incident] = bookOf('storage', seed, until, () => ({ device: 'nvme2n1', figures })).open;
    expect(incident?.culprit?.device).toBe('nvme2n1');
    expect(incident?.text).toContain('Time of one read 41 ms (its peers 3.0 ms)');
  });

  test('ends a minute after the last GPU had it, and is kept', () => {
    const book = bookOf('thermal', 3, during('thermal', 3));
    const [open] = book.open;
    const slot = Math.floor(during('thermal', 3) / 10);
    book.take({ slot: slot + 3, live: [], finalSlot: slot, final: [] });
    expect(book.open).toEqual([open]);
    book.take({ slot: slot + 9, live: [], finalSlot: slot, final: [] });
    expect(book.open).toEqual([]);
    const [ended] = book.all;
    expect(ended).toMatchObject({ cause: 'thermal', state: 'ended', owner: 'hardware' });
    expect(ended?.ended_ms).toBeLessThanOrEqual((slot + 1) * 10_000);
    expect(book.find(ended?.id ?? '')).toBe(ended);
  });

  test('goes on over a checkpoint of the job', () => {
    const thermal = bookOf('thermal', 3).all.filter(({ cause }) => cause === 'thermal');
    expect(thermal).toHaveLength(1);
  });

  test.each(['healthy_compute', 'healthy_phases', 'free', 'startup'])('is none for %s', (scenario) => {
    expect(bookOf(scenario, 4).all).toEqual([]);
  });
});

describe('whyidle why', () => {
  const incidents = openOf('thermal', 3);
  const gpu = { node: 'node01', gpu: '0', uuid: 'GPU-0-0', job_id: '1', user: 'abel', cause: 'thermal' } as never;
  test.each(['node01', 'node01/0', 'GPU-0-0', '1', 'abel', 'thermal', incidents[0]?.id ?? ''])('%s', (target) => {
    expect(tell(target, [gpu], incidents)?.incidents).toEqual(incidents);
  });

  test('says so where nothing has that name', () => {
    expect(tell('node99', [gpu], incidents)).toBeUndefined();
  });
});

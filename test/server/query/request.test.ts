// What a query may say, and what is answered to what it may not.
import { describe, expect, test } from 'vitest';
import { QueryError, readQuery } from '../../../server/query/request.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const ask = (words: Partial<Parameters<typeof readQuery>[0]>) =>
  readQuery(
    { metric: 'gpu_power_watts', labels: undefined, from: undefined, to: undefined, step: undefined, ...words },
    NOW,
  );

describe('what is understood', () => {
  test('the last hour, as wide as a screen, unless it is said', () => {
    expect(ask({})).toMatchObject({ metric: 'gpu_power_watts', labels: {}, fromMs: NOW - 3_600_000, toMs: NOW });
    expect(ask({}).stepMs).toBeUndefined();
  });

  test.each([
    ['2026-11-26T10:00Z', Date.parse('2026-11-26T10:00Z')],
    ['-2h', NOW - 7_200_000],
    ['now-90s', NOW - 90_000],
    [String(NOW - 5), NOW - 5],
  ])('from=%s', (from, ms) => {
    expect(ask({ from }).fromMs).toBe(ms);
  });

  test.each([
    ['raw', 0],
    ['10s', 10_000],
    ['15', 15_000],
    ['auto', undefined],
  ])('step=%s', (step, ms) => {
    expect(ask({ step }).stepMs).toBe(ms);
  });

  test.each([
    ['node=node07,gpu=0', { node: 'node07', gpu: '0' }],
    ['node="node07"', { node: 'node07' }],
    ['{"uuid":"a,b=c"}', { uuid: 'a,b=c' }],
    ['', {}],
  ])('labels=%s', (labels, expected) => {
    expect(ask({ labels }).labels).toEqual(expected);
  });

  test('the metric with and without the prefix', () => {
    expect(ask({ metric: 'whyidle_disk_read_bytes_total' }).metric).toBe('disk_read_bytes_total');
  });
});

describe('what is not, with a sentence', () => {
  test.each([
    [{ metric: undefined }, /which metric/],
    [{ metric: 'gpu_powr_watts' }, /no metric/],
    [{ metric: 'gpu_info' }, /no values over time/],
    [{ metric: 'gpu_state' }, /derived by the server/],
    [{ labels: 'device=nvme0n1' }, /no label device/],
    [{ labels: 'node' }, /no label=value/],
    [{ labels: '{"node":1}' }, /no text/],
    [{ labels: '{node}' }, /not valid JSON/],
    [{ from: 'yesterday' }, /from=yesterday is no time/],
    [{ from: '-1h', to: '-2h' }, /from is not before to/],
    [{ step: 'often' }, /step=often/],
    [{ step: '0s' }, /step=0s/],
  ])('%o', (words, said) => {
    expect(() => ask(words)).toThrow(QueryError);
    expect(() => ask(words)).toThrow(said);
  });

  test('a metric that is nearly right is told', () => {
    expect(() => ask({ metric: 'gpu_powr_watts' })).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/gpu_.*watts/) as string }),
    );
  });
});

// The charts of a node from the store: the same lines as the live page, on common times, with extremes where they are known.
import { expect, test } from 'vitest';
import { answerNodeCharts } from '../../../server/query/node-charts.ts';
import type { QueryRequest, QueryResult, QuerySeries } from '../../../server/store/entries.ts';

function series(metric: string, labels: Record<string, string>, points: readonly (readonly number[])[]): QuerySeries {
  const column = (at: number): Float64Array => Float64Array.from(points, (point) => point[at] ?? NaN);
  return {
    metric,
    labels: { node: 'n', ...labels },
    ...{ times: column(0), mean: column(1), min: column(2), max: column(3) },
    count: Uint32Array.from(points, () => 60),
  };
}

const gpu = { gpu: '0', uuid: 'GPU-0', pci_bus_id: '00000000:07:00.0', mig_gi: '', mig_ci: '' };

function storeOf(found: readonly QuerySeries[]) {
  const asked: QueryRequest[] = [];
  const query = (request: QueryRequest): Promise<QueryResult> => {
    asked.push(request);
    const gaps = [
      {
        kind: 'gap' as const,
        node: 'n',
        instance: 'i',
        fromSeq: 3,
        toSeq: 12,
        fromMs: 5,
        toMs: 9,
        reason: 'cap' as const,
      },
    ];
    return Promise.resolve({ series: found, gaps, sinceMs: 7, engine: 'history' });
  };
  return { asked, store: { query, journalSinceMs: undefined } };
}

test('a line per device, extremes where a line is one series, null where nothing is known', async () => {
  const { store, asked } = storeOf([
    series('gpu_power_watts', gpu, [
      [60_000, 200, 150, 250],
      [120_000, NaN, NaN, NaN],
      [180_000, 210, 160, 260],
    ]),
    series('disk_read_bytes_total', { device: 'nvme0n1' }, [[120_000, 5e9, 4e9, 6e9]]),
    series('disk_read_time_seconds_total', { device: 'nvme0n1' }, [[120_000, 0.5, 0.4, 0.6]]),
    series('disk_reads_completed_total', { device: 'nvme0n1' }, [[120_000, 1000, 900, 1100]]),
  ]);
  const answer = await answerNodeCharts(store, 'n', { fromMs: 0, toMs: 180_000, stepMs: undefined });

  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ labels: { node: 'n' }, resolution: 'minute', stepMs: 60_000 });
  expect(answer).toMatchObject({ node: 'n', times_ms: [60_000, 120_000, 180_000], since_ms: 7, engine: 'history' });
  expect(answer.gaps).toEqual([{ node: 'n', from_ms: 5, to_ms: 9, readings: 10, reason: 'cap' }]);
  const chart = (id: string) => answer.charts.find((one) => one.id === id)?.lines;
  expect(chart('gpu_power')).toEqual([
    { name: 'GPU 0', mean: [200, null, 210], min: [150, null, 160], max: [250, null, 260] },
  ]);
  expect(chart('disk_read')).toEqual([
    { name: 'nvme0n1', mean: [null, 5e9, null], min: [null, 4e9, null], max: [null, 6e9, null] },
  ]);
  // Half a second of reading over a thousand reads.
  expect(chart('disk_latency')).toEqual([{ name: 'nvme0n1', mean: [null, 0.0005, null], min: null, max: null }]);
  expect(chart('disk_written')).toBeUndefined();
});

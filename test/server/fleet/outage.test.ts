// A sick driver, a lost GPU and MIG instances, from frames to what the API says.
import { describe, expect, test } from 'vitest';
import type { AbsenceReason } from '#agent/contract';
import { detailNode, summarizeFleet, summarizeGpu, summarizeNode } from '../../../server/fleet/summary.ts';
import { gpuSeries, StandInNode, START_MS, type StandInSeries, fleetState } from '../stand-in.ts';

const readerUp: StandInSeries[] = [
  ['gpu_reader_up', [], 1],
  ['gpu_reader_stuck', [], 0],
  ['gpu_reader_info', ['nvidia_smi', 'dcgm_exporter'], 1],
  ['gpus', [], 2],
  ['gpus_expected', [], 2],
];
const readerDown = (reason: AbsenceReason, stuck = 0): StandInSeries[] => [
  ['gpu_reader_up', [], 0],
  ['gpu_reader_stuck', [], stuck],
  ['gpu_reader_info', ['nvidia_smi', 'dcgm_exporter'], 1],
  ['gpus', [], reason],
  ['gpus_expected', [], 2],
];
const both = (values: Parameters<typeof gpuSeries>[0]): StandInSeries[] => [
  ...gpuSeries({ gpu: '0', ...values }),
  ...gpuSeries({ gpu: '1', ...values }),
];
/** All values of the GPU are absent; info series stay. */
const absent = (series: readonly StandInSeries[], reason: AbsenceReason, up: StandInSeries[2] = reason) =>
  series.map(([id, labels, value]): StandInSeries => [
    id,
    labels,
    id === 'gpu_info' ? value : id === 'gpu_up' ? up : reason,
  ]);

const working = both({ busy: 90, processes: 1, memoryUsed: 1e9 });
const gpus = ({ fleet, clock }: StandInNode) => fleet.gpus.map((gpu) => summarizeGpu(gpu, clock.ms));
const nodeOf = ({ fleet, node, clock }: StandInNode) => summarizeNode(fleet, node, clock.ms);

describe('a driver that hangs', () => {
  test('is the class of its GPUs with the first frame, with its time and words, and gone with the frame that answers', () => {
    const one = new StandInNode('n');
    one.samples(13, [...readerUp, ...working]);
    one.samples(1, [...readerDown('timed_out'), ...absent(working, 'timed_out')]);
    const outage = {
      kind: 'driver_hangs',
      reason: 'timed_out',
      since_ms: START_MS + 13_000,
      text: 'GPU driver not answering',
    };
    expect(gpus(one)).toMatchObject([
      { class: 'out.fault', owner: 'hardware', since_ms: START_MS + 13_000, outage },
      { class: 'out.fault', outage },
    ]);
    expect(nodeOf(one).gpu_reader).toEqual({
      backend: 'nvidia_smi',
      profiling: 'dcgm_exporter',
      gpus_seen: null,
      gpus_expected: 2,
      outage,
    });
    one.samples(60, [...readerDown('timed_out', 1), ...absent(working, 'timed_out')]);
    expect(gpus(one)[0]?.outage).toEqual(outage);
    one.samples(1, [...readerUp, ...working]);
    expect(gpus(one)).toMatchObject([{ class: 'productive.compute', outage: null }, { outage: null }]);
    expect(nodeOf(one).gpu_reader).toMatchObject({ gpus_seen: 2, outage: null });
  });

  test('is booked to the millisecond', () => {
    const one = new StandInNode('n');
    one.samples(13, [...readerUp, ...working]);
    one.samples(87, [...readerDown('timed_out'), ...absent(working, 'timed_out')]);
    one.clock.ms = START_MS + 100_000;
    one.fleet.advance(one.clock.ms);
    for (const { account } of one.fleet.gpus) {
      const sum = [...account.booked.values()].reduce((all, ms) => all + ms, 0);
      expect(sum).toBe(account.bookedUntilMs - account.firstSeenMs);
      expect(account.booked.get('out.fault')).toBe(70_000 - 13_000);
    }
  });

  test('before any GPU was shown counts once a reader had time to start', () => {
    const one = new StandInNode('n');
    const starting: StandInSeries[] = [
      ['gpu_reader_up', [], 0],
      ['unavailable', ['gpu', '', '', 'timed_out'], 1],
    ];
    one.samples(46, starting);
    expect(nodeOf(one).gpu_reader?.outage).toMatchObject({ kind: 'driver_hangs', since_ms: START_MS });
    const other = new StandInNode('m');
    other.samples(30, starting);
    expect(nodeOf(other).gpu_reader?.outage).toBeNull();
  });

  test('is not told of a dcgm-exporter that does not answer', () => {
    const one = new StandInNode('n');
    const byExporter = (series: readonly StandInSeries[]) =>
      series.map((each): StandInSeries =>
        each[0] === 'gpu_reader_info' ? [each[0], ['dcgm_exporter', 'dcgm_exporter'], 1] : each,
      );
    one.samples(13, [...byExporter(readerUp), ...working]);
    one.samples(60, [...byExporter(readerDown('timed_out')), ...absent(working, 'timed_out')]);
    expect(gpus(one)[0]).toMatchObject({ class: 'unobserved', outage: { kind: 'not_read', reason: 'timed_out' } });
  });

  test('of a node that is down is not known', () => {
    const one = new StandInNode('n');
    one.samples(5, [...readerDown('timed_out'), ...absent(working, 'timed_out')]);
    one.silence(31);
    expect(gpus(one)[0]).toMatchObject({ class: 'unobserved', outage: null });
    expect(nodeOf(one).gpu_reader).toBeNull();
  });
});

test('Xids of a GPU that nobody has named make no GPU', () => {
  const one = new StandInNode('n');
  const xids = ['', '', '00000000:3b:00.0', '79'];
  one.samples(2, [...readerDown('timed_out', 1), ['gpu_xid_errors_total', xids, 1]]);
  expect(gpus(one)).toEqual([]);
});

test('a GPU that is lost is out alone', () => {
  const one = new StandInNode('n');
  const [first, second] = [gpuSeries({ gpu: '0', busy: 90, processes: 1 }), gpuSeries({ gpu: '1', busy: 90 })];
  one.samples(12, [...readerUp, ...first, ...second]);
  one.samples(1, [...readerUp, ...first, ...absent(second, 'not_present', 0)]);
  expect(gpus(one)).toMatchObject([
    { class: 'productive.compute', outage: null },
    { class: 'out.fault', outage: { kind: 'gpu_lost', since_ms: START_MS + 12_000 } },
  ]);
  expect(
    summarizeFleet(one.fleet, { ...fleetState, cluster: 'c' }, { nowMs: one.clock.ms, wallMs: one.clock.ms }).funnel,
  ).toMatchObject({
    reporting: 2,
    healthy: 1,
  });
});

test('a reader that may not read leaves its GPUs unobserved, with the reason at once', () => {
  const one = new StandInNode('n');
  one.samples(12, [...readerUp, ...working]);
  one.samples(1, [...readerDown('forbidden'), ...absent(working, 'forbidden')]);
  expect(gpus(one)[0]).toMatchObject({ outage: { kind: 'not_read', reason: 'forbidden' } });
  one.samples(31, [...readerDown('forbidden'), ...absent(working, 'forbidden')]);
  expect(gpus(one)[0]).toMatchObject({ class: 'unobserved', outage: { kind: 'not_read' } });
});

describe('MIG instances', () => {
  const labels = ['0', 'GPU-0', '0000:00:00.0'];
  const series: StandInSeries[] = [
    ['gpu_memory_used_bytes', [...labels, '1', '0'], 5e9],
    ['gpu_memory_total_bytes', [...labels, '1', '0'], 10e9],
    ...gpuSeries({ gpu: '0', busy: 'unsupported', memoryUsed: 8e9 }),
  ];

  test('are parts of their GPU: its figures are its own, whatever comes first', () => {
    const one = new StandInNode('n');
    one.samples(2, series);
    expect(gpus(one)).toMatchObject([{ memory_used_bytes: 8e9, memory_total_bytes: 32e9, outage: null }]);
  });

  test('leave the GPU to its engine’s own counter, where there is one', () => {
    const one = new StandInNode('n');
    one.samples(12, [...series, ['gpu_graphics_engine_active_ratio', [...labels, '1', '0'], 100]]);
    expect(gpus(one)).toMatchObject([{ class: 'unobserved', utilization_ratio: null }]);
    one.samples(12, [...series, ['gpu_graphics_engine_active_ratio', [...labels, '', ''], 8000]]);
    expect(gpus(one)).toMatchObject([{ class: 'productive.compute', utilization_ratio: null }]);
  });

  test('carry their labels, and a whole GPU none that are empty', () => {
    const one = new StandInNode('n');
    one.samples(1, series);
    const found = detailNode(one.fleet, one.node, one.clock.ms).samples.filter(
      ({ metric }) => metric === 'whyidle_gpu_memory_used_bytes',
    );
    const own = { gpu: '0', uuid: 'GPU-0', pci_bus_id: '0000:00:00.0' };
    expect(found.map((sample) => sample.labels)).toEqual([{ ...own, mig_gi: '1', mig_ci: '0' }, own]);
  });
});

// Alerts about ill GPUs: at once, with the right severity, and never for what a job did.
import { beforeEach, describe, expect, test } from 'vitest';
import { Alerts } from '../../../server/alerts/alerts.ts';
import { defaultConfig, gpuSeries, StandInNode, START_MS, type StandInSeries } from '../stand-in.ts';

let one: StandInNode;
let alerts: Alerts;
beforeEach(() => {
  one = new StandInNode('node07');
  alerts = new Alerts(one.fleet, defaultConfig);
});

function run(seconds: number, series: readonly StandInSeries[]): void {
  for (let second = 0; second < seconds; second++) {
    one.samples(1, series);
    alerts.renew(one.clock.ms);
  }
}
const brief = () => alerts.current.map(({ kind, state, severity, gpu }) => [kind, gpu, state, severity]);
const working = gpuSeries({ gpu: '3', busy: 90, processes: 1 });
const reader = (up: number, gpus: StandInSeries[2], expected = 1): StandInSeries[] => [
  ['gpu_reader_up', [], up],
  ['gpus', [], gpus],
  ['gpus_expected', [], expected],
];
const silent = working.map(([id, labels, value]): StandInSeries => [
  id,
  labels,
  id === 'gpu_info' ? value : 'timed_out',
]);
const labels = ['3', 'GPU-3', '0000:03:00.0'];
const xid = (code: string, atMs: number): StandInSeries => [
  'gpu_xid_last_timestamp_seconds',
  [...labels, code],
  atMs / 1000,
];

test('a driver that hangs: one critical alert for the node, at once', () => {
  run(3, [...reader(1, 1), ...working]);
  expect(brief()).toEqual([]);
  run(1, [...reader(0, 'timed_out'), ...silent]);
  expect(brief()).toEqual([['driver_hangs', null, 'firing', 'critical']]);
  expect(alerts.current[0]).toMatchObject({
    id: 'driver_hangs:node07',
    since_ms: START_MS + 3000,
    text: 'node07: GPU driver not answering for 1 s; its GPU is out',
  });
  run(1, [...reader(1, 1), ...working]);
  expect(brief()).toEqual([]);
});

test('a reader that may not read is no alert', () => {
  const forbidden = working.map(([id, own, value]): StandInSeries => [
    id,
    own,
    id === 'gpu_info' ? value : 'forbidden',
  ]);
  run(3, [...reader(0, 'forbidden'), ...forbidden]);
  expect(brief()).toEqual([]);
});

test('a GPU that is lost: critical, at once, and only once though it is also counted as missing', () => {
  run(3, [...reader(1, 1), ...working]);
  const lost = working.map(([id, own, value]): StandInSeries => [
    id,
    own,
    id === 'gpu_info' ? value : id === 'gpu_up' ? 0 : 'not_present',
  ]);
  run(120, [...reader(1, 0), ...lost]);
  expect(brief()).toEqual([['gpu_lost', '3', 'firing', 'critical']]);
  expect(alerts.current[0]?.text).toBe('node07 GPU 3 is lost for 2 min: the driver no longer reaches it');
});

test('a GPU that never came up fires after a minute', () => {
  run(60, [...reader(1, 1, 2), ...working]);
  expect(brief()).toEqual([['gpu_lost', null, 'pending', 'critical']]);
  run(2, [...reader(1, 1, 2), ...working]);
  expect(brief()).toEqual([['gpu_lost', null, 'firing', 'critical']]);
  expect(alerts.current[0]?.text).toBe('node07: the driver answers for 1 of 2 GPUs');
  run(1, [...reader(1, 2, 2), ...working]);
  expect(brief()).toEqual([]);
});

test('a dcgm-exporter that names fewer GPUs than stand on the bus is no alert', () => {
  run(120, [...reader(1, 1, 2), ['gpu_reader_info', ['dcgm_exporter', 'dcgm_exporter'], 1], ...working]);
  expect(brief()).toEqual([]);
});

describe('an Xid', () => {
  test.each([
    ['79', 'critical'],
    ['63', 'warning'],
  ])('%s is %s', (code, severity) => {
    run(3, [...working, xid(code, START_MS)]);
    expect(brief()).toEqual([['gpu_xid', '3', 'firing', severity]]);
    expect(alerts.current[0]).toMatchObject({ since_ms: START_MS, id: `gpu_xid:node07:3:GPU-3:${code}` });
    expect(alerts.current[0]?.text).toMatch(new RegExp(`^node07 GPU 3: Xid ${code}, .+\\. .+\\.$`));
  });

  test.each(['13', '31', '43', '45'])('%s is of the job and never pages', (code) => {
    run(3, [...working, xid(code, START_MS)]);
    expect(brief()).toEqual([]);
  });

  test('from long after now, of a clock that was set back, does not page for ever', () => {
    run(3, [...working, xid('79', START_MS + 86_400_000)]);
    expect(brief()).toEqual([]);
  });

  test('is history after an hour', () => {
    run(1, [...working, xid('79', START_MS - 3_599_000)]);
    expect(brief()).toHaveLength(1);
    run(3, [...working, xid('79', START_MS - 3_599_000)]);
    expect(brief()).toEqual([]);
  });
});

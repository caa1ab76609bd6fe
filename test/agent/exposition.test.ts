// A snapshot as text and as JSON: exact numbers, contiguous families, and what is missing said once.
import { bytes, seconds } from '#agent/contract';
import { beforeEach, describe, expect, test } from 'vitest';
import { renderDocument, TextPage } from '../../agent/exposition.ts';
import { Snapshot, type CounterSeries, type SeriesGroup } from '../../agent/snapshot.ts';

let snapshot: Snapshot;
let group: SeriesGroup;
let read: CounterSeries;

beforeEach(() => {
  snapshot = new Snapshot();
  group = snapshot.group();
  read = group.counter('disk_read_bytes_total', { device: 'nvme0n1' });
});

const page = (format: 'prometheus' | 'openmetrics' = 'prometheus') => new TextPage(snapshot, 'node07').render(format);

describe('text', () => {
  test('a counter beyond 2^53 is exact, a level has its base unit', () => {
    read.set(2n ** 64n + 1n);
    group.gauge('memory_total_bytes', {}).set(bytes(1024));
    group.counter('cpu_seconds_total', { numa_node: '0', mode: 'user' }).set(12_345);
    expect(page()).toBe(
      [
        '# HELP whyidle_disk_read_bytes_total Data read',
        '# TYPE whyidle_disk_read_bytes_total counter',
        'whyidle_disk_read_bytes_total{node="node07",device="nvme0n1"} 18446744073709551617',
        '# HELP whyidle_cpu_seconds_total CPU time of all CPUs of the NUMA node',
        '# TYPE whyidle_cpu_seconds_total counter',
        'whyidle_cpu_seconds_total{node="node07",numa_node="0",mode="user"} 123.45',
        '# HELP whyidle_memory_total_bytes Memory of the host',
        '# TYPE whyidle_memory_total_bytes gauge',
        'whyidle_memory_total_bytes{node="node07"} 1024',
        '',
      ].join('\n'),
    );
  });

  test('OpenMetrics names counters without _total in their head and ends with EOF', () => {
    read.set(5);
    expect(page('openmetrics')).toMatch(
      /^# HELP whyidle_disk_read_bytes .*\n# TYPE whyidle_disk_read_bytes counter\nwhyidle_disk_read_bytes_total\{.*\} 5\n# EOF\n$/,
    );
  });

  test('what has no value has no line; the reason has one, after those of whole areas', () => {
    snapshot.group().unavailable('gpu', '', 'not_present');
    read.absent('timed_out');
    group.counter('disk_reads_completed_total', { device: 'nvme0n1' }).set(3);
    const lines = page().split('\n');
    expect(lines.filter((line) => line.includes('disk_read_bytes_total'))).toEqual([
      'whyidle_unavailable{node="node07",area="block",device="nvme0n1",name="disk_read_bytes_total",reason="timed_out"} 1',
    ]);
    expect(lines).toContain('whyidle_unavailable{node="node07",area="gpu",device="",name="",reason="not_present"} 1');
    expect(lines.filter((line) => line.startsWith('# TYPE whyidle_unavailable'))).toHaveLength(1);
  });

  test('the same absence of several series of a device is said once', () => {
    const modes = ['user', 'system', 'idle'] as const;
    const series = modes.map((mode) => group.counter('cpu_seconds_total', { numa_node: '1', mode }));
    for (const one of series) one.absent('forbidden');
    const missing = () => page().split('\n').filter((line) => line.includes('name="cpu_seconds_total"')); // prettier-ignore
    expect(missing()).toEqual([
      'whyidle_unavailable{node="node07",area="cpu",device="1",name="cpu_seconds_total",reason="forbidden"} 1',
    ]);
    series[0]?.absent('malformed');
    expect(missing()).toHaveLength(2);
  });

  test('a series that stands in the snapshot twice is on the page once', () => {
    read.set(1);
    snapshot.group().counter('disk_read_bytes_total', { device: 'nvme0n1' }).set(2);
    expect(page().match(/^whyidle_disk_read_bytes_total\{/gm)).toHaveLength(1);
  });

  test('families stay together although devices come in any order', () => {
    for (const device of ['b', 'a']) {
      const one = snapshot.group();
      one.counter('disk_read_bytes_total', { device }).set(1);
      one.counter('disk_written_bytes_total', { device }).set(1);
    }
    read.set(1);
    const names = page().split('\n').filter((line) => line.startsWith('whyidle')).map((line) => line.split('{')[0]); // prettier-ignore
    expect(names).toEqual([...names].toSorted());
    expect(names).toHaveLength(5);
  });

  test('new values and new series are on the same page afterwards', () => {
    const same = new TextPage(snapshot, 'n');
    read.set(1);
    expect(same.render('prometheus')).toContain('} 1\n');
    read.set(2);
    expect(same.render('prometheus')).toContain('} 2\n');
    group.counter('disk_written_bytes_total', { device: 'nvme0n1' }).set(9);
    expect(same.render('prometheus')).toContain('} 9\n');
    group.clear();
    expect(same.render('prometheus')).toBe('');
  });

  test('label values are escaped', () => {
    group.gauge('filesystem_up', { device: 'a\\b', fstype: 'x"y', mountpoint: 'line\nbreak' }).set(1);
    expect(page()).toContain('{node="node07",device="a\\\\b",fstype="x\\"y",mountpoint="line\\nbreak"} 1');
  });
});

describe('JSON', () => {
  test('samples, absences and collectors', () => {
    read.set(2n ** 63n);
    group.gauge('memory_total_bytes', {}).absent('malformed');
    group.counter('cpu_seconds_total', { numa_node: '0', mode: 'user' }).set(150);
    group.gauge('collector_up', { area: 'cpu' }).set(1);
    group.gauge('collector_seconds', { area: 'cpu' }).set(seconds(0.0005));
    const document = renderDocument(snapshot, 'node07', 1_790_000_000_123);
    expect(document).toMatchObject({ schema_version: 1, node: 'node07', time: '2026-09-21T14:13:20.123Z' });
    expect(document.samples.slice(0, 2)).toEqual([
      { metric: 'whyidle_disk_read_bytes_total', labels: { device: 'nvme0n1' }, value: '9223372036854775808' },
      { metric: 'whyidle_cpu_seconds_total', labels: { numa_node: '0', mode: 'user' }, value: 1.5 },
    ]);
    expect(document.unavailable).toEqual([
      { area: 'memory', device: '', name: 'memory_total_bytes', reason: 'malformed' },
    ]);
    expect(document.collectors).toEqual([{ area: 'cpu', up: true, seconds: 0.0005 }]);
  });
});

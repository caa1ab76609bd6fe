// The metrics page, checked line by line: families whole, no series twice, absent values without a series.
import type { Registry } from 'prom-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { Exposition } from '../../../server/exposition/exposition.ts';
import { chooseFormat } from '../../../server/exposition/negotiation.ts';
import type { Page } from '../../../server/exposition/page-buffer.ts';
import { createRegistry } from '../../../server/exposition/own-metrics.ts';
import { MemoryStore } from '../../doubles/memory-store.ts';
import { storeValues } from '../../../server/exposition/store-values.ts';
import { Fleet } from '../../../server/fleet/fleet.ts';
import { Ledger } from '../../../server/ledger/ledger.ts';
import { checkExposition } from '../../exposition-check.ts';
import { gpuSeries, SetClock, StandInNode, START_MS, type StandInSeries } from '../stand-in.ts';

let clock: SetClock;
let fleet: Fleet;
let exposition: Exposition;
beforeEach(() => {
  clock = new SetClock();
  fleet = new Fleet(new Ledger());
  exposition = new Exposition(fleet, registry());
});

function registry(): Registry {
  return createRegistry({
    incidents: () => new Map(),
    attribution_coverage_ratio: () => 0,
    ledger_unobserved_seconds_total: () => 12.5,
    server_agents: () => 2,
    server_viewers: () => 0,
    server_frames_total: () => 40,
    server_frames_rejected_total: () => new Map([['malformed', 1]]),
    server_bytes_total: () => 4096,
    ...storeValues(new MemoryStore()),
  });
}

const node = (name: string): StandInNode => new StandInNode(name, { clock, fleet });
const text = async (format: 'prometheus' | 'openmetrics' = 'prometheus'): Promise<string> =>
  textOf(await exposition.renderFleet(format, clock.ms));
const textOf = ({ bytes }: Page): string => Buffer.from(bytes).toString();
const lines = (page: string, start: string): string[] => page.split('\n').filter((line) => line.startsWith(start));

const hostile = 'a"b\\c\nd{}=,é\u{1f600}';
const sample: readonly StandInSeries[] = [
  ...gpuSeries({ gpu: '0', busy: 37, processes: 1, memoryUsed: 31e9 }),
  ['build_info', ['0.1.0', 'abc', 'node'], 1],
  ['disk_read_bytes_total', [hostile], 2n ** 63n - 1n],
  ['disk_read_bytes_total', ['sda'], 512],
  ['cpu_seconds_total', ['0', 'user'], 12_345],
  ['pressure_io_waiting_seconds_total', [], 'unsupported'],
  ['unavailable', ['infiniband', '', '', 'not_present'], 1],
];

describe.each(['prometheus', 'openmetrics'] as const)('the page in %s', (format) => {
  test('is right in every line, with several nodes and an empty fleet', async () => {
    expect(checkExposition(await text(format))).toEqual([]);
    for (const name of ['node2', 'node10']) node(name).samples(45, sample);
    const page = await text(format);
    expect(checkExposition(page)).toEqual([]);
    expect(page.endsWith('# EOF\n')).toBe(format === 'openmetrics');
  });
});

describe('values', () => {
  test('are the exact counts, with the node first', async () => {
    node('n').sample(sample);
    const page = await text();
    expect(lines(page, 'whyidle_disk_read_bytes_total')).toEqual([
      `whyidle_disk_read_bytes_total{node="n",device="a\\"b\\\\c\\nd{}=,é\u{1f600}"} 9223372036854775807`,
      'whyidle_disk_read_bytes_total{node="n",device="sda"} 512',
    ]);
    expect(lines(page, 'whyidle_cpu_seconds')).toEqual([
      'whyidle_cpu_seconds_total{node="n",numa_node="0",mode="user"} 123.45',
    ]);
    expect(lines(page, 'whyidle_gpu_utilization_ratio')).toEqual([
      'whyidle_gpu_utilization_ratio{node="n",gpu="0",uuid="GPU-0",pci_bus_id="0000:00:00.0"} 0.37',
    ]);
  });

  test('that are absent have no series but a reason, each once', async () => {
    node('n').sample([
      ...sample,
      ['unavailable', ['pressure', '', 'pressure_io_waiting_seconds_total', 'unsupported'], 1],
      ['infiniband_hw_events_total', ['mlx5_0', '1', 'a'], 'forbidden'],
      ['infiniband_hw_events_total', ['mlx5_0', '1', 'b'], 'forbidden'],
    ]);
    const page = await text();
    expect(page).not.toMatch(/^whyidle_pressure_io/m);
    expect(lines(page, 'whyidle_unavailable').toSorted()).toEqual([
      'whyidle_unavailable{node="n",area="infiniband",device="",name="",reason="not_present"} 1',
      'whyidle_unavailable{node="n",area="infiniband",device="mlx5_0/1",name="infiniband_hw_events_total",reason="forbidden"} 1',
      'whyidle_unavailable{node="n",area="pressure",device="",name="pressure_io_waiting_seconds_total",reason="unsupported"} 1',
    ]);
  });

  test('that come back lose their reason', async () => {
    const one = node('n');
    one.sample([['load1', [], 'timed_out']]);
    expect(lines(await text(), 'whyidle_unavailable')).toHaveLength(1);
    one.sample([['load1', [], 150]]);
    const page = await text();
    expect(page).not.toContain('whyidle_unavailable');
    expect(lines(page, 'whyidle_load1')).toEqual(['whyidle_load1{node="n"} 1.5']);
  });

  test('of a series named twice appear once', async () => {
    node('n').sample([
      ['load1', [], 100],
      ['load1', [], 200],
      ['disk_size_bytes', ['x\ud800'], 1],
      ['disk_size_bytes', ['x\ud801'], 2],
    ]);
    const page = await text();
    expect(checkExposition(page)).toEqual([]);
    expect(lines(page, 'whyidle_load1')).toEqual(['whyidle_load1{node="n"} 1']);
    expect(lines(page, 'whyidle_disk_size_bytes')).toHaveLength(1);
  });
});

describe('verdicts', () => {
  test('one state per GPU and the booked seconds by class and owner', async () => {
    node('n').samples(51, sample);
    const page = await text();
    expect(lines(page, 'whyidle_gpu_state{')).toEqual([
      'whyidle_gpu_state{node="n",gpu="0",uuid="GPU-0",class="starved.unknown"} 1',
    ]);
    expect(lines(page, 'whyidle_gpu_state_seconds_total')).toEqual([
      'whyidle_gpu_state_seconds_total{node="n",gpu="0",uuid="GPU-0",class="productive.compute",owner="user"} 7.4',
      'whyidle_gpu_state_seconds_total{node="n",gpu="0",uuid="GPU-0",class="starved.unknown",owner="unknown"} 12.6',
    ]);
  });
});

describe('a node that is down', () => {
  test('keeps only what the server knows of it', async () => {
    const one = node('n');
    one.samples(3, sample);
    one.silence(40);
    const page = await text();
    expect(checkExposition(page)).toEqual([]);
    const own = lines(page, 'whyidle_').filter((line) => line.includes('node="n"'));
    expect([...new Set(own.map((line) => line.split('{')[0]))]).toEqual([
      'whyidle_gpu_state',
      'whyidle_gpu_state_seconds_total',
      'whyidle_node_up',
      'whyidle_node_last_sample_timestamp_seconds',
    ]);
    expect(lines(page, 'whyidle_gpu_state{')[0]).toContain('class="unobserved"');
    expect(lines(page, 'whyidle_node_up')).toEqual(['whyidle_node_up{node="n"} 0']);
    expect(lines(page, 'whyidle_node_last')).toEqual([
      `whyidle_node_last_sample_timestamp_seconds{node="n"} ${(START_MS + 2000) / 1000}`,
    ]);
  });
});

describe('the server', () => {
  test('is in one family with its agents and counts itself', async () => {
    node('n').sample(sample);
    const page = await text();
    const builds = lines(page, 'whyidle_build_info');
    expect(builds[0]).toBe('whyidle_build_info{node="n",version="0.1.0",commit="abc",runtime="node"} 1');
    expect(builds[1]).toMatch(/^whyidle_build_info\{version="/);
    expect(lines(page, 'whyidle_server')).toEqual([
      'whyidle_server_agents 2',
      'whyidle_server_viewers 0',
      'whyidle_server_frames_total 40',
      'whyidle_server_frames_rejected_total{reason="malformed"} 1',
      'whyidle_server_bytes_total 4096',
      'whyidle_server_journal_bytes 0',
      'whyidle_server_history_bytes 0',
      'whyidle_server_remote_write_pending_bytes 0',
      'whyidle_server_remote_write_samples_total{result="sent"} 0',
      'whyidle_server_remote_write_samples_total{result="dropped"} 0',
      'whyidle_server_remote_write_samples_total{result="rejected"} 0',
    ]);
    expect(lines(await text('openmetrics'), '# TYPE whyidle_server_frames')).toEqual([
      '# TYPE whyidle_server_frames counter',
      '# TYPE whyidle_server_frames_rejected counter',
    ]);
  });

  test('is not on the page of one node', () => {
    const one = node('n');
    node('other').sample(sample);
    one.sample(sample);
    const page = textOf(exposition.renderNode(one.node, 'prometheus', clock.ms));
    expect(checkExposition(page)).toEqual([]);
    expect(page).not.toMatch(/whyidle_server|node="other"/);
    expect(lines(page, 'whyidle_build_info')).toHaveLength(1);
  });
});

test.each([
  [undefined, 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/html,application/xhtml+xml;q=0.9,*/*;q=0.8', 'prometheus'],
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  ['application/openmetrics-text;q=0.2,text/plain', 'prometheus'],
])('Accept %s is answered in %s', (accept, format) => {
  expect(chooseFormat(accept)).toBe(format);
});

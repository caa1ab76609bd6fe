// What a GPU has to say besides its figures: nothing while it is well, and each trouble in words.
import { describe, expect, test } from 'vitest';
import { absenceReasons, type AgentMetricId } from '#agent/contract';
import type { NodeTick, SchemaEntry } from '#server/contract';
import { NodeValues, SeriesIndex } from '../../../web/live/node-values.ts';
import { ChartStore } from '../../../web/live/chart-store.ts';
import { minuteMean, nvlinkRate, pcieRate, throttleText } from '../../../web/parts/gpu-figures.ts';
import { nearestText, notesOf, xidsOf } from '../../../web/parts/gpu-notes.ts';

const own = ['0', 'GPU-0', '0000:3b:00.0'];
const other = ['1', 'GPU-1', '0000:5e:00.0'];
const device = { key: '0', labels: { gpu: '0', uuid: 'GPU-0', pci_bus_id: '0000:3b:00.0' } };

/** Metric, labels behind the GPU's own, value or reason, rate. */
type Given = readonly [AgentMetricId, readonly string[], number | (typeof absenceReasons)[number], number?];

function given(rows: readonly Given[], of = own) {
  const series = rows.map(([id, more]): SchemaEntry => [id, [...of, ...more]]);
  const bytes = (numbers: Float64Array | Float32Array) => new Uint8Array(numbers.buffer);
  const tick = {
    levels: bytes(Float64Array.from(rows, ([, , value]) => (typeof value === 'number' ? value : 0))),
    states: Uint8Array.from(rows, ([, , value]) => (typeof value === 'number' ? 0 : 1 + absenceReasons.indexOf(value))),
    rates: bytes(Float32Array.from(rows, ([, , , rate]) => rate ?? NaN)),
    derived: [],
  } as unknown as NodeTick; // all that is read of it here
  const index = new SeriesIndex(series);
  return { index, values: new NodeValues(index, tick) };
}
const notes = (rows: readonly Given[], of = own) => {
  const { index, values } = given(rows, of);
  return notesOf(index, values, device).map(({ text, bad }) => `${bad ? '!' : ''}${text}`);
};

describe('notes', () => {
  test('a GPU that is well has none', () => {
    expect(
      notes([
        ['gpu_ecc_errors_total', ['uncorrected', 'dram', 'volatile'], 0],
        ['gpu_retired_pages', ['double_bit'], 'unsupported'],
        ['gpu_remapped_rows', ['corrected'], 0],
        ['gpu_remapped_rows_failed', [], 0],
        ['gpu_nvlink_up', ['0'], 1],
        ['gpu_pcie_link_width', [], 16],
        ['gpu_pcie_link_width_max', [], 16],
        ['gpu_recovery_action', [], 0],
        ['gpu_dcp_suspect', [], 0],
      ]),
    ).toEqual([]);
  });

  test.each<readonly [readonly Given[], readonly string[]]>([
    [
      [
        ['gpu_ecc_errors_total', ['uncorrected', 'dram', 'volatile'], 1],
        ['gpu_ecc_errors_total', ['uncorrected', 'sram', 'volatile'], 1],
        ['gpu_ecc_errors_total', ['uncorrected', 'dram', 'aggregate'], 7],
        ['gpu_ecc_errors_total', ['corrected', 'dram', 'volatile'], 15],
        ['gpu_ecc_errors_total', ['corrected', 'dram', 'aggregate'], 99],
      ],
      [
        '!2 uncorrected ECC errors since the driver loaded',
        '7 uncorrected ECC errors ever',
        '15 corrected ECC errors since the driver loaded',
      ],
    ],
    [
      [
        ['gpu_retired_pages', ['single_bit'], 2],
        ['gpu_retired_pages', ['double_bit'], 1],
        ['gpu_retired_pages_pending', [], 1],
      ],
      ['3 retired pages', '!pages wait to be retired'],
    ],
    [
      [
        ['gpu_remapped_rows', ['uncorrected'], 1],
        ['gpu_remapped_rows_failed', [], 1],
      ],
      ['1 remapped row', '!a row could not be remapped: replace the GPU'],
    ],
    [
      [
        ['gpu_nvlink_up', ['0'], 1],
        ['gpu_nvlink_up', ['1'], 0],
        ['gpu_nvlink_up', ['2'], 'unsupported'],
      ],
      ['!1 of 2 NVLinks down'],
    ],
    [
      [
        ['gpu_nvlink_up', ['0'], 0],
        ['gpu_nvlink_up', ['1'], 0],
      ],
      [],
    ],
    [
      [
        ['gpu_pcie_link_width', [], 8],
        ['gpu_pcie_link_width_max', [], 16],
        ['gpu_recovery_action', [], 2],
      ],
      ['!PCIe x8 of x16', '!the driver asks for a restart of the node'],
    ],
  ])('%j', (rows, expected) => {
    expect(notes(rows)).toEqual(expected);
  });

  test('are those of this GPU alone', () => {
    expect(notes([['gpu_retired_pages', ['double_bit'], 5]], other)).toEqual([]);
  });
});

test('Xids: the worst first, then the newest, with what they mean; one seen before the agent started counts nothing', () => {
  const { index, values } = given([
    ['gpu_xid_errors_total', ['31'], 3],
    ['gpu_xid_last_timestamp_seconds', ['31'], 2000],
    ['gpu_xid_errors_total', ['79'], 0],
    ['gpu_xid_last_timestamp_seconds', ['79'], 1000],
    ['gpu_xid_errors_total', ['13'], 1],
    ['gpu_xid_last_timestamp_seconds', ['13'], 3000],
    ['gpu_xid_last_timestamp_seconds', ['94'], 'timed_out'],
  ]);
  const xids = xidsOf(index, values, device);
  expect(xids.map(({ code, class: kind, count, lastMs }) => [code, kind, count, lastMs])).toEqual([
    [79, 'hardware', 0, 1_000_000],
    [13, 'application', 1, 3_000_000],
    [31, 'application', 3, 2_000_000],
  ]);
  expect(xids.every(({ title, advice }) => title !== '' && advice.endsWith('.'))).toBe(true);
});

test('the nearest InfiniBand adapters and what lies between', () => {
  const { index } = given([
    ['gpu_nearest_infiniband_info', ['mlx5_0', 'PIX'], 1],
    ['gpu_nearest_infiniband_info', ['mlx5_1', 'PIX'], 1],
  ]);
  expect(nearestText(index, device)).toBe('mlx5_0, mlx5_1 (PIX)');
  expect(nearestText(index, { key: '1', labels: { gpu: '1', uuid: 'GPU-1' } })).toBe('');
});

describe('figures of more than one series', () => {
  test('NVLink is the sum over the links that say; PCIe falls back to the level', () => {
    const { index, values } = given([
      ['gpu_nvlink_rx_bytes_total', ['0'], 5, 10],
      ['gpu_nvlink_rx_bytes_total', ['1'], 5, 32],
      ['gpu_nvlink_rx_bytes_total', ['2'], 'unsupported'],
      ['gpu_nvlink_tx_bytes_per_second', ['all'], 7],
      ['gpu_pcie_rx_bytes_total', [], 'unsupported'],
      ['gpu_pcie_rx_bytes_per_second', [], 9],
      ['gpu_pcie_tx_bytes_total', [], 'unsupported'],
    ]);
    expect(nvlinkRate(index, values, device, 'rx')).toEqual({ kind: 'value', value: 42 });
    expect(nvlinkRate(index, values, device, 'tx')).toEqual({ kind: 'value', value: 7 });
    expect(pcieRate(values, device, 'rx')).toEqual({ kind: 'value', value: 9 });
    expect(pcieRate(values, device, 'tx')).toEqual({ kind: 'absent', reason: 'unsupported' });
  });

  test('throttling names its reasons, and idleness is none', () => {
    const of = (rows: readonly Given[]) => throttleText(given(rows).values, device);
    expect(of([['gpu_throttle_active', ['gpu_idle'], 1]])).toBe('not known');
    expect(
      of([
        ['gpu_throttle_active', ['gpu_idle'], 1],
        ['gpu_throttle_active', ['sw_power_cap'], 0],
      ]),
    ).toBe('no');
    expect(of([['gpu_throttle_active', ['hw_thermal_slowdown'], 1]])).toBe('hw thermal slowdown');
  });
});

test('the mean of the last minute leaves out what is older and what is not there', () => {
  const store = new ChartStore([['gpu_throttle_seconds_total', [...own, 'sw_power_cap']]]);
  expect(minuteMean(store, 'gpu_throttled', 'GPU 1')).toBeUndefined();
  expect(minuteMean(store, 'gpu_throttled', 'GPU 0')).toEqual({ kind: 'value', value: NaN });
  const add = (second: number, rate: number): void => {
    store.add(1_000_000 + second * 1000, { level: () => NaN, rate: () => rate });
  };
  for (let second = 0; second < 40; second++) add(second, 1);
  for (let second = 40; second < 100; second++) add(second, second < 55 ? 1 : 0);
  expect(minuteMean(store, 'gpu_throttled', 'GPU 0')).toEqual({ kind: 'value', value: 0.25 });
  add(100, NaN);
  expect(minuteMean(store, 'gpu_throttled', 'GPU 0')).toEqual({ kind: 'value', value: 14 / 59 });
});

// What is derived for ports and disks of nodes, by hand: ratios against the data rate, latency over ten seconds, quiet levels,
// ceilings.
import { beforeEach, describe, expect, test } from 'vitest';
import type { DerivedMetricId } from '#agent/contract';
import { Derived } from '../../../server/derived/derived.ts';
import { ceilingOf, useDisk } from '../../../server/derived/disk.ts';
import { usePort } from '../../../server/derived/port.ts';
import { QUIET_WINDOWS, QuietLevel } from '../../../server/derived/quiet-level.ts';
import { FabricWatch } from '../../../server/fabric/watch.ts';
import { StandInNode, type StandInSeries } from '../stand-in.ts';

let one: StandInNode;
let derived: Derived;
beforeEach(() => {
  one = new StandInNode('n');
  derived = new Derived(one.fleet, new FabricWatch());
});

/** A sample each second, made by its number. */
function run(seconds: number, sample: (second: number) => readonly StandInSeries[]): void {
  for (let second = 0; second < seconds; second++) {
    one.samples(1, sample(second));
    derived.renew(one.clock.ms);
  }
}
const value = (id: DerivedMetricId, ...labels: string[]): number => derived.value(one.node, id, labels);

describe('a port', () => {
  const port = ['mlx5_0', '1'];
  /** 100 Gb/s. */
  const EDR_RATE = 12.5e9;
  const series =
    (ticks: number, further: readonly StandInSeries[] = []) =>
    (second: number): readonly StandInSeries[] => [
      ['infiniband_data_rate_bytes_per_second', port, EDR_RATE],
      ['infiniband_link_width_lanes', port, 4],
      ['infiniband_port_data_received_bytes_total', port, second * 10e9],
      ['infiniband_port_data_transmitted_bytes_total', port, second * 2.5e9],
      ['infiniband_port_transmit_wait_ticks_total', port, second * ticks],
      ...further,
    ];

  test('is used by direction', () => {
    run(3, series(0));
    expect(value('infiniband_utilization_ratio', ...port, 'receive')).toBeCloseTo(0.8, 9);
    expect(value('infiniband_utilization_ratio', ...port, 'transmit')).toBeCloseTo(0.2, 9);
  });

  test('has a range where the tick is not known', () => {
    // 7,812,500 ticks a second: 0.5 % at 8 bytes, 8 % at 128 bytes.
    run(3, series(7_812_500));
    expect(value('infiniband_congestion_ratio', ...port)).toBeCloseTo(0.005, 9);
    expect(value('infiniband_congestion_ratio_upper', ...port)).toBeCloseTo(0.08, 9);
  });

  test('has one figure where the agent tells the tick', () => {
    run(3, series(7_812_500, [['infiniband_port_transmit_wait_tick_bytes', port, 128]]));
    expect(value('infiniband_congestion_ratio', ...port)).toBeCloseTo(0.08, 9);
    expect(value('infiniband_congestion_ratio_upper', ...port)).toBeNaN();
  });

  test('that waits longer than a second in a second has the short tick, from then on', () => {
    // A tenth of the time at 8 bytes would be 160 % at 128 bytes.
    run(3, series(156_250_000));
    expect(value('infiniband_congestion_ratio', ...port)).toBeCloseTo(0.1, 9);
    expect(value('infiniband_congestion_ratio_upper', ...port)).toBeNaN();
    run(3, series(7_812_500, [['load1', [], 1]]));
    expect(value('infiniband_congestion_ratio_upper', ...port)).toBeNaN();
  });

  test('that is not active, or whose counter is saturated, has none', () => {
    run(3, () => [
      ['infiniband_data_rate_bytes_per_second', port, 'not_present'],
      ['infiniband_port_data_received_bytes_total', port, 5],
      ['infiniband_port_transmit_wait_ticks_total', port, 'saturated'],
    ]);
    for (const id of ['infiniband_utilization_ratio', 'infiniband_congestion_ratio'] as const)
      expect(value(id, ...port)).toBeNaN();
  });

  test('never carries more than it can', () => {
    const reading = {
      receivedPerSecond: 13e9,
      transmittedPerSecond: NaN,
      waitTicksPerSecond: 1e12,
      dataRate: EDR_RATE,
    };
    expect(usePort(reading, { low: 8, high: 128 })).toEqual({
      receive: 1,
      transmit: NaN,
      congestionLow: 1,
      congestionHigh: 1,
    });
  });
});

describe('a disk', () => {
  const info = ['nvme0n1', 'm', 's', 'w', 'nvme', 'nvme0', '0', '0000:01:00.0', '0'];
  /** Reads a second, each of so many milliseconds and 1 MB. */
  const reading =
    (perSecond: number, ms: number) =>
    (second: number): readonly StandInSeries[] => {
      const reads = second * perSecond;
      return [
        ['disk_info', info, 1],
        ['disk_reads_completed_total', ['nvme0n1'], reads],
        ['disk_read_time_seconds_total', ['nvme0n1'], reads * ms],
        ['disk_read_bytes_total', ['nvme0n1'], reads * 1e6],
        ['disk_writes_completed_total', ['nvme0n1'], 0],
        ['disk_write_time_seconds_total', ['nvme0n1'], 0],
        ['disk_written_bytes_total', ['nvme0n1'], 0],
        ['disk_io_time_weighted_seconds_total', ['nvme0n1'], reads * ms],
        ['nvme_pcie_link_generation', ['nvme0'], 3],
        ['nvme_pcie_link_width', ['nvme0'], 4],
      ];
    };

  test('has the mean latency of ten seconds, and none without I/Os', () => {
    run(5, reading(100, 3));
    expect(value('disk_read_latency_seconds', 'nvme0n1')).toBeCloseTo(0.003, 9);
    expect(value('disk_write_latency_seconds', 'nvme0n1')).toBeNaN();
  });

  test('has a quiet level that a busy hour does not move', () => {
    run(QUIET_WINDOWS * 10 + 1, reading(100, 1));
    const quiet = value('disk_read_latency_baseline_seconds', 'nvme0n1');
    expect(quiet).toBeGreaterThan(0.0008);
    expect(quiet).toBeLessThan(0.0013);
    expect(value('disk_read_latency_baseline_seconds', 'nvme0n1')).toBe(quiet);
  });

  test('has the ceiling of its link while one I/O is in flight', () => {
    // Four lanes of PCIe 3.0 carry 3.94 GB/s. 1000 reads of 1 ms a second are one in flight.
    run(25, reading(1000, 1));
    expect(value('disk_throughput_ceiling_bytes_per_second', 'nvme0n1')).toBeCloseTo(3.9384e9, -6);
  });

  test('has the best it kept up under load as its ceiling', () => {
    // 2000 reads of 3 ms a second are six in flight.
    run(25, reading(2000, 3));
    expect(value('disk_throughput_ceiling_bytes_per_second', 'nvme0n1')).toBeCloseTo(2e9, -6);
  });

  test('whose counts fell is another one', () => {
    const counts = {
      atMs: 0,
      reads: 10,
      readTime: 1,
      readBytes: 0,
      writes: 0,
      writeTime: 0,
      writtenBytes: 0,
      weighted: 0,
    };
    expect(useDisk(counts, { ...counts, atMs: 1000, reads: 9 })).toBeUndefined();
    expect(useDisk(counts, { ...counts, atMs: 2000, reads: 20, readTime: 1.5, readBytes: 4096 })).toMatchObject({
      readLatency: 0.05,
      writeLatency: NaN,
      bytesPerSecond: 2048,
    });
  });

  test('a ceiling is the smaller of what is known', () => {
    expect([ceilingOf(4e9, 3e9), ceilingOf(4e9, NaN), ceilingOf(NaN, 3e9), ceilingOf(NaN, NaN)]).toEqual([
      3e9,
      4e9,
      3e9,
      NaN,
    ]);
  });
});

describe('a quiet level', () => {
  test('is the tenth of the windows that is quietest', () => {
    const level = new QuietLevel();
    for (let window = 0; window < 100; window++) level.add(window < 15 ? 0.0001 : 0.05, 0);
    expect(level.seconds).toBeGreaterThan(0.00009);
    expect(level.seconds).toBeLessThan(0.00012);
  });

  test('is not known before enough was seen', () => {
    const level = new QuietLevel();
    for (let window = 1; window < QUIET_WINDOWS; window++) level.add(0.001, 0);
    expect(level.seconds).toBeNaN();
    level.add(0.001, 0);
    expect(level.seconds).not.toBeNaN();
  });

  test('follows a disk that changed for good, over a day', () => {
    const level = new QuietLevel();
    for (let window = 0; window < 1000; window++) level.add(0.0001, 0);
    for (let hour = 1; hour <= 24; hour++)
      for (let window = 0; window < 100; window++) level.add(0.01, hour * 3_600_000);
    expect(level.seconds).toBeGreaterThan(0.005);
  });
});

test('a node without such devices costs nothing and has nothing', () => {
  run(3, () => [['load1', [], 1]]);
  expect(derived.seriesOf(one.node, 'disk_read_latency_seconds')).toEqual([]);
  expect(derived.seriesOf(one.node, 'infiniband_port_peer_info')).toEqual([]);
});

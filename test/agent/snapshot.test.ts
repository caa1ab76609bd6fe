// The snapshot: order, generations, and that what was never read or is no number is absent.
import { agentMetricIds, bytes, stateOfReason, type Quantity } from '#agent/contract';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { Snapshot } from '../../agent/snapshot.ts';

describe('values', () => {
  test('a series is absent until it is read', () => {
    const group = new Snapshot().group();
    expect(group.gauge('load1', {}).state).toBe(stateOfReason('not_present'));
    expect(group.counter('agent_frames_total', {}).state).toBe(stateOfReason('not_present'));
  });

  test('a level is kept in whole steps of its row', () => {
    const load = new Snapshot().group().gauge('load1', {});
    load.set(1.234);
    expect([load.steps, load.state]).toEqual([123, 0]);
  });

  test('a level takes its own unit alone', () => {
    const total = new Snapshot().group().gauge('memory_total_bytes', {});
    expectTypeOf<Parameters<typeof total.set>[0]>().toEqualTypeOf<Quantity<'bytes'>>();
    expectTypeOf<number>().not.toExtend<Parameters<typeof total.set>[0]>();
    total.set(bytes(4096));
    expect(total.steps).toBe(4096);
  });

  test.each([NaN, Infinity, -Infinity])('%s is malformed, never zero', (odd) => {
    const load = new Snapshot().group().gauge('load1', {});
    load.set(1);
    load.set(odd);
    expect(load.state).toBe(stateOfReason('malformed'));
  });

  test('a group loses its values together, what it is stays', () => {
    const snapshot = new Snapshot();
    const group = snapshot.group();
    group.info('infiniband_port_info', {
      ...{ device: 'mlx5_0', port: '1', link_layer: 'InfiniBand', guid: '', lid: '', rail: '', role: '', netdev: '' },
    });
    group.gauge('infiniband_state_id', { device: 'mlx5_0', port: '1' }).set(4);
    group.absent('timed_out');
    expect(snapshot.series.map(({ row, state }) => [row.kind, state])).toEqual([
      ['info', 0],
      ['gauge', stateOfReason('timed_out')],
    ]);
  });
});

describe('the set of series', () => {
  test('stands in the order of the catalogue', () => {
    const snapshot = new Snapshot();
    const late = snapshot.group();
    late.gauge('load1', {});
    snapshot.group().counter('disk_read_bytes_total', { device: 'a' });
    const places = snapshot.series.map(({ id }) => agentMetricIds.indexOf(id));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(snapshot.series).toHaveLength(2);
  });

  test('has a new generation only when a series came or went', () => {
    const snapshot = new Snapshot();
    const group = snapshot.group();
    const load = group.gauge('load1', {});
    const generation = snapshot.generation;
    const { series } = snapshot;
    load.set(5);
    load.absent('malformed');
    expect([snapshot.generation, snapshot.series === series]).toEqual([generation, true]);
    group.gauge('load5', {});
    expect(snapshot.generation).toBe(generation + 1);
    group.clear();
    expect([snapshot.generation, snapshot.series]).toEqual([generation + 2, []]);
    group.clear();
    expect(snapshot.generation).toBe(generation + 2);
    snapshot.remove(group);
    expect(snapshot.generation).toBe(generation + 3);
  });

  test('a group that was removed leaves nothing behind', () => {
    const snapshot = new Snapshot();
    const group = snapshot.group();
    group.gauge('load1', {});
    snapshot.remove(group);
    expect(snapshot.series).toEqual([]);
  });
});

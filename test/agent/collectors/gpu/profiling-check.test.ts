// Whether profiling counters can be believed, from what the devices show.
import { describe, expect, it } from 'vitest';
import { absent, ratio, watts, type Absence, type Quantity } from '#agent/contract';
import { GpuDevice } from '../../../../agent/collectors/gpu/device.ts';
import { ProfilingCheck } from '../../../../agent/collectors/gpu/profiling-check.ts';
import { columnOf, noFacts, valueIn, type GpuValue } from '../../../../agent/parse/gpu/sheet.ts';
import { Snapshot } from '../../../../agent/snapshot.ts';

const identity = { gpu: '0', uuid: 'GPU-a', pci_bus_id: '' };
const engine = columnOf('gpu_graphics_engine_active_ratio');
const working = [
  valueIn(columnOf('gpu_utilization_ratio'), ratio(1)),
  valueIn(columnOf('gpu_power_watts'), watts(300)),
  valueIn(columnOf('gpu_power_limit_watts'), watts(400)),
];

function start() {
  const snapshot = new Snapshot();
  const device = new GpuDevice({ snapshot, identity, numaNode: '', processSeries: false });
  const check = new ProfilingCheck(snapshot);
  let nowMs = 0;
  const watch = (seconds: number): void => {
    for (let second = 0; second < seconds; second++) check.look((nowMs += 1000), [device]);
  };
  const fill = (layer: 'carrier' | 'profiling', values: readonly GpuValue[]): void => {
    device.fill(layer, { identity, facts: noFacts, loss: undefined, values });
  };
  const suspect = () => snapshot.series.find(({ id }) => id === 'gpu_dcp_suspect')?.steps;
  return { device, watch, fill, suspect };
}

describe('profiling counters of a GPU that works', () => {
  it.each<[string, Quantity<'ratio'> | Absence]>([
    ['read 0', ratio(0)],
    ['are blank', absent('not_present')],
  ])('are suspect when they %s for a minute', (_, dead) => {
    const { watch, fill, suspect } = start();
    fill('carrier', working);
    fill('profiling', [valueIn(engine, ratio(0.9))]);
    watch(20);
    fill('profiling', [valueIn(engine, dead)]);
    watch(59);
    expect(suspect()).toBe(0);
    watch(2);
    expect(suspect()).toBe(1);
  });

  it('are not suspect when nobody reads them any more', () => {
    const { device, watch, fill, suspect } = start();
    fill('carrier', working);
    fill('profiling', [valueIn(engine, ratio(0.9))]);
    watch(20);
    device.release('profiling');
    watch(120);
    expect(suspect()).toBeUndefined();
  });
});

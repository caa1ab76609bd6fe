// The GPUs of a node as reports name them: told twice, swapped, named only later, lost by the hundred.
import { describe, expect, it } from 'vitest';
import { celsius, ratio, reasonOfState } from '#agent/contract';
import { GpuDevices } from '../../../../agent/collectors/gpu/devices.ts';
import { columnOf, noFacts, valueIn, type GpuIdentity, type GpuSheet } from '../../../../agent/parse/gpu/sheet.ts';
import { Snapshot } from '../../../../agent/snapshot.ts';

const busy = columnOf('gpu_utilization_ratio');
const heat = columnOf('gpu_temperature_celsius');

function answering(identity: Partial<GpuIdentity>): GpuSheet {
  return {
    identity: { gpu: '', uuid: '', pci_bus_id: '', ...identity },
    facts: noFacts,
    loss: undefined,
    values: [valueIn(busy, ratio(0.5)), valueIn(heat, celsius(40))],
  };
}

function start() {
  const snapshot = new Snapshot();
  const devices = new GpuDevices({ snapshot, gpuSources: { processSeries: false } }, () => '');
  const up = (): readonly string[] =>
    snapshot.series.filter(({ id }) => id === 'gpu_up').map(({ labels, steps }) => [...labels, steps].join(' '));
  return { snapshot, devices, up };
}

const first = { gpu: '0', uuid: 'GPU-a', pci_bus_id: '00000000:3B:00.0' };
const second = { gpu: '1', uuid: 'GPU-b', pci_bus_id: '00000000:D8:00.0' };

describe('one report', () => {
  it.each<[string, GpuIdentity]>([
    ['the same UUID elsewhere', { ...second, uuid: 'GPU-a' }],
    ['the same index without a UUID', { gpu: '0', uuid: '', pci_bus_id: '' }],
  ])('that tells a GPU twice, by %s, shows the first and changes nothing from tick to tick', (_, again) => {
    const { devices, snapshot, up } = start();
    expect(devices.carry([answering(first), answering(again)], true)).toBe(true);
    const { generation } = snapshot;
    expect(devices.carry([answering(first), answering(again)], true)).toBe(false);
    expect([snapshot.generation, up()]).toEqual([generation, ['0 GPU-a 00000000:3B:00.0 1']]);
  });
});

describe('a GPU that is named no more', () => {
  it('is lost', () => {
    const { devices, up } = start();
    devices.carry([answering(first), answering(second)], true);
    expect(devices.carry([answering(first)], true)).toBe(false);
    expect(up()).toEqual(['0 GPU-a 00000000:3B:00.0 1', '1 GPU-b 00000000:D8:00.0 0']);
  });

  it('on a page of another program is not known to be lost', () => {
    const { devices, snapshot } = start();
    devices.carry([answering(first), answering(second)], true);
    devices.carry([answering(first)], false);
    const ofSecond = snapshot.series.filter(({ labels, row }) => labels[1] === 'GPU-b' && row.kind !== 'info');
    expect(ofSecond.map(({ id, state }) => [id, reasonOfState(state)])).toEqual([
      ['gpu_up', 'not_present'],
      ['gpu_utilization_ratio', 'not_present'],
      ['gpu_temperature_celsius', 'not_present'],
    ]);
    expect(snapshot.series.some(({ id }) => id === 'unavailable')).toBe(false);
  });

  it('is gone when another one stands in its place', () => {
    const { devices, up } = start();
    devices.carry([answering(first), answering(second)], true);
    const swapped = { ...second, uuid: 'GPU-c' };
    expect(devices.carry([answering(first), answering(swapped)], true)).toBe(true);
    expect(up()).toEqual(['0 GPU-a 00000000:3B:00.0 1', '1 GPU-c 00000000:D8:00.0 1']);
  });

  it('is no other GPU when it had no name before', () => {
    const { devices, up } = start();
    devices.carry([answering(first), { ...answering({ gpu: '1' }), loss: 'not_present', values: [] }], true);
    expect(up()).toEqual(['0 GPU-a 00000000:3B:00.0 1', '1   0']);
    devices.carry([answering(first), answering(second)], true);
    expect(up()).toEqual(['0 GPU-a 00000000:3B:00.0 1', '1 GPU-b 00000000:D8:00.0 1']);
  });

  it('is forgotten before others when hundreds come and go', () => {
    const { devices } = start();
    for (let index = 0; index < 1000; index++)
      devices.carry([answering(first), answering({ uuid: `GPU-${index}` })], true);
    expect(devices.size).toBe(256);
    expect(devices.identities[0]).toEqual(first);
    expect(devices.identities.at(-1)?.uuid).toBe('GPU-999');
  });
});

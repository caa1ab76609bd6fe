// The InfiniBand reader over the corpus' sysfs trees, against the facts of ../shared/corpus/infiniband/SOURCES.md.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentMetricId } from '#agent/contract';
import { infiniband } from '../../agent/collectors/infiniband.ts';
import { readAll, startReading, type Reading } from '../doubles/reading.ts';
import { copyTree } from '../doubles/steps.ts';
import { leftOut } from '../left-out.ts';

const corpus = join(import.meta.dirname, '../../../shared/corpus/infiniband/sysfs');
const present = existsSync(corpus);
if (!present) leftOut('corpus/infiniband', 'the corpus is not here', { evenInCi: true });

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-corpus-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

describe.skipIf(!present)('procfs-a', () => {
  it('mlx4_0, ConnectX-3, two ports', async () => {
    const reading = await readTree('procfs-a');
    const port1 = { device: 'mlx4_0', port: '1' };
    const port2 = { device: 'mlx4_0', port: '2' };
    expect(
      values(reading, port1, [
        'infiniband_port_data_received_bytes_total',
        'infiniband_port_data_transmitted_bytes_total',
        'infiniband_port_packets_received_total',
        'infiniband_port_packets_transmitted_total',
        'infiniband_port_transmit_wait_ticks_total',
        'infiniband_symbol_error_total',
        'infiniband_link_downed_total',
        'infiniband_rate_bytes_per_second',
        'infiniband_data_rate_bytes_per_second',
        'infiniband_state_id',
        'infiniband_physical_state_id',
      ]),
    ).toEqual([8884894436, 106036453180, 87169372, 85734114, 3599, 0, 0, 5e9, 4e9, 4, 5]);
    expect(
      values(reading, port2, [
        'infiniband_port_data_received_bytes_total',
        'infiniband_port_data_transmitted_bytes_total',
        'infiniband_port_transmit_wait_ticks_total',
      ]),
    ).toEqual([9841747136, 106161427560, 3846]);
    expect(reading.labels('infiniband_port_info', port2)?.['link_layer']).toBe('InfiniBand');
    expect(reading.labels('infiniband_info', { device: 'mlx4_0' })).toMatchObject({
      firmware_version: '2.31.5050',
      hca_type: 'MT4099',
    });
  });

  it('mlx5_0, one lane of four, and a physical state of its own', async () => {
    const reading = await readTree('procfs-a');
    const port = { device: 'mlx5_0', port: '1' };
    expect(
      values(reading, port, [
        'infiniband_port_data_received_bytes_total',
        'infiniband_port_data_transmitted_bytes_total',
        'infiniband_rate_bytes_per_second',
        'infiniband_link_width_lanes',
        'infiniband_state_id',
        'infiniband_physical_state_id',
      ]),
    ).toEqual([72505381512, 11523046035392, 3.125e9, 1, 4, 4]);
    const event = (counter: string) => reading.value('infiniband_hw_events_total', { ...port, counter });
    expect([event('local_ack_timeout_err'), event('roce_adp_retrans'), event('out_of_sequence')]).toEqual([131, 99, 1]);
    expect(event('lifespan')).toBeUndefined();
  });

  it('hfi1_0, Omni-Path: no type and no events of its own', async () => {
    const reading = await readTree('procfs-a');
    const port = { device: 'hfi1_0', port: '1' };
    expect(
      values(reading, port, [
        'infiniband_port_data_received_bytes_total',
        'infiniband_port_data_transmitted_bytes_total',
        'infiniband_unicast_packets_received_total',
        'infiniband_data_rate_bytes_per_second',
      ]),
    ).toEqual([345091702026 * 4, 273558326543 * 4, 'not_present', 12.5e9]);
    expect(reading.labels('infiniband_info', { device: 'hfi1_0' })?.['hca_type']).toBe('');
    expect(reading.value('infiniband_hw_events_total', { device: 'hfi1_0' })).toBeUndefined();
  });
});

describe.skipIf(!present)('nodeexporter-b', () => {
  it('i40iw0 has no counter and disturbs nobody', async () => {
    const reading = await readTree('nodeexporter-b');
    const port = { device: 'i40iw0', port: '1' };
    const counters = reading.snapshot.series.filter(
      ({ row, labels }) => row.kind === 'counter' && labels[0] === 'i40iw0' && row.source.startsWith('counters/'),
    );
    expect(counters.length).toBeGreaterThan(15);
    expect(counters.filter(({ state }) => state === 0)).toEqual([]);
    expect(reading.value('infiniband_port_data_received_bytes_total', port)).toBe('unsupported');
    expect(reading.value('infiniband_rate_bytes_per_second', port)).toBe(1.25e9);
    expect(reading.value('infiniband_port_discards_transmitted_total', { device: 'mlx4_0', port: '1' })).toBe(5);
  });

  it('mlx4_0 takes the larger of counters and counters_ext', async () => {
    const reading = await readTree('nodeexporter-b');
    const port1 = { device: 'mlx4_0', port: '1' };
    const port2 = { device: 'mlx4_0', port: '2' };
    expect(reading.value('infiniband_port_transmit_wait_ticks_total', port1)).toBe('saturated');
    expect(reading.value('infiniband_saturated', { ...port1, counter: 'port_xmit_wait' })).toBe(1);
    expect(reading.value('infiniband_port_packets_received_total', port1)).toBe(6825908347);
    expect(reading.value('infiniband_port_data_received_bytes_total', port2)).toBe(4631917 * 4);
    expect(reading.value('infiniband_port_data_transmitted_bytes_total', port2)).toBe(3733440 * 4);
    expect(
      reading.lines().filter((line) => line.startsWith('infiniband_port_data_received_bytes_total{mlx4_0,2}')),
    ).toHaveLength(1);
  });
});

describe.skipIf(!present)('gcm-node', () => {
  const devices = [0, 1, 2, 3, 6, 7, 8, 9].map((number) => `mlx5_${number}`);
  const buses = ['0c', '12', '4b', '54', '8d', '94', 'ba', 'cc'];

  it.each([
    ['learn_good.json', 25e9, '20.31.2354', [4, 16]],
    ['learn_ib_intf_bad_rate.json', 12.5e9, 'fw_ver', ['not_present', 'not_present']],
  ])('%s', async (file, rate, firmware, pcie) => {
    expandPaths(file);
    const reading = startReading(infiniband, root);
    await readAll(reading);
    for (const [index, device] of devices.entries()) {
      const port = { device, port: '1' };
      expect(reading.labels('infiniband_info', { device })).toMatchObject({
        pci_bus_id: `00000000:${buses[index] ?? ''}:00.0`,
        firmware_version: firmware,
        node_guid: 'node_guid',
      });
      expect(reading.labels('infiniband_port_info', port)).toMatchObject({ netdev: `ib${index}`, role: 'compute' });
      expect(
        values(reading, port, [
          'infiniband_state_id',
          'infiniband_physical_state_id',
          'infiniband_rate_bytes_per_second',
          'infiniband_data_rate_bytes_per_second',
          'infiniband_carrier_down_total',
          'infiniband_port_data_received_bytes_total',
        ]),
      ).toEqual([4, 5, rate, rate, 1, 'not_present']);
      expect(values(reading, { device }, ['infiniband_pcie_link_generation', 'infiniband_pcie_link_width'])).toEqual(
        pcie,
      );
    }
    expect(reading.snapshot.series.filter(({ id }) => id === 'infiniband_info')).toHaveLength(8);
  });
});

function values(reading: Reading, labels: Readonly<Record<string, string>>, ids: readonly AgentMetricId[]) {
  return ids.map((id) => reading.value(id, labels));
}

async function readTree(name: string): Promise<Reading> {
  copyTree(join(corpus, name), join(root, 'sys'));
  const reading = startReading(infiniband, root);
  await readAll(reading);
  return reading;
}

function expandPaths(file: string): void {
  const text = readFileSync(join(corpus, 'gcm-node', file), 'utf8');
  for (const [path, content] of Object.entries(v.parse(v.record(v.string(), v.string()), JSON.parse(text)))) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

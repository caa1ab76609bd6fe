// The InfiniBand reader over a tree that changes: traffic, resets, saturation, a device that goes away and comes back.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { infiniband } from '../../../agent/collectors/infiniband.ts';
import { hcaSpecs, portPath, writeHcas, type HcaSpec } from '../../doubles/infiniband/tree.ts';
import { readAll, startReading } from '../../doubles/reading.ts';

const port0 = { device: 'mlx5_0', port: '1' };
const received = 'infiniband_port_data_received_bytes_total';
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-ib-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(device: string, file: string, text: string): void {
  writeFileSync(join(portPath(root, device), file), text);
}

async function readHca(spec: Partial<HcaSpec>) {
  writeHcas(root, [{ device: 'mlx5_0', address: '0000:1a:00.0', ...spec }]);
  const reading = startReading(infiniband, root);
  await readAll(reading);
  return reading;
}

describe('counters', () => {
  it('multiplies words by four, exactly beyond 2^53', async () => {
    const reading = await readHca({ counters: { port_rcv_data: 2251799813685249n, port_xmit_data: 25 } });
    expect(reading.value(received, port0)).toBe(9007199254740996n);
    expect(reading.value('infiniband_port_data_transmitted_bytes_total', port0)).toBe(100);
  });

  it('follows a counter across 2^53 in one kept file', async () => {
    const reading = await readHca({ counters: { port_rcv_packets: 9007199254740991n } });
    write('mlx5_0', 'counters/port_rcv_packets', '9007199254740993\n');
    await reading.reader.read('fast');
    expect(reading.value('infiniband_port_packets_received_total', port0)).toBe(9007199254740993n);
    expect(reading.value('infiniband_resets_total', port0)).toBe(0);
  });

  it.each([
    ['port_xmit_wait', 'infiniband_port_transmit_wait_ticks_total', 4294967295n],
    ['symbol_error', 'infiniband_symbol_error_total', 65535n],
    ['port_xmit_discards', 'infiniband_port_discards_transmitted_total', 65535n],
    ['link_downed', 'infiniband_link_downed_total', 255n],
    ['link_error_recovery', 'infiniband_link_error_recovery_total', 255n],
    ['port_rcv_constraint_errors', 'infiniband_port_constraint_errors_received_total', 255n],
    ['local_link_integrity_errors', 'infiniband_local_link_integrity_errors_total', 15n],
    ['excessive_buffer_overrun_errors', 'infiniband_excessive_buffer_overrun_errors_total', 15n],
    ['port_rcv_packets', 'infiniband_port_packets_received_total', 2n ** 64n - 1n],
  ] as const)('calls %s saturated at its ceiling, and neither below nor above it', async (file, id, ceiling) => {
    for (const [value, expected, saturated] of [
      [ceiling - 1n, Number(ceiling - 1n), 0],
      [ceiling, 'saturated', 1],
      // More than 64 bits is nothing that a kernel counts to.
      ceiling === 2n ** 64n - 1n ? [ceiling + 1n, 'malformed', 'malformed'] : [ceiling + 1n, Number(ceiling + 1n), 0],
    ] as const) {
      rmSync(root, { recursive: true, force: true });
      const reading = await readHca({ counters: { [file]: value } });
      const got = reading.value(id, port0);
      expect(typeof got === 'bigint' ? Number(got) : got).toBe(expected);
      expect(reading.value('infiniband_saturated', { ...port0, counter: file })).toBe(saturated);
    }
  });

  it('does not take a 64-bit counter at 2^32-1 for full', async () => {
    const reading = await readHca({ counters: { port_rcv_data: 4294967295 } });
    expect(reading.value(received, port0)).toBe(4294967295 * 4);
  });

  it('takes the larger of counters and counters_ext, and either where one is missing', async () => {
    const reading = await readHca({
      counters: { port_rcv_data: 4294967295, port_xmit_data: 7 },
      extended: { port_rcv_data_64: 5000000000, port_xmit_data_64: 0, port_rcv_packets_64: 12 },
    });
    expect(reading.value(received, port0)).toBe(20000000000);
    expect(reading.value('infiniband_port_data_transmitted_bytes_total', port0)).toBe(28);
    expect(reading.value('infiniband_port_packets_received_total', port0)).toBe(12);
    expect(reading.value('infiniband_port_packets_transmitted_total', port0)).toBe('not_present');
  });

  it('loses one series to one bad file, not the port', async () => {
    writeHcas(root, [
      {
        device: 'mlx5_0',
        address: '0000:1a:00.0',
        counters: { port_rcv_data: 1, symbol_error: 'N/A (no PMA)', link_downed: 'many' },
      },
    ]);
    mkdirSync(join(portPath(root, 'mlx5_0'), 'counters/VL15_dropped'));
    const reading = startReading(infiniband, root);
    await readAll(reading);
    expect(reading.value(received, port0)).toBe(4);
    expect(reading.value('infiniband_symbol_error_total', port0)).toBe('unsupported');
    expect(reading.value('infiniband_link_downed_total', port0)).toBe('malformed');
    expect(reading.value('infiniband_port_errors_received_total', port0)).toBe('not_present');
    expect(reading.value('infiniband_vl15_dropped_total', port0)).toBe('malformed');
  });

  it('asks a device again for what it did not offer only after the next discovery', async () => {
    const reading = await readHca({ counters: { port_xmit_wait: 'N/A (no PMA)' } });
    const wait = 'infiniband_port_transmit_wait_ticks_total';
    write('mlx5_0', 'counters/port_xmit_wait', '5\n');
    await reading.reader.read('fast');
    expect(reading.value(wait, port0)).toBe('unsupported');
    await reading.reader.discover();
    await reading.reader.read('fast');
    expect(reading.value(wait, port0)).toBe(5);
  });

  it('passes on counters it does not know, and events of port and device without lifespan', async () => {
    writeHcas(root, [
      {
        device: 'mlx5_0',
        address: '0000:1a:00.0',
        counters: { port_rcv_discards: 6 },
        hwCounters: { lifespan: 10, 'odd,name': 3 },
      },
    ]);
    const deviceEvents = join(portPath(root, 'mlx5_0'), '../../hw_counters');
    mkdirSync(deviceEvents);
    writeFileSync(join(deviceEvents, 'resets'), '2\n');
    const reading = startReading(infiniband, root);
    await readAll(reading);
    expect(reading.value('infiniband_events_total', { ...port0, counter: 'port_rcv_discards' })).toBe(6);
    expect(reading.value('infiniband_hw_events_total', { ...port0, counter: 'odd,name' })).toBe(3);
    expect(reading.value('infiniband_hw_events_total', { device: 'mlx5_0', port: '', counter: 'resets' })).toBe(2);
    expect(reading.value('infiniband_hw_events_total', { counter: 'lifespan' })).toBeUndefined();
  });
});

describe('resets', () => {
  it('counts one reset although both lanes see it', async () => {
    const reading = await readHca({
      counters: { port_rcv_data: 1000, port_xmit_data: 1000, symbol_error: 9, link_downed: 2 },
    });
    for (const file of ['port_rcv_data', 'port_xmit_data', 'symbol_error', 'link_downed']) {
      write('mlx5_0', `counters/${file}`, '0\n');
    }
    for (const lane of ['fast', 'medium', 'fast', 'medium'] as const) await reading.reader.read(lane);
    expect(reading.value('infiniband_resets_total', port0)).toBe(1);
    expect(reading.value(received, port0)).toBe(0);
  });

  it('counts a reset that only the errors show, and the next one too', async () => {
    const reading = await readHca({ counters: { port_rcv_data: 0, symbol_error: 9 } });
    for (const text of ['0\n', '4\n', '1\n']) {
      write('mlx5_0', 'counters/symbol_error', text);
      await reading.reader.read('fast');
      await reading.reader.read('medium');
    }
    expect(reading.value('infiniband_resets_total', port0)).toBe(2);
  });

  it('keeps its count when the port is described anew', async () => {
    const reading = await readHca({ counters: { port_rcv_data: 5 } });
    write('mlx5_0', 'counters/port_rcv_data', '1\n');
    await reading.reader.read('fast');
    write('mlx5_0', 'lid', '0x99\n');
    await reading.reader.discover();
    expect(reading.labels('infiniband_port_info', port0)?.['lid']).toBe('0x99');
    expect(reading.value('infiniband_resets_total', port0)).toBe(1);
  });
});

describe('link', () => {
  it.each([
    ['100 Gb/sec (4X EDR)', 12.5e9, 12.5e9, 4, 25.78125e9 / 8],
    ['25 Gb/sec (1X EDR)', 3.125e9, 3.125e9, 1, 25.78125e9 / 8],
    ['100 Gb/sec (2X HDR)', 12.5e9, 12.5e9, 2, 53.125e9 / 8],
    ['400 Gb/sec (4X NDR)', 50e9, 50e9, 4, 106.25e9 / 8],
    ['56 Gb/sec (4X FDR)', 7e9, 6818181818, 4, 14.0625e9 / 8],
    ['40 Gb/sec (4X QDR)', 5e9, 4e9, 4, 1.25e9],
    ['2.5 Gb/sec (1X SDR)', 312500000, 250000000, 1, 312500000],
    ['10 Gb/sec (4X)', 1.25e9, 'unsupported', 4, 'unsupported'],
    ['1600 Gb/sec (4X GDR)', 200e9, 200e9, 4, 'unsupported'],
    ['fast', 'malformed', 'malformed', 'malformed', 'malformed'],
  ] as const)('reads %s', async (rate, printed, data, lanes, lane) => {
    const reading = await readHca({ port: { rate } });
    expect(reading.value('infiniband_rate_bytes_per_second', port0)).toBe(printed);
    expect(reading.value('infiniband_data_rate_bytes_per_second', port0)).toBe(data);
    expect(reading.value('infiniband_link_width_lanes', port0)).toBe(lanes);
    expect(reading.value('infiniband_link_lane_bytes_per_second', port0)).toBe(lane);
  });

  it('has no rate while the port is down, whatever the file says', async () => {
    const reading = await readHca({ port: { state: '1: DOWN', phys_state: '2: Polling', rate: '10 Gb/sec (4X SDR)' } });
    expect(reading.value('infiniband_state_id', port0)).toBe(1);
    expect(reading.value('infiniband_physical_state_id', port0)).toBe(2);
    expect(reading.value('infiniband_rate_bytes_per_second', port0)).toBe('not_present');
    write('mlx5_0', 'state', '4: ACTIVE\n');
    write('mlx5_0', 'rate', '100 Gb/sec (4X EDR)\n');
    await reading.reader.read('medium');
    expect(reading.value('infiniband_rate_bytes_per_second', port0)).toBe(12.5e9);
  });

  it('survives words that no kernel printed yet', async () => {
    const reading = await readHca({ port: { state: '', phys_state: 'Dreaming' }, counters: { port_rcv_data: 1 } });
    expect(reading.value('infiniband_state_id', port0)).toBe('malformed');
    expect(reading.value('infiniband_physical_state_id', port0)).toBe('malformed');
    expect(reading.value('infiniband_rate_bytes_per_second', port0)).toBe('malformed');
    expect(reading.value(received, port0)).toBe(4);
  });

  it('believes the printed rate of Ethernet and no rate of other link layers', async () => {
    const roce = await readHca({ port: { link_layer: 'Ethernet', rate: '40 Gb/sec (4X QDR)' } });
    expect(roce.value('infiniband_data_rate_bytes_per_second', port0)).toBe(5e9);
    rmSync(root, { recursive: true, force: true });
    const efa = await readHca({ port: { link_layer: 'Unspecified' } });
    expect(efa.value('infiniband_data_rate_bytes_per_second', port0)).toBe('unsupported');
  });
});

describe('devices', () => {
  it('says once that there is no InfiniBand', async () => {
    const reading = startReading(infiniband, root);
    await readAll(reading);
    await reading.reader.discover();
    expect(reading.lines()).toEqual(['unavailable{infiniband,,,not_present} 0 1']);
  });

  it('finds the PCI link and the network interface', async () => {
    const reading = await readHca({});
    expect(reading.labels('infiniband_info')).toMatchObject({
      pci_bus_id: '00000000:1a:00.0',
      numa_node: '0',
      firmware_version: '12.28.2006',
    });
    expect(reading.value('infiniband_pcie_link_generation', { device: 'mlx5_0' })).toBe(3);
    expect(reading.value('infiniband_pcie_link_width', { device: 'mlx5_0' })).toBe(16);
    expect(reading.labels('infiniband_port_info')).toMatchObject({
      netdev: 'ib0',
      role: 'compute',
      link_layer: 'InfiniBand',
    });
    expect(reading.value('infiniband_carrier_down_total', port0)).toBe(1);
  });

  it('asks for a discovery when an adapter vanishes, then says which one is missing, then takes it back', async () => {
    writeHcas(root, hcaSpecs(2));
    const reading = startReading(infiniband, root);
    await readAll(reading);
    // A discovery closes the kept files: what is gone shows at the next read, as it does at once in sysfs.
    await reading.reader.discover();
    const gone = join(root, 'sys/devices/pci0000:00/0000:11:00.0');
    cpSync(gone, join(root, 'aside'), { recursive: true, verbatimSymlinks: true });
    rmSync(gone, { recursive: true });
    expect(await reading.reader.read('fast')).toBe('rediscover');
    expect(reading.value(received, { device: 'mlx5_1' })).toBe('not_present');
    expect(reading.value(received, port0)).toBe(1_000_003 * 4);

    rmSync(join(root, 'sys/class/infiniband/mlx5_1'));
    await reading.reader.discover();
    expect(await reading.reader.read('fast')).toBe('ok');
    expect(reading.value(received, { device: 'mlx5_1' })).toBeUndefined();
    expect(reading.value('unavailable', { device: 'mlx5_1', name: '', reason: 'not_present' })).toBe(1);

    rmSync(join(root, 'sys/class/infiniband/mlx5_0'));
    rmSync(join(root, 'sys/devices'), { recursive: true });
    writeHcas(root, hcaSpecs(2));
    await reading.reader.discover();
    expect(reading.value(received, { device: 'mlx5_1' })).toBe(2_000_006 * 4);
    expect(reading.value('unavailable', { device: 'mlx5_1' })).toBeUndefined();
  });

  it('leaves the series alone when a discovery finds nothing new', async () => {
    writeHcas(root, hcaSpecs(2));
    const reading = startReading(infiniband, root);
    await readAll(reading);
    const { generation } = reading.snapshot;
    await readAll(reading);
    expect(reading.snapshot.generation).toBe(generation);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const reading = await readHca({ counters: { port_rcv_data: 1 } });
    await reading.reader.stop();
    expect(reading.lines()).toEqual([]);
  });
});

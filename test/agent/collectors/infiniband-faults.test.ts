// The InfiniBand reader where things go wrong: files that fail, drivers that reload, firmware that is slow, devices to be left alone.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { infiniband } from '../../../agent/collectors/infiniband.ts';
import { defaultInfinibandSettings } from '../../../agent/collectors/infiniband/settings.ts';
import { renderNodeExporter } from '../../../agent/compat/node-exporter.ts';
import { hcaSpecs, portPath, writeHcas, type HcaSpec } from '../../doubles/infiniband/tree.ts';
import { FailingTree, NotingTree } from '../../doubles/infiniband/trees.ts';
import { readAll, startReading } from '../../doubles/reading.ts';

const port0 = { device: 'mlx5_0', port: '1' };
const received = 'infiniband_port_data_received_bytes_total';
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-ib-faults-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function writeHca(spec: Partial<HcaSpec>): void {
  writeHcas(root, [{ device: 'mlx5_0', address: '0000:1a:00.0', ...spec }]);
}

describe('the filter', () => {
  it.each([
    ['name', { include: [], exclude: ['mlx5_1'] }],
    ['address', { include: [], exclude: ['0000:11:00.0'] }],
    ['what is included', { include: ['mlx5_0', 'mlx5_2'], exclude: [] }],
  ])('by %s leaves a device alone before its first file is opened', async (_, filter) => {
    writeHcas(root, hcaSpecs(3));
    const tree = new NotingTree(root);
    const settings = { ...defaultInfinibandSettings, ...filter };
    const reading = startReading(infiniband, root, { tree, infiniband: settings });
    await readAll(reading);
    expect(reading.value(received, port0)).toBe(1_000_003 * 4);
    expect(reading.labels('infiniband_info', { device: 'mlx5_1' })).toBeUndefined();
    const page = renderNodeExporter(tree, settings);
    expect(page).toContain('device="mlx5_2"');
    expect(page).not.toContain('device="mlx5_1"');
    expect(tree.touched.length).toBeGreaterThan(100);
    expect(tree.touched.filter((path) => /mlx5_1|11:00\.0/.test(path))).toEqual([]);
  });
});

describe('a file that fails', () => {
  it('turns from a number to EINVAL: one series is lost, not the port, and it is asked again after the next discovery', async () => {
    writeHca({ counters: { port_rcv_data: 1, VL15_dropped: 3 } });
    const tree = new FailingTree(root);
    const reading = startReading(infiniband, root, { tree });
    await readAll(reading);
    expect(reading.value('infiniband_vl15_dropped_total', port0)).toBe(3);
    tree.faults.set('counters/VL15_dropped', 'EINVAL');
    expect(await reading.reader.read('medium')).toBe('ok');
    expect(reading.value('infiniband_vl15_dropped_total', port0)).toBe('unsupported');
    expect(reading.value('infiniband_saturated', { ...port0, counter: 'VL15_dropped' })).toBe('unsupported');
    expect(reading.value(received, port0)).toBe(4);
    tree.faults.clear();
    await reading.reader.read('medium');
    expect(reading.value('infiniband_vl15_dropped_total', port0)).toBe('unsupported');
    await readAll(reading);
    expect(reading.value('infiniband_vl15_dropped_total', port0)).toBe(3);
    // What could not be seen for a while is not said to have fallen.
    expect(reading.value('infiniband_resets_total', port0)).toBe(0);
  });

  it.each([
    ['EIO', 'unsupported'],
    ['EACCES', 'forbidden'],
    ['ETIMEDOUT', 'timed_out'],
    ['EISDIR', 'malformed'],
  ])('with %s is %s', async (errno, reason) => {
    writeHca({ counters: { port_rcv_data: 1 }, hwCounters: { 'a,b': 7 } });
    const tree = new FailingTree(root);
    tree.faults.set('hw_counters/a,b', errno);
    tree.faults.set('/rate', errno);
    const reading = startReading(infiniband, root, { tree });
    await readAll(reading);
    expect(reading.value('infiniband_hw_events_total', { ...port0, counter: 'a,b' })).toBe(reason);
    expect(reading.value('infiniband_rate_bytes_per_second', port0)).toBe(reason);
    expect(reading.value('infiniband_port_transmit_wait_tick_bytes', port0)).toBe('unsupported');
    expect(reading.value(received, port0)).toBe(4);
  });

  it('is a directory or a pipe nobody writes to: never waited for', async () => {
    writeHca({ counters: { port_rcv_data: 1, symbol_error: 2 } });
    const counters = join(portPath(root, 'mlx5_0'), 'counters');
    mkdirSync(join(counters, 'link_downed'));
    expect(spawnSync('mkfifo', [join(counters, 'port_rcv_errors')]).status).toBe(0);
    rmSync(join(portPath(root, 'mlx5_0'), 'phys_state'));
    expect(spawnSync('mkfifo', [join(portPath(root, 'mlx5_0'), 'phys_state')]).status).toBe(0);
    const reading = startReading(infiniband, root);
    await readAll(reading);
    expect(reading.value('infiniband_link_downed_total', port0)).toBe('malformed');
    expect(reading.value('infiniband_port_errors_received_total', port0)).toBe('malformed');
    expect(reading.value('infiniband_physical_state_id', port0)).toBe('malformed');
    expect([reading.value(received, port0), reading.value('infiniband_symbol_error_total', port0)]).toEqual([4, 2]);
  });

  it('holds garbage: malformed, and a number again when there is one', async () => {
    const texts = ['', '\n', '-1\n', '1 2\n', '0x10\n', '12abc', '18446744073709551616\n', 'N/A', '1\0'];
    writeHca({ counters: { port_rcv_data: 1 } });
    const reading = startReading(infiniband, root);
    await readAll(reading);
    const told = [];
    for (const text of texts) {
      write(join(portPath(root, 'mlx5_0'), 'counters/port_rcv_data'), text);
      await reading.reader.discover();
      await reading.reader.read('fast');
      told.push(reading.value(received, port0));
    }
    expect(told).toEqual(texts.map((text) => (text === 'N/A' ? 'unsupported' : 'malformed')));
    write(join(portPath(root, 'mlx5_0'), 'counters/port_rcv_data'), '5\r\n');
    await readAll(reading);
    expect(reading.value(received, port0)).toBe(20);
  });
});

describe('a driver that reloads', () => {
  it('is noticed by ENODEV and read again in its new files', async () => {
    writeHcas(root, hcaSpecs(2));
    const tree = new FailingTree(root);
    const reading = startReading(infiniband, root, { tree });
    await readAll(reading);
    tree.faults.set('ports/1/counters/port_rcv_data', 'ENODEV');
    expect(await reading.reader.read('fast')).toBe('rediscover');
    expect(reading.value(received, port0)).toBe('not_present');
    tree.faults.clear();
    await readAll(reading);
    expect(reading.value(received, port0)).toBe(1_000_003 * 4);
    expect(await reading.reader.read('fast')).toBe('ok');
  });

  it('leaves new directories in place of the old: every file is opened anew, the link too', async () => {
    writeHca({ counters: { port_rcv_data: 100, symbol_error: 5 } });
    const reading = startReading(infiniband, root);
    await readAll(reading);
    const port = portPath(root, 'mlx5_0');
    cpSync(port, join(root, 'new'), { recursive: true });
    rmSync(port, { recursive: true });
    cpSync(join(root, 'new'), port, { recursive: true });
    write(join(port, 'counters/port_rcv_data'), '200\n');
    write(join(port, 'rate'), '25 Gb/sec (1X EDR)\n');
    await readAll(reading);
    expect(reading.value(received, port0)).toBe(800);
    expect(reading.value('infiniband_link_width_lanes', port0)).toBe(1);
    expect(reading.value('infiniband_symbol_error_total', port0)).toBe(5);
  });

  it('brings a device that was not there: read from the next discovery on, rails counted anew', async () => {
    writeHcas(root, [{ device: 'mlx5_0', address: '0000:5e:00.0', counters: { port_rcv_data: 1 } }]);
    const reading = startReading(infiniband, root);
    await readAll(reading);
    expect(reading.labels('infiniband_port_info', port0)).toMatchObject({ rail: '0', role: 'compute' });
    writeHcas(root, [{ device: 'mlx5_1', address: '0000:1a:00.0', counters: { port_rcv_data: 2 } }]);
    await reading.reader.discover();
    expect(reading.value(received, { device: 'mlx5_1', port: '1' })).toBe(8);
    expect(reading.value(received, port0)).toBe(4);
    expect(reading.labels('infiniband_port_info', { device: 'mlx5_1' })).toMatchObject({ rail: '0' });
    expect(reading.labels('infiniband_port_info', port0)).toMatchObject({ rail: '1' });
  });
});

describe('slow firmware', () => {
  it('is asked less often, and as before when it is fast again', async () => {
    writeHca({ counters: { port_rcv_data: 1, symbol_error: 0 } });
    let nowMs = 0;
    let passMs = 0;
    // The clock is looked at before and after a pass, and once for each InfiniBand port in it.
    const monotonicMs = (): number => (nowMs += passMs / 2);
    const said: string[] = [];
    const log = { info: () => undefined, warn: (what: string) => said.push(what) };
    const reading = startReading(infiniband, root, { monotonicMs, log });
    await readAll(reading);
    const file = join(portPath(root, 'mlx5_0'), 'counters/port_rcv_data');
    const readTimes = async (times: number): Promise<readonly unknown[]> => {
      const seen = [];
      for (let turn = 0; turn < times; turn++) {
        write(file, `${turn + 100}\n`);
        await reading.reader.read('fast');
        seen.push(Number(reading.value(received, port0)) / 4);
      }
      return seen;
    };
    passMs = 50;
    expect(await readTimes(7)).toEqual([100, 100, 100, 103, 103, 103, 106]);
    expect(reading.amount('infiniband_pass_seconds')).toBeCloseTo(0.05, 6);
    expect(said).toHaveLength(1);
    passMs = 1;
    expect(await readTimes(5)).toEqual([106, 106, 102, 103, 104]);
  });
});

describe('the interface of a port', () => {
  const statistics = (): string => join(root, 'sys/devices/pci0000:00/0000:1a:00.0/net/ib0/statistics');

  it('has no pause counters where the kernel has no files for them', async () => {
    writeHca({ port: { link_layer: 'Ethernet' } });
    write(join(statistics(), 'rx_bytes'), '1\n');
    const reading = startReading(infiniband, root);
    await readAll(reading);
    expect(reading.value('infiniband_pfc_pauses_total')).toBeUndefined();
    expect(reading.value('infiniband_pfc_pause_seconds_total')).toBeUndefined();
  });

  it('has them by direction and priority where it has', async () => {
    writeHca({ port: { link_layer: 'Ethernet' } });
    write(join(statistics(), 'rx_prio3_pause'), '17\n');
    write(join(statistics(), 'tx_prio3_pause_duration'), '2500000\n');
    write(join(statistics(), 'tx_prio8_pause'), '1\n');
    const reading = startReading(infiniband, root);
    await readAll(reading);
    const of = (direction: string) => ({ ...port0, direction, priority: '3' });
    expect(reading.amount('infiniband_pfc_pauses_total', of('rx'))).toBe(17);
    expect(reading.amount('infiniband_pfc_pause_seconds_total', of('tx'))).toBe(2.5);
    expect(reading.snapshot.series.filter(({ id }) => id.startsWith('infiniband_pfc'))).toHaveLength(2);
  });

  it('is told by the first GID for a bond, not by the slave below the device', async () => {
    writeHca({ device: 'mlx5_bond_0', port: { link_layer: 'Ethernet', 'gid_attrs/ndevs/0': 'bond0' } });
    write(join(root, 'sys/devices/virtual/net/bond0/carrier_down_count'), '4\n');
    mkdirSync(join(root, 'sys/class/net'), { recursive: true });
    symlinkSync('../../devices/virtual/net/bond0', join(root, 'sys/class/net/bond0'));
    const reading = startReading(infiniband, root);
    await readAll(reading);
    const bond = { device: 'mlx5_bond_0', port: '1' };
    expect(reading.labels('infiniband_port_info', bond)).toMatchObject({ netdev: 'bond0', link_layer: 'Ethernet' });
    expect(reading.value('infiniband_carrier_down_total', bond)).toBe(4);
  });

  it.each([
    // A kernel that does not know HDR prints its slowest rate; the interface knows better.
    ['10 Gb/sec (4X SDR)', 'InfiniBand', '200000', 25e9, 53.125e9 / 8],
    ['10 Gb/sec (4X)', 'InfiniBand', '56000', 6818181818, 14.0625e9 / 8],
    ['10 Gb/sec (4X)', 'InfiniBand', '10000', 1e9, 2.5e9 / 8],
    ['2.5 Gb/sec (1X)', 'InfiniBand', '2500', 250e6, 2.5e9 / 8],
    ['10 Gb/sec (4X SDR)', 'InfiniBand', '-1', 1e9, 2.5e9 / 8],
    ['10 Gb/sec (4X SDR)', 'Ethernet', '200000', 25e9, 'unsupported'],
    ['2.5 Gb/sec (1X SDR)', 'Ethernet', '1000', 125e6, 'unsupported'],
    ['100 Gb/sec (4X EDR)', 'Unspecified', '100000', 'unsupported', 'unsupported'],
    // A rate with a word that means it wins over the interface.
    ['100 Gb/sec (4X EDR)', 'InfiniBand', '200000', 12.5e9, 25.78125e9 / 8],
    ['800 Gb/sec (4X XDR)', 'InfiniBand', '400000', 100e9, 212.5e9 / 8],
  ])('checks %s of %s against its speed %s', async (rate, linkLayer, speed, data, lane) => {
    writeHca({ port: { rate, link_layer: linkLayer } });
    write(join(dirname(statistics()), 'speed'), `${speed}\n`);
    const reading = startReading(infiniband, root);
    await readAll(reading);
    expect(reading.value('infiniband_data_rate_bytes_per_second', port0)).toBe(data);
    expect(reading.value('infiniband_link_lane_bytes_per_second', port0)).toBe(lane);
  });
});

describe('the wait tick', () => {
  const tick = 'infiniband_port_transmit_wait_tick_bytes';

  it('is unknown for ConnectX-4, until one port shows more ticks than time has, and then known for all', async () => {
    writeHcas(root, hcaSpecs(2));
    let nowMs = 0;
    const reading = startReading(infiniband, root, { monotonicMs: () => nowMs });
    await readAll(reading);
    expect(reading.value(tick, port0)).toBe('unsupported');
    nowMs = 1000;
    write(join(portPath(root, 'mlx5_1'), 'counters/port_xmit_wait'), '1000000000\n');
    for (const lane of ['fast', 'medium'] as const) await reading.reader.read(lane);
    expect([reading.value(tick, port0), reading.value(tick, { device: 'mlx5_1' })]).toEqual([8, 8]);
    // Known as long as the agent runs, also when the adapter is described anew.
    write(join(portPath(root, 'mlx5_0'), 'lid'), '0x99\n');
    await reading.reader.discover();
    expect(reading.value(tick, port0)).toBe(8);
  });

  it('comes from the configuration by device or type, and is nothing on Ethernet', async () => {
    writeHca({});
    const tickBytes = [{ pattern: 'MT4115', value: 128 }];
    const reading = startReading(infiniband, root, { infiniband: { ...defaultInfinibandSettings, tickBytes } });
    await readAll(reading);
    expect(reading.value(tick, port0)).toBe(128);
    rmSync(root, { recursive: true });
    writeHca({ port: { link_layer: 'Ethernet' } });
    const roce = startReading(infiniband, root, { infiniband: { ...defaultInfinibandSettings, tickBytes } });
    await readAll(roce);
    expect(roce.value(tick, port0)).toBeUndefined();
  });
});

it('gives a virtual function the rail of its physical one', async () => {
  writeHcas(root, [
    { device: 'mlx5_0', address: '0000:1a:00.0' },
    { device: 'mlx5_1', address: '0000:1a:00.2' },
    { device: 'mlx5_2', address: '0000:3b:00.0' },
  ]);
  symlinkSync('../0000:1a:00.0', join(root, 'sys/devices/pci0000:00/0000:1a:00.2/physfn'));
  const reading = startReading(infiniband, root);
  await readAll(reading);
  const rails = ['mlx5_0', 'mlx5_1', 'mlx5_2'].map(
    (device) => reading.labels('infiniband_port_info', { device })?.['rail'],
  );
  expect(rails).toEqual(['0', '0', '1']);
});

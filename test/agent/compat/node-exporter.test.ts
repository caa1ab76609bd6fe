// node_exporter's page without node_exporter: where it reads other than we do, and where there is nothing to read.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { renderNodeExporter } from '../../../agent/compat/node-exporter.ts';
import { Tree } from '../../../agent/sources/tree.ts';
import { parsePage } from '../../doubles/exposition.ts';
import { writeHcas } from '../../doubles/infiniband/tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'whyidle-compat-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

it('is empty where there is nothing', () => {
  expect(renderNodeExporter(new Tree(root))).toBe('');
});

it('shows counters raw: full, smaller than counters_ext, and the rate of a port that is down', () => {
  writeHcas(root, [
    {
      device: 'mlx4_0',
      address: '0000:1a:00.0',
      port: { state: '1: DOWN', phys_state: 'nonsense', rate: '10 Gb/sec (4X)' },
      counters: { port_xmit_wait: 4294967295, port_rcv_data: 1, port_rcv_discards: 3, port_xmit_data: 'N/A (no PMA)' },
      extended: { port_rcv_data_64: 9007199254740993n },
    },
  ]);
  const { series, types } = parsePage(renderNodeExporter(new Tree(root)));
  const port = '{device="mlx4_0",port="1"}';
  expect(Object.fromEntries(series)).toEqual({
    'node_infiniband_info{board_id="MT_2180110032",device="mlx4_0",firmware_version="12.28.2006",hca_type="MT4115"}': 1,
    [`node_infiniband_state_id${port}`]: 1,
    [`node_infiniband_rate_bytes_per_second${port}`]: 1.25e9,
    [`node_infiniband_port_data_received_bytes_total${port}`]: 4,
    [`node_infiniband_port_transmit_wait_total${port}`]: 4294967295,
    [`node_infiniband_port_discards_received_total${port}`]: 3,
    [`node_infiniband_legacy_data_received_bytes_total${port}`]: 36028797018963972,
  });
  expect(types.get('node_infiniband_state_id')).toBe('gauge');
  expect(types.get('node_infiniband_port_transmit_wait_total')).toBe('counter');
});

it('shows pressure with the same last digit', () => {
  mkdirSync(join(root, 'proc/pressure'), { recursive: true });
  writeFileSync(
    join(root, 'proc/pressure/cpu'),
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=24243256\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n',
  );
  writeFileSync(join(root, 'proc/pressure/io'), 'nothing\n');
  const { series } = parsePage(renderNodeExporter(new Tree(root)));
  expect([...series]).toEqual([['node_pressure_cpu_waiting_seconds_total{}', 24243256 / 1000 / 1000]]);
});

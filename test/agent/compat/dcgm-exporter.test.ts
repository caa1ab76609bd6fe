// dcgm-exporter's page from our series: its names, units and labels, against recorded pages where the corpus is here.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  absent,
  bytes,
  bytesPerSecond,
  celsius,
  hertz,
  ratio,
  renderDcgmExporter,
  timestampSeconds,
  watts,
} from '#agent/contract';
import { renderDcgmExporter as renderSnapshot } from '../../../agent/compat/dcgm-exporter.ts';
import { renderCompat } from '../../../agent/compat/index.ts';
import { Snapshot } from '../../../agent/snapshot.ts';
import { Tree } from '../../../agent/sources/tree.ts';
import { parsePage } from '../../doubles/exposition.ts';
import { checkExposition } from '../../exposition-check.ts';
import { leftOut } from '../../left-out.ts';

const recording = join(import.meta.dirname, '../../../../shared/corpus/gpu/dcgm-exporter/h100-8gpu-sampled.prom');
const counters = join(import.meta.dirname, '../../../../shared/corpus/gpu/dcgm-exporter/default-counters.csv');
const present = existsSync(recording);
if (!present) leftOut('corpus/gpu dcgm-exporter', 'the corpus is not here', { evenInCi: true });

const MIB = 1048576;

function snapshotOf(gpu: string, uuid = `GPU-${gpu}`): Snapshot {
  const snapshot = new Snapshot();
  fill(snapshot, gpu, uuid);
  return snapshot;
}

function fill(snapshot: Snapshot, gpu: string, uuid: string): void {
  const own = { gpu, uuid, pci_bus_id: '00000000:a8:00.0' };
  const whole = { ...own, mig_gi: '', mig_ci: '' };
  const seven = { ...own, mig_gi: '7', mig_ci: '' };
  const group = snapshot.group();
  const about = { vbios: '', serial: '', cuda: '', arch: '', numa_node: '' };
  group.info('gpu_info', { ...own, name: 'NVIDIA H100 80GB HBM3', driver: '580.105.08', ...about });
  group.info('gpu_mig_info', { ...seven, profile: '1g.10gb' });
  group.gauge('gpu_clock_hertz', { ...own, domain: 'sm' }).set(hertz(1410e6));
  group.gauge('gpu_clock_hertz', { ...own, domain: 'memory' }).set(hertz(2619e6));
  group.gauge('gpu_memory_temperature_celsius', own).put(absent('unsupported'));
  group.gauge('gpu_temperature_celsius', own).set(celsius(30));
  group.gauge('gpu_power_watts', own).set(watts(113.611));
  group.counter('gpu_energy_joules_total', own).set(9007199254740993n);
  group.gauge('gpu_utilization_ratio', own).set(ratio(0.97));
  group.gauge('gpu_memory_activity_ratio', own).set(ratio(0));
  group.gauge('gpu_memory_used_bytes', whole).set(bytes(19818 * MIB + 5));
  group.gauge('gpu_memory_used_bytes', seven).set(bytes(12 * MIB));
  group.gauge('gpu_sm_active_ratio', seven).set(ratio(0.875));
  group.gauge('gpu_nvlink_tx_bytes_per_second', { ...own, link: '0' }).set(bytesPerSecond(1e9));
  group.gauge('gpu_nvlink_rx_bytes_per_second', { ...own, link: '0' }).set(bytesPerSecond(234e6));
  for (const memory of ['dram', 'sram'])
    group.counter('gpu_ecc_errors_total', { ...own, kind: 'uncorrected', memory, scope: 'volatile' }).set(2);
  group.counter('gpu_throttle_seconds_total', { ...own, reason: 'sw_power_cap' }).set(7015662857000);
  group.gauge('gpu_xid_last_timestamp_seconds', { ...own, xid: '79' }).set(timestampSeconds(200));
  group.gauge('gpu_xid_last_timestamp_seconds', { ...own, xid: '31' }).set(timestampSeconds(100));
}

const board = 'gpu="3",UUID="GPU-3",pci_bus_id="00000000:A8:00.0",device="nvidia3",modelName="NVIDIA H100 80GB HBM3"';
const host = 'hostname="n1",DCGM_FI_DRIVER_VERSION="580.105.08"';

describe('the page of one node', () => {
  it('has their units, types and labels in their order', () => {
    const page = renderSnapshot(snapshotOf('3'), 'n1');
    expect(checkExposition(page)).toEqual([]);
    expect(page.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      `DCGM_FI_DEV_SM_CLOCK{${board},${host}} 1410`,
      `DCGM_FI_DEV_MEM_CLOCK{${board},${host}} 2619`,
      `DCGM_FI_DEV_GPU_TEMP{${board},${host}} 30`,
      `DCGM_FI_DEV_POWER_USAGE{${board},${host}} 113.611000`,
      `DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{${board},${host}} 9007199254740993`,
      `DCGM_FI_DEV_GPU_UTIL{${board},${host}} 97`,
      `DCGM_FI_DEV_MEM_COPY_UTIL{${board},${host}} 0`,
      `DCGM_FI_DEV_XID_ERRORS{${board},${host}} 79`,
      `DCGM_FI_DEV_POWER_VIOLATION{${board},${host}} 7015662857000`,
      `DCGM_FI_DEV_FB_USED{${board},${host}} 19818`,
      `DCGM_FI_DEV_FB_USED{${board},GPU_I_PROFILE="1g.10gb",GPU_I_ID="7",${host}} 12`,
      `DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{${board},${host}} 4`,
      `DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL{${board},${host}} 1234`,
      `DCGM_FI_PROF_SM_ACTIVE{${board},GPU_I_PROFILE="1g.10gb",GPU_I_ID="7",${host}} 0.875000`,
    ]);
    expect(page).toMatch(/^# HELP DCGM_FI_DEV_SM_CLOCK .+\n# TYPE DCGM_FI_DEV_SM_CLOCK gauge\nDCGM_FI_DEV_SM_CLOCK\{/);
    expect(page).toContain('# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter\n');
    expect(page).toContain('# TYPE DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL counter\n');
  });

  it('is in the order of the GPUs and empty without any', () => {
    const snapshot = snapshotOf('10');
    fill(snapshot, '2', 'GPU-2');
    const page = renderSnapshot(snapshot, 'n1');
    expect([...page.matchAll(/GPU_TEMP\{gpu="(\d+)"/g)].map(([, gpu]) => gpu)).toEqual(['2', '10']);
    expect(renderSnapshot(new Snapshot(), 'n1')).toBe('');
  });

  it('is asked for by its name', () => {
    const sources = { tree: new Tree('/nonexistent'), snapshot: snapshotOf('3'), node: 'n1' };
    expect(renderCompat('dcgm-exporter', sources)).toBe(renderSnapshot(sources.snapshot, 'n1'));
    expect(renderCompat('node_exporter', sources)).toBe('');
    expect(renderCompat('telegraf', sources)).toBeUndefined();
  });
});

it('the page of several nodes has families in one piece and the label node', () => {
  const series = [
    { id: 'gpu_temperature_celsius', labels: { gpu: '0', uuid: 'GPU-0', pci_bus_id: '' }, steps: 30 },
  ] as const;
  const page = renderDcgmExporter([
    { hostname: 'a', node: 'a', series },
    { hostname: 'b', node: 'b', series },
  ]);
  expect(checkExposition(page)).toEqual([]);
  const rest = 'gpu="0",UUID="GPU-0",pci_bus_id="",device="nvidia0",modelName=""';
  expect(page.split('\n').slice(2)).toEqual([
    `DCGM_FI_DEV_GPU_TEMP{node="a",${rest},hostname="a"} 30`,
    `DCGM_FI_DEV_GPU_TEMP{node="b",${rest},hostname="b"} 30`,
    '',
  ]);
});

describe.skipIf(!present)('recorded pages', () => {
  it('have the same names and labels in the same order; the host name began with a capital then', () => {
    const theirs = readFileSync(recording, 'utf8')
      .split('\n')
      .filter((line) => line.includes('gpu="3"'));
    const ours = renderSnapshot(snapshotOf('3'), 'n1').split('\n');
    for (const line of theirs) {
      const name = line.slice(0, line.indexOf('{') + 1);
      expect(shapeOf(ours.find((own) => own.startsWith(name)))).toEqual(shapeOf(line.replace('Hostname', 'hostname')));
    }
    expect(theirs).toHaveLength(4);
  });

  it('name only fields of the default list, with the types it declares', () => {
    const listed = new Map(
      [...readFileSync(counters, 'utf8').matchAll(/^(?:# )?(DCGM_FI_\w+)\s*,\s*(\w+),/gm)]
        .filter(([, , kind]) => kind !== 'label')
        // Commented out it says counter, further down gauge: the list that is read is the one without #.
        .map(([, name = '', kind = '']) => [name, kind]),
    );
    const { types } = parsePage(renderSnapshot(snapshotOf('3'), 'n1'));
    expect(types.size).toBe(13);
    for (const [name, kind] of types) expect([name, listed.get(name)]).toEqual([name, kind]);
  });
});

/** The name and the names of the labels of a line. */
function shapeOf(line = ''): readonly string[] {
  return [line.slice(0, line.indexOf('{')), ...[...line.matchAll(/(\w+)="/g)].map(([, label = '']) => label)];
}

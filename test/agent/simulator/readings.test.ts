// One situation told by every way in which GPUs are read: nvidia-smi's CSV, its XML, its nvlink and pmon texts, the page of
// dcgm-exporter, the GPUs of the NVML stand-in. All say the same, and what the model is.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { isAbsent } from '#agent/contract';
import { parseDcgmPage } from '../../../agent/parse/gpu/dcgm-page.ts';
import { type GpuSheet, type GpuValueId } from '../../../agent/parse/gpu/sheet.ts';
import { allFields, createSheetReader } from '../../../agent/parse/gpu/smi-csv-sheet.ts';
import { parseNvlinkData, parseNvlinkErrors, parseNvlinkStatus } from '../../../agent/parse/gpu/smi-nvlink.ts';
import { parsePmon } from '../../../agent/parse/gpu/smi-processes.ts';
import { parseSmiXml } from '../../../agent/parse/gpu/smi-xml.ts';
import { parseNvidiaSmiCsv } from '../../../agent/parse/nvidia-smi-csv.ts';
import { noFaults, type FaultPlan } from '../../../agent/simulator/faults.ts';
import { sherlock } from '../../../agent/simulator/hardware.ts';
import { serveDcgmExporters } from '../../../agent/simulator/dcgm-exporter.ts';
import { DcgmPage } from '../../../agent/simulator/render/dcgm-page.ts';
import { renderReport, type ReportName } from '../../../agent/simulator/render/nvidia-smi-reports.ts';
import { GpuQuery, gpuFieldNames, renderList } from '../../../agent/simulator/render/nvidia-smi.ts';
import { nvmlGpusOf } from '../../../agent/simulator/render/nvml.ts';
import { SimulatedWorkload, type NodeState } from '../../../agent/simulator/workload.ts';
import { leftOut } from '../../left-out.ts';

const wall = new Date(2021, 5, 24, 10, 26, 49, 788);
const LOST_GPU = 5;
const faults: FaultPlan = {
  outages: [1, 9].map((node) => ({ node, gpu: LOST_GPU, fromS: 20, toS: 9000 })),
  wornMemory: { node: 9, gpu: 3, firstS: 0, errorEveryS: 1, errorsPerPage: 10 },
  jobErrors: false,
  fabric: noFaults.fabric,
};
const workload = new SimulatedWorkload(1, sherlock({ seed: 1, nowS: 1_800_000_000 }), faults);
for (let second = 0; second < 60; second++) workload.advance(1);

function stateOf(node: number): NodeState {
  const state = workload.states[node];
  if (!state) throw new Error(`no node ${node}`);
  return state;
}

function report(name: ReportName, state: NodeState, id = ''): string {
  return renderReport(name, id, { state, wall }).text;
}

function csvSheets(state: NodeState): readonly GpuSheet[] {
  const fields = allFields.filter((field) => gpuFieldNames.includes(field));
  const query = new GpuQuery(fields, { header: true, units: false });
  const { rows } = parseNvidiaSmiCsv(query.header + query.rows(state, wall), 'csv');
  return rows.map(createSheetReader(fields));
}

/** Values that are there, by metric and labels. */
function valuesOf(sheet: GpuSheet | undefined): ReadonlyMap<string, number | bigint> {
  return new Map(
    (sheet?.values ?? []).flatMap(({ column, value }) =>
      isAbsent(value) ? [] : [[`${column.id} ${JSON.stringify(column.labels)}`, value] as const],
    ),
  );
}

function valueOf(sheet: GpuSheet | undefined, id: GpuValueId, labels: Readonly<Record<string, string>> = {}) {
  return valuesOf(sheet).get(`${id} ${JSON.stringify(labels)}`);
}

/** What both tell. */
function expectSame(one: GpuSheet | undefined, other: GpuSheet | undefined, atLeast: number): void {
  const [ours, theirs] = [valuesOf(one), valuesOf(other)];
  const common = [...ours.keys()].filter((key) => theirs.has(key));
  expect(common.length).toBeGreaterThanOrEqual(atLeast);
  for (const key of common) expect([key, Number(ours.get(key))]).toEqual([key, Number(theirs.get(key))]);
}

describe.each([
  ['HGX-1', 1],
  ['HGX-2', 9],
])('%s with a lost GPU', (_, node) => {
  const state = stateOf(node);
  const { hardware, gpus, gpuCounters } = state;
  const answering = gpus.flatMap((gpu, index) => (gpu.lost ? [] : [index]));
  const csv = csvSheets(state);
  const xml = parseSmiXml(report('q-x', state), '-q -x').sheets;

  test('the document is well-formed', () => {
    const parser = new SaxesParser();
    let elements = 0;
    parser.on('error', (error) => {
      throw error;
    });
    parser.on('opentag', () => elements++);
    parser.write(report('q-x', state)).close();
    expect(elements).toBeGreaterThan(100 * gpus.length);
  });

  test('XML and CSV tell the same of every GPU that answers', () => {
    expect(xml).toHaveLength(gpus.length);
    for (const index of answering) {
      expect(xml[index]?.identity.uuid).toBe(hardware.gpus[index]?.uuid);
      expect(xml[index]?.identity.pci_bus_id).toBe(csv[index]?.identity.pci_bus_id);
      expect(xml[index]?.loss).toBeUndefined();
      expectSame(csv[index], xml[index], 40);
    }
  });

  test('XML has what CSV lacks: replays, traffic of the slot, temperature limits, BAR1, processes', () => {
    for (const index of answering) {
      const [sheet, gpu] = [xml[index], gpus[index]];
      expect(valueOf(sheet, 'gpu_pcie_replay_total')).toBe(gpuCounters[index]?.pcieReplays);
      expect(valueOf(sheet, 'gpu_pcie_rx_bytes_per_second')).toBe(
        Math.round((gpu?.pcie.rxBytesPerS ?? -1) / 1000) * 1000,
      );
      expect(valueOf(sheet, 'gpu_temperature_threshold_celsius', { kind: 'shutdown' })).toBe(90);
      expect(valueOf(sheet, 'gpu_temperature_threshold_celsius', { kind: 'slowdown' })).toBe(87);
      expect(valueOf(sheet, 'gpu_temperature_threshold_celsius', { kind: 'max_operating' })).toBe(83);
      expect(valueOf(sheet, 'gpu_temperature_threshold_celsius', { kind: 'memory_max' })).toBe(85);
      expect(valueOf(sheet, 'gpu_bar1_memory_used_bytes')).toBe(9 * 1024 * 1024);
      expect(sheet?.processes?.map(({ pid }) => pid)).toEqual(gpu?.process ? [gpu.process.pid] : []);
    }
  });

  test('the lost GPU keeps its name and place and has no values, in both', () => {
    for (const sheet of [csv[LOST_GPU], xml[LOST_GPU]]) {
      expect(sheet?.identity.uuid).toBe(hardware.gpus[LOST_GPU]?.uuid);
      expect(sheet?.loss).toBe('not_present');
    }
    expect(csv.map(({ identity }) => identity.gpu)).toEqual(gpus.map((__, index) => String(index)));
    expect(renderList(state).split('\n')[LOST_GPU]).toMatch(
      /^Unable to determine the device handle for GPU 0000:[\dA-F]{2}:00\.0: GPU is lost\. {2}Reboot the system/,
    );
  });

  test('nvlink -s: six links at 25.781 GB/s, those to the lost GPU down', () => {
    const status = parseNvlinkStatus(report('nvlink-s', state));
    const up = status.map(
      ({ values }) => values.filter(({ column, value }) => column.id === 'gpu_nvlink_up' && value === 1).length,
    );
    // GPU 5 of the mesh has two links to 1 and 6, one to 4 and 7.
    expect(up).toEqual(node === 1 ? [6, 4, 6, 6, 5, 0, 4, 5] : gpus.map(({ lost }) => (lost ? 0 : 6)));
    expect(status[LOST_GPU]?.refusal).toBe('GPU is lost');
    const speeds = status[0]?.values.filter(({ column }) => column.id === 'gpu_nvlink_speed_bytes_per_second');
    expect(speeds?.map(({ value }) => value)).toEqual(Array<number>(6).fill(25.781e9));
  });

  test('nvlink -gt d and -e: the counts of every link', () => {
    const data = parseNvlinkData(report('nvlink-gt-d', state));
    const errors = parseNvlinkErrors(report('nvlink-e', state));
    for (const index of answering) {
      const counts = gpuCounters[index]?.links ?? [];
      expect(data[index]?.values.map(({ value }) => BigInt(Number(value)))).toEqual(
        counts.flatMap(({ txBytes, rxBytes }) =>
          [txBytes.count, rxBytes.count].map((count) => count - (count % 1024n)),
        ),
      );
      expect(errors[index]?.values.map(({ value }) => value)).toEqual(
        counts.flatMap((link) => [link.replayErrors, link.recoveryErrors, link.crcErrors]),
      );
    }
  });

  test('pmon: a line per GPU, a process where there is one', () => {
    const text = report('pmon', state);
    expect(text.split('\n').filter((line) => !line.startsWith('#'))).toHaveLength(gpus.length + 1);
    expect(parsePmon(text).map(({ gpu, pid, smUtilization }) => [gpu, pid, smUtilization])).toEqual(
      gpus.flatMap(({ process, busy }, index) =>
        process ? [[String(index), process.pid, busy > 0 ? Math.round(busy * 100) / 100 : undefined]] : [],
      ),
    );
  });

  test('one GPU by index, UUID or address; another one is not there', () => {
    const { uuid = '', bus = 0 } = hardware.gpus[2] ?? {};
    for (const id of ['2', uuid, `0000:${bus.toString(16).padStart(2, '0')}:00.0`]) {
      expect(parseSmiXml(report('q-x', state, id), '-q -x').sheets.map((sheet) => sheet.identity.uuid)).toEqual([uuid]);
      expect(parseNvlinkStatus(report('nvlink-s', state, id))).toHaveLength(1);
    }
    expect(renderReport('q-x', '99', { state, wall })).toEqual({ exitCode: 6, text: 'No devices were found\n' });
  });

  test('the page of dcgm-exporter tells the same of every GPU that answers, and nothing of the lost one', () => {
    const sheets = parseDcgmPage(new DcgmPage(hardware).render(state), 'page');
    expect(sheets.map(({ identity }) => identity.gpu)).toEqual(answering.map(String));
    for (const [place, index] of answering.entries()) {
      const [sheet, gpu, counters] = [sheets[place], gpus[index], gpuCounters[index]];
      if (!gpu || !counters) throw new Error('no such GPU');
      expect(sheet?.identity).toMatchObject({
        uuid: csv[index]?.identity.uuid,
        pci_bus_id: csv[index]?.identity.pci_bus_id,
      });
      expect(sheet?.facts).toMatchObject({ name: hardware.platform.gpu.name, driver: '470.82.01' });
      expect(valueOf(sheet, 'gpu_utilization_ratio')).toBe(valueOf(csv[index], 'gpu_utilization_ratio'));
      expect(valueOf(sheet, 'gpu_temperature_celsius')).toBe(valueOf(csv[index], 'gpu_temperature_celsius'));
      expect(valueOf(sheet, 'gpu_memory_used_bytes')).toBe(valueOf(csv[index], 'gpu_memory_used_bytes'));
      expect(valueOf(sheet, 'gpu_power_watts')).toBeCloseTo(gpu.powerW, 5);
      expect(valueOf(sheet, 'gpu_energy_joules_total')).toBe(Number(counters.energyMillijoules.count));
      expect(valueOf(sheet, 'gpu_sm_active_ratio')).toBeCloseTo(gpu.profiling.smActive, 5);
      expect(valueOf(sheet, 'gpu_tensor_active_ratio')).toBeCloseTo(gpu.profiling.tensorActive, 5);
      expect(valueOf(sheet, 'gpu_dram_active_ratio')).toBeCloseTo(gpu.profiling.dramActive, 5);
    }
  });

  test('the GPUs of the NVML stand-in: the same levels, counts, limits and links', () => {
    const shown = nvmlGpusOf(state);
    expect(shown.map(({ uuid, loss }) => [uuid, loss])).toEqual(
      hardware.gpus.map(({ uuid, index }) => [uuid, gpus[index]?.lost ? 15 : undefined]),
    );
    for (const index of answering) {
      const [one, gpu, sheet, details] = [shown[index], gpus[index], csv[index], xml[index]];
      expect(one?.levels?.gpuPercent).toBe(Math.round((gpu?.busy ?? -1) * 100));
      expect((one?.levels?.powerMw ?? -1) / 1000).toBeCloseTo(Number(valueOf(sheet, 'gpu_power_watts')), 1);
      expect(one?.memoryUsed).toBe(valueOf(sheet, 'gpu_memory_used_bytes'));
      expect(one?.clocks?.[1]).toBe(Number(valueOf(sheet, 'gpu_clock_hertz', { domain: 'sm' })) / 1e6);
      expect(one?.clocks?.[3]).toBe(Number(valueOf(sheet, 'gpu_clock_hertz', { domain: 'video' })) / 1e6);
      expect(one?.throttleMask).toBe(gpu?.throttleMask);
      expect(one?.retiredSingleBit).toBe(valueOf(sheet, 'gpu_retired_pages', { cause: 'single_bit' }));
      expect(one?.retiredPending).toBe(valueOf(details, 'gpu_retired_pages_pending'));
      expect(one?.pcieReplays).toBe(valueOf(details, 'gpu_pcie_replay_total'));
      expect(one?.energyMj?.from).toBe(Number(gpuCounters[index]?.energyMillijoules.count));
      expect(one?.energyMj?.perSecond).toBe((gpu?.powerW ?? -1) * 1000);
      expect(one?.links?.map((link) => link?.txKib?.from)).toEqual(
        gpuCounters[index]?.links.map(({ txBytes }) => Number(txBytes.count / 1024n)),
      );
      expect(one?.links?.filter((link) => link?.active === 1)).toHaveLength(
        node === 1 ? ([6, 4, 6, 6, 5, 0, 4, 5][index] ?? -1) : 6,
      );
    }
    // Three GPUs of its socket behind other switches, four at the other socket.
    if (node === 1) expect(shown[0]?.topology).toEqual([0, 10, 30, 30, 50, 50, 50, 50]);
  });
});

test('worn memory: the same errors and pages in CSV, XML and for NVML', () => {
  const state = stateOf(9);
  const known = state.hardware.gpus[3];
  const errors = 61 + (known?.correctedErrors ?? 0);
  const where = { kind: 'corrected', memory: 'device_memory', scope: 'aggregate' };
  const xml = parseSmiXml(report('q-x', state), '-q -x').sheets[3];
  expect(valueOf(csvSheets(state)[3], 'gpu_ecc_errors_total', where)).toBe(errors);
  expect(valueOf(xml, 'gpu_ecc_errors_total', where)).toBe(errors);
  expect(nvmlGpusOf(state)[3]?.eccAggregateCorrected?.[2]).toBe(errors);
  expect(valueOf(xml, 'gpu_retired_pages', { cause: 'single_bit' })).toBe(6 + (known?.retiredPages ?? 0));
  expect(valueOf(xml, 'gpu_retired_pages_pending')).toBe(1);
});

test('the exporters of all nodes on one address, each with its newest state', async () => {
  const own = new SimulatedWorkload(2, sherlock({ seed: 2, nowS: 1_800_000_000, nodes: 2 }), noFaults);
  const exporters = await serveDcgmExporters(() => own.states);
  const energyOf = async (): Promise<number> => {
    const response = await fetch(exporters.urlOf('node02'));
    expect(response.status).toBe(200);
    const [sheet] = parseDcgmPage(await response.text(), 'page');
    expect(sheet?.identity.uuid).toBe(own.nodes[1]?.gpus[0]?.uuid);
    return Number(valueOf(sheet, 'gpu_energy_joules_total'));
  };
  const before = await energyOf();
  own.advance(10);
  expect(await energyOf()).toBe(Number(own.states[1]?.gpuCounters[0]?.energyMillijoules.count));
  expect(await energyOf()).toBeGreaterThan(before);
  expect((await fetch(exporters.urlOf('node77'))).status).toBe(404);
  await exporters.close();
  await expect(fetch(exporters.urlOf('node01'))).rejects.toThrow();
});

const recorded = join(import.meta.dirname, '../../../../shared/corpus/gpu/nvidia-smi-xml/datakit-v100s-8gpu.xml');
const present = existsSync(recorded);
if (!present) leftOut('simulator/readings', 'the corpus is not here', { evenInCi: true });

/** Names of the elements of the first GPU, in order, without lists whose length differs. */
function elementsOf(text: string): readonly string[] {
  const [gpu = ''] = /<gpu id=[\s\S]*?<\/gpu>/.exec(text) ?? [];
  return [
    ...gpu.replaceAll(/<(supported_clocks|processes|accounted_processes)>[\s\S]*?<\/\1>/g, '<$1>').matchAll(/<(\w+)>/g),
  ]
    .map((match) => match[1] ?? '')
    .filter((name) => name !== 'gsp_firmware_version');
}

test.skipIf(!present)('-q -x has the elements of a recorded V100 in their order; 470 adds that of the GSP', () => {
  const ours = elementsOf(report('q-x', stateOf(0)));
  expect(ours).toEqual(elementsOf(readFileSync(recorded, 'utf8')));
  expect(ours.length).toBeGreaterThan(150);
});

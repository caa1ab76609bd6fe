// The captures of five GPUs against what is expected of them, by the kind of text.
import { expect } from 'vitest';
import { parseNvlinkStatus } from '../../agent/parse/gpu/smi-nvlink.ts';
import { parseComputeApps, parsePmon } from '../../agent/parse/gpu/smi-processes.ts';
import { parseTopology } from '../../agent/parse/gpu/smi-topology.ts';
import { parseNvidiaSmiCsv } from '../../agent/parse/nvidia-smi-csv.ts';
import { captures, five, UUID, type Capture } from './gpu-captures.ts';
import { told, type Check } from './gpu-corpus.ts';
import { dmonColumn, parseListing, parsePairs, parseQueryText, parseRetiredPages, parseTable } from './smi-text.ts';

const MIB = 1048576;

export const captureFacts: Readonly<Record<string, Check>> = Object.fromEntries(
  Object.entries(captures).flatMap(([directory, capture]) =>
    Object.entries({
      ...nodeChecks(capture),
      ...phaseChecks('idle', capture),
      ...phaseChecks('load', capture),
    }).map(([file, check]) => [`captures/${directory}/${file}`, check] as const),
  ),
);

function nodeChecks(capture: Capture): Readonly<Record<string, Check>> {
  return {
    'list-L.txt': (text) => {
      const [gpu, ...others] = parseListing(text);
      expect(others).toEqual([]);
      expect([gpu?.gpu, gpu?.name, gpu?.uuid]).toEqual(['0', capture.name, UUID]);
      expect(gpu?.instances.map(({ profile }) => profile)).toEqual(capture.profiles);
      expect(new Set(gpu?.instances.map(({ uuid }) => uuid)).size).toBe(capture.profiles.length);
    },
    'topo-m.txt': (text) => {
      const [gpu, ...others] = parseTopology(text, 'topo-m').devices;
      expect(others).toEqual([]);
      expect([gpu?.name, gpu?.cpuAffinity, gpu?.numaAffinity]).toEqual(['GPU0', capture.cpus, '0']);
      expect([...(gpu?.paths ?? [])]).toEqual([['GPU0', 'X']]);
    },
    'nvlink-s.txt': (text) => {
      const [gpu, ...others] = parseNvlinkStatus(text);
      expect(others).toEqual([]);
      expect([gpu?.gpu, gpu?.uuid]).toEqual(['0', UUID]);
      expectLinks(gpu, capture.links);
    },
    'version.txt': (text) => {
      const pairs = parsePairs(text);
      expect([pairs.get('NVIDIA-SMI version'), pairs.get('DRIVER version')]).toEqual([capture.driver, capture.driver]);
      expect(pairs.get('CUDA Version')).toBe(capture.cuda);
    },
    'header.txt': (text) => {
      const pairs = parsePairs(text);
      expect([pairs.get('masked'), pairs.get('kernel'), pairs.get('arch')]).toEqual(['yes', capture.kernel, 'x86_64']);
    },
    'query-gpu-fields.txt': (text) => {
      const fields = text.trim().split('\n');
      expect(fields).toHaveLength(capture.fields);
      expect(fields).toContain('clocks_event_reasons_counters.sw_power_cap');
    },
    ...(capture.name.includes('H100') && { 'nvml-symbols.txt': checkSymbols }),
  };
}

/** Functions that a reader of an H100 cannot do without, and one that drivers of this age have dropped. */
function checkSymbols(text: string): void {
  const symbols = text.trim().split('\n');
  expect(symbols).toHaveLength(405);
  for (const name of ['nvmlInit_v2', 'nvmlDeviceGetFieldValues', 'nvmlDeviceGetSamples', 'nvmlEventSetWait_v2'])
    expect(symbols).toContain(name);
}

function expectLinks(gpu: ReturnType<typeof parseNvlinkStatus>[number] | undefined, links: number | string): void {
  if (typeof links === 'string') {
    expect(gpu).toMatchObject({ values: [], refusal: links });
    return;
  }
  expect(gpu?.values).toHaveLength(2 * links);
  const sheet = gpu && {
    identity: { ...gpu, pci_bus_id: '' },
    facts: noFactsKnown,
    loss: undefined,
    values: gpu.values,
  };
  for (let link = 0; link < links; link++) {
    const labels = { link: String(link) };
    expect(told(sheet, 'gpu_nvlink_up', labels)).toBe(1);
    expect(told(sheet, 'gpu_nvlink_speed_bytes_per_second', labels)).toBe(26_562_000_000);
  }
}

const noFactsKnown = { name: '', driver: '', vbios: '', serial: '', cuda: '', arch: '' };

function phaseChecks(name: 'idle' | 'load', capture: Capture): Readonly<Record<string, Check>> {
  const phase = capture[name];
  return {
    [`${name}/q.txt`]: (text) => {
      const values = parseQueryText(text);
      expect([values.get('Driver Version'), values.get('Attached GPUs')]).toEqual([capture.driver, '1']);
      const [gpu = ''] = [...values.keys()].filter((path) => /^GPU [\dA-F:.]+$/.test(path));
      const wanted = { 'Product Name': capture.name, 'GPU UUID': UUID, ...phase.query };
      const seen = Object.keys(wanted).map((path) => [path, values.get(`${gpu}/${path}`)]);
      expect(Object.fromEntries(seen)).toEqual(wanted);
    },
    [`${name}/dmon.txt`]: (text) => {
      expect(dmonColumn(text, 'gpu')).toEqual(five(0));
      for (const [column, ticks] of Object.entries(phase.dmon)) expect(dmonColumn(text, column)).toEqual(ticks);
    },
    [`${name}/pmon.txt`]: (text) => {
      const processes = parsePmon(text);
      for (const [pid, kind, ticks] of phase.pmon) {
        const own = processes.filter((process) => process.pid === pid);
        expect(own.map((process) => process.smUtilization)).toEqual(ticks);
        expect(new Set(own.map((process) => process.kind))).toEqual(new Set([kind]));
      }
      // An idle data-centre GPU has nobody; five ticks of each otherwise.
      if (phase.pids.length > 0) expect(processes).toHaveLength(5 * phase.pids.length);
      if (name === 'idle' && !capture.name.includes('RTX')) expect(processes).toEqual([]);
    },
    [`${name}/query-compute-apps.csv`]: (text) => {
      const apps = parseComputeApps(text).get(UUID) ?? [];
      const wanted = Object.entries(phase.apps).map(([pid, mib]) => [Number(pid), mib * MIB] as const);
      expect(new Map(apps.map(({ pid, memoryBytes }) => [pid, memoryBytes]))).toEqual(new Map(wanted));
    },
    [`${name}/query-retired-pages.csv`]: (text) => {
      const rows = parseRetiredPages(text);
      const pages = rows.map((row) => [row.get('retired_pages.address'), row.get('retired_pages.cause')]);
      expect(pages).toEqual([
        ['[N/A]', 'Single Bit ECC'],
        ['[N/A]', 'Double Bit ECC'],
      ]);
    },
    [`${name}/query-accounted-apps.csv`]: (text) => {
      expect(parseNvidiaSmiCsv(text, 'accounted').rows).toHaveLength(phase.accounted);
    },
    [`${name}/table.txt`]: (text) => {
      const { gpus, pids } = parseTable(text);
      expect(gpus.map(({ gpu }) => gpu)).toEqual(['0']);
      const [gpu] = gpus;
      const cells = [gpu?.temperature, gpu?.power, gpu?.memory.replace(/\s+/g, ' '), gpu?.utilization, gpu?.ecc];
      if (phase.table.length > 0) expect(cells).toEqual(phase.table);
      if (capture.profiles.length > 0) expect(gpu?.utilization).toBe('N/A');
      if (phase.pids.length > 0) expect(pids).toEqual(phase.pids);
    },
  };
}

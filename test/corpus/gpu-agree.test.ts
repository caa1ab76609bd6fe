// What nvidia-smi says of one GPU at one moment in several ways is the same: XML and CSV exactly, -q and CSV but for what moves.
import { describe, expect, it } from 'vitest';
import { isAbsent, type Absence } from '#agent/contract';
import { columnOf, type GpuColumn, type GpuSheet } from '../../agent/parse/gpu/sheet.ts';
import { createSheetReader } from '../../agent/parse/gpu/smi-csv-sheet.ts';
import {
  countIn,
  inCelsius,
  inLanes,
  inMegahertz,
  inMiB,
  inPercent,
  inWatts,
  performanceState,
  plainNumber,
  switched,
} from '../../agent/parse/gpu/smi-units.ts';
import { parseSmiXml } from '../../agent/parse/gpu/smi-xml.ts';
import { parseNvidiaSmiCsv } from '../../agent/parse/nvidia-smi-csv.ts';
import { leftOut } from '../left-out.ts';
import { isPresent, readCorpus } from './gpu-corpus.ts';
import { parseQueryText } from './smi-text.ts';

if (!isPresent) leftOut('corpus/gpu agreement', 'the corpus is not here', { evenInCi: true });

const captures = ['h100-590.48', 'h100-mig-590.48', 'l40s-595.80', 'rtx2080super-595.71', 'rtx4080super-595.71'];

function csvSheets(path: string): readonly GpuSheet[] {
  const { fields, rows } = parseNvidiaSmiCsv(readCorpus(path), path);
  return rows.map(createSheetReader(fields));
}

/** Columns that have a value in both. */
function common(left: GpuSheet, right: GpuSheet) {
  const others = new Map(right.values.map(({ column, value }) => [column, value]));
  return left.values.flatMap(({ column, value }) => {
    const other = others.get(column);
    return other === undefined || isAbsent(value) || isAbsent(other) ? [] : [{ column, value, other }];
  });
}

describe.skipIf(!isPresent)('XML and CSV', () => {
  it.each(['smi535-h100x8-healthy', 'smi550-a100x8-gpu1-lost'])('%s', (name) => {
    const xml = parseSmiXml(readCorpus(`generated/${name}.q-x.xml`), name).sheets;
    const csv = csvSheets(`generated/${name}.query.csv`);
    expect(xml.map(({ identity, loss }) => [identity.gpu, identity.uuid, loss])).toEqual(
      csv.map(({ identity, loss }) => [identity.gpu, identity.uuid, loss]),
    );
    for (const [index, sheet] of xml.entries()) {
      const both = common(sheet, csv[index] ?? sheet);
      // Utilisation, memory, power, its limit, temperature, clock, mask, ECC, MIG, link, state.
      if (sheet.loss === undefined) expect(both.length).toBeGreaterThan(15);
      for (const { column, value, other } of both) expect([column, value]).toEqual([column, other]);
    }
  });
});

interface Quantity {
  readonly path: string;
  readonly column: GpuColumn;
  readonly parse: (text: string) => number | bigint | Absence;
  /** How far it may move between two questions, as a share. */
  readonly moves?: number;
}

const quantities: readonly Quantity[] = [
  { path: 'FB Memory Usage/Total', column: columnOf('gpu_memory_total_bytes'), parse: inMiB },
  { path: 'FB Memory Usage/Reserved', column: columnOf('gpu_memory_reserved_bytes'), parse: inMiB },
  { path: 'FB Memory Usage/Used', column: columnOf('gpu_memory_used_bytes'), parse: inMiB, moves: 0.1 },
  { path: 'Fan Speed', column: columnOf('gpu_fan_speed_ratio'), parse: inPercent, moves: 0.1 },
  { path: 'Performance State', column: columnOf('gpu_pstate'), parse: performanceState },
  { path: 'Persistence Mode', column: columnOf('gpu_persistence_mode'), parse: switched },
  { path: 'MIG Mode/Current', column: columnOf('gpu_mig_mode'), parse: switched },
  {
    path: 'PCI/GPU Link Info/PCIe Generation/Max',
    column: columnOf('gpu_pcie_link_generation_max'),
    parse: plainNumber,
  },
  { path: 'PCI/GPU Link Info/Link Width/Max', column: columnOf('gpu_pcie_link_width_max'), parse: inLanes },
  { path: 'PCI/GPU Link Info/Link Width/Current', column: columnOf('gpu_pcie_link_width'), parse: inLanes },
  { path: 'GPU Power Readings/Current Power Limit', column: columnOf('gpu_power_limit_watts'), parse: inWatts },
  {
    path: 'GPU Power Readings/Default Power Limit',
    column: columnOf('gpu_power_limit_default_watts'),
    parse: inWatts,
  },
  { path: 'GPU Power Readings/Min Power Limit', column: columnOf('gpu_power_limit_min_watts'), parse: inWatts },
  { path: 'GPU Power Readings/Max Power Limit', column: columnOf('gpu_power_limit_max_watts'), parse: inWatts },
  { path: 'Temperature/GPU Current Temp', column: columnOf('gpu_temperature_celsius'), parse: inCelsius, moves: 0.1 },
  {
    path: 'Temperature/Memory Current Temp',
    column: columnOf('gpu_memory_temperature_celsius'),
    parse: inCelsius,
    moves: 0.1,
  },
  {
    path: 'Temperature/GPU T.Limit Temp',
    column: columnOf('gpu_temperature_margin_celsius'),
    parse: inCelsius,
    moves: 0.2,
  },
  { path: 'Max Clocks/SM', column: columnOf('gpu_clock_max_hertz', { domain: 'sm' }), parse: inMegahertz },
  { path: 'Max Clocks/Memory', column: columnOf('gpu_clock_max_hertz', { domain: 'memory' }), parse: inMegahertz },
  { path: 'Max Clocks/Graphics', column: columnOf('gpu_clock_max_hertz', { domain: 'graphics' }), parse: inMegahertz },
  {
    path: 'ECC Errors/Volatile/DRAM Correctable',
    column: columnOf('gpu_ecc_errors_total', { kind: 'corrected', memory: 'dram', scope: 'volatile' }),
    parse: (text) => countIn(text, '', 1),
  },
  {
    path: 'Clocks Event Reasons Counters/SW Power Capping',
    column: columnOf('gpu_throttle_seconds_total', { reason: 'sw_power_cap' }),
    parse: (text) => countIn(text, 'us', 1000),
    moves: 0.01,
  },
];

/** Both answers to one quantity, where both have one. */
function answersOf({ path, column, parse }: Quantity, query: ReadonlyMap<string, string>, sheet: GpuSheet) {
  const gpu = [...query.keys()].find((name) => /^GPU [\dA-F:.]+$/.test(name)) ?? '';
  const text = query.get(`${gpu}/${path}`);
  const said = text === undefined ? undefined : parse(text);
  const value = sheet.values.find((entry) => entry.column === column)?.value;
  if (said === undefined || value === undefined || isAbsent(said) || isAbsent(value)) return undefined;
  return { said: Number(said), value: Number(value) };
}

describe.skipIf(!isPresent)('-q and CSV', () => {
  const phases = captures.flatMap((name) => ['idle', 'load'].map((phase) => `captures/${name}/${phase}`));

  it.each(phases)('%s', (directory) => {
    const query = parseQueryText(readCorpus(`${directory}/q.txt`));
    const [sheet] = csvSheets(`${directory}/query-gpu.csv`);
    if (!sheet) throw new Error('no GPU');
    const compared = quantities.flatMap((quantity) => {
      const both = answersOf(quantity, query, sheet);
      if (!both) return [];
      const { moves = 0 } = quantity;
      const distance = Math.abs(both.said - both.value);
      expect([quantity.path, both, distance <= moves * Math.abs(both.value)]).toEqual([quantity.path, both, true]);
      return [quantity.path];
    });
    expect(compared.length).toBeGreaterThan(12);
  });
});

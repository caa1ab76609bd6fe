// DCGM's recordings and tables against the facts of ../shared/corpus/gpu/SOURCES.md, and whatever length they are cut to.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parseDiscovery, parseHierarchy, parseProfileList } from '../../agent/parse/gpu/dcgm-discovery.ts';
import { DmonTicks, parseDmonRow, type DmonNode } from '../../agent/parse/gpu/dcgm-dmon.ts';
import { dcgmFieldOfId, dcgmFieldOfName, dcgmFields, factLabels } from '../../agent/parse/gpu/dcgm-fields.ts';
import { parseDcgmPage } from '../../agent/parse/gpu/dcgm-page.ts';
import type { GpuSheet } from '../../agent/parse/gpu/sheet.ts';
import { ParseError } from '../../agent/parse/parse-error.ts';
import { valuesOf } from '../doubles/dcgm/values.ts';
import { leftOut } from '../left-out.ts';

const corpus = join(import.meta.dirname, '../../../shared/corpus/gpu');
const present = existsSync(corpus);
if (!present) leftOut('corpus/gpu dcgm', 'the corpus is not here', { evenInCi: true });

const MIB = 1048576;
const read = (file: string): string => readFileSync(join(corpus, file), 'utf8');

describe.skipIf(!present)('dcgm-exporter', () => {
  it('h100-8gpu-sampled.prom: 8 GPUs, one with the labels of a pod', () => {
    const sheets = parseDcgmPage(read('dcgm-exporter/h100-8gpu-sampled.prom'), 'page');
    expect(sheets.map(({ identity }) => identity.gpu)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    expect(sheets[7]).toMatchObject({
      identity: { uuid: 'GPU-04d228d3-3b5a-3534-f5cf-969706647d56', pci_bus_id: '00000000:ca:00.0' },
      facts: { name: 'NVIDIA H100 80GB HBM3', driver: '580.105.08' },
      loss: undefined,
    });
    expect(sheets.map((sheet) => valuesOf(sheet)['gpu_temperature_celsius'])).toEqual([30, 29, 26, 29, 28, 26, 28, 26]);
    expect(valuesOf(sheets[0])).toEqual({
      gpu_temperature_celsius: 30,
      gpu_power_watts: 113.611,
      gpu_utilization_ratio: 0,
      gpu_memory_activity_ratio: 0,
    });
    // The recording ends after GPU 5 in its last family.
    expect(valuesOf(sheets[5])).toHaveProperty('gpu_memory_activity_ratio', 0);
    expect(valuesOf(sheets[7])).not.toHaveProperty('gpu_memory_activity_ratio');
  });

  it('t4-460-dcgm2.prom: energy in mJ, memory in MiB, Hostname, no bus id', () => {
    const sheets = parseDcgmPage(read('dcgm-exporter/t4-460-dcgm2.prom'), 'page');
    expect(sheets).toHaveLength(1);
    expect(sheets[0]).toMatchObject({ identity: { gpu: '0', pci_bus_id: '' }, facts: { driver: '460.106.00' } });
    expect(valuesOf(sheets[0])).toEqual({
      'gpu_clock_hertz{domain=sm}': 300e6,
      'gpu_clock_hertz{domain=memory}': 405e6,
      gpu_temperature_celsius: 25,
      gpu_power_watts: 8.969,
      gpu_energy_joules_total: 128996013,
      gpu_pcie_replay_total: 0,
      gpu_utilization_ratio: 0,
      gpu_memory_activity_ratio: 0,
      gpu_encoder_utilization_ratio: 0,
      gpu_decoder_utilization_ratio: 0,
      gpu_memory_free_bytes: 15109 * MIB,
      gpu_memory_used_bytes: 0,
    });
  });

  it('default-counters.csv: every field of a GPU is known, those without a column are these', () => {
    const listed = [...read('dcgm-exporter/default-counters.csv').matchAll(/^(?:# )?(DCGM_FI_\w+)\s*,\s*(\w+)/gm)];
    const names = listed.filter(([, , kind]) => kind !== 'label').map(([, name = '']) => name);
    expect(names.filter((name) => !dcgmFieldOfName(name))).toEqual([
      'DCGM_FI_DEV_NVLINK_BANDWIDTH_L0',
      'DCGM_FI_DEV_VGPU_LICENSE_STATUS',
    ]);
    const labels = listed.filter(([, , kind]) => kind === 'label').map(([, name = '']) => name);
    expect(labels.filter((name) => factLabels.has(name))).toEqual([
      'DCGM_FI_DRIVER_VERSION',
      'DCGM_FI_DEV_SERIAL',
      'DCGM_FI_DEV_VBIOS_VERSION',
    ]);
  });

  it.each(['h100-8gpu-sampled.prom', 't4-460-dcgm2.prom'])(
    '%s cut anywhere shows no number that is not in it',
    (file) => {
      const text = read(`dcgm-exporter/${file}`);
      const whole = new Map(parseDcgmPage(text, file).map((sheet) => [sheet.identity.uuid, valuesOf(sheet)]));
      fc.assert(
        fc.property(fc.nat(text.length - 1), (length) => {
          for (const sheet of pageOrNothing(text.slice(0, length)))
            expect(whole.get(sheet.identity.uuid)).toMatchObject(valuesOf(sheet));
        }),
        { numRuns: 300 },
      );
    },
  );
});

describe.skipIf(!present)('dcgmi', () => {
  const h800: DmonNode = {
    gpus: Array.from({ length: 8 }, (_, gpu) => ({
      id: String(gpu),
      name: 'NVIDIA H800',
      identity: { gpu: '', uuid: `GPU-${gpu}`, pci_bus_id: '' },
    })),
    instances: [],
  };
  /** Sent and received per GPU, tick by tick. */
  const ticksOf = (text: string, node: DmonNode, ids: readonly number[]) => {
    const ticks = new DmonTicks(ids, node);
    return text.split('\n').flatMap((line) => {
      const sheets = ticks.add(line);
      return sheets ? [new Map(sheets.map((sheet) => [sheet.identity.uuid, Object.values(valuesOf(sheet))]))] : [];
    });
  };

  it('h800-dmon-1011,1012.txt: 2 ticks of 8 GPUs, descending', () => {
    const ticks = ticksOf(read('dcgmi/h800-dmon-1011,1012.txt'), h800, [1011, 1012]);
    expect(ticks.map((tick) => tick.size)).toEqual([8, 8]);
    expect(ticks[0]?.get('GPU-7')).toEqual([30570603980, 30638829242]);
    expect(ticks[1]?.get('GPU-0')).toEqual([24669591596, 24669655619]);
  });

  it('h800-dmon-1011,1012-gpus0-3.txt: 6 ticks of 4 GPUs, zeros are values', () => {
    const four = { ...h800, gpus: h800.gpus.slice(0, 4) };
    const ticks = ticksOf(read('dcgmi/h800-dmon-1011,1012-gpus0-3.txt'), four, [1011, 1012]);
    expect(ticks.map((tick) => tick.size)).toEqual([4, 4, 4, 4, 4, 4]);
    expect(ticks[4]?.get('GPU-3')).toEqual([0, 0]);
    expect(ticks[5]?.get('GPU-0')).toEqual([23508249062, 23174848479]);
  });

  it('mig-smact-above-one.txt: clamped', () => {
    const instances = [21, 22].map((entity) => ({ entity: String(entity), gpu: '0', gi: String(entity - 20) }));
    const ticks = new DmonTicks([1002, 1003], { gpus: h800.gpus.slice(0, 1), instances });
    for (const line of read('dcgmi/mig-smact-above-one.txt').split('\n')) ticks.add(line);
    // GPU 0 has no row of its own in the recording: one more ends the tick.
    expect(valuesOf(ticks.add('GPU 0  N/A  N/A')?.[0])).toEqual({
      'gpu_sm_active_ratio{mig_gi=1}': 1,
      'gpu_sm_occupancy_ratio{mig_gi=1}': 0.162,
      'gpu_sm_active_ratio{mig_gi=2}': 0.977,
      'gpu_sm_occupancy_ratio{mig_gi=2}': 0.122,
      gpu_sm_active_ratio: 'not_present',
      gpu_sm_occupancy_ratio: 'not_present',
    });
  });

  it('h800-discovery-l.txt: 8 H800 with their bus ids', () => {
    const gpus = parseDiscovery(read('dcgmi/h800-discovery-l.txt'), 'discovery');
    expect(gpus.map(({ id, name }) => `${id} ${name}`)).toEqual(h800.gpus.map(({ id }) => `${id} NVIDIA H800`));
    expect(gpus.map(({ identity }) => identity.pci_bus_id.slice(9, 11))).toEqual([
      '18',
      '3e',
      '51',
      '65',
      '98',
      'bd',
      'cf',
      'e2',
    ]);
    expect(gpus[0]?.identity).toEqual({
      gpu: '',
      uuid: 'GPU-34bf77d1-c686-6821-79a8-32d326c5039c',
      pci_bus_id: '00000000:18:00.0',
    });
  });

  it('h800-dmon-list-3.1.8.txt: the ids that are asked for were known then', () => {
    const ids = new Set([...read('dcgmi/h800-dmon-list-3.1.8.txt').matchAll(/ (\d+)$/gm)].map(([, id]) => Number(id)));
    for (const id of [1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1016])
      expect([id, ids.has(id), dcgmFieldOfId(id)?.id]).toEqual([id, true, id]);
  });

  it('h800-nvlink-s.txt is no answer to any question of ours', () => {
    const text = read('dcgmi/h800-nvlink-s.txt');
    expect(() => parseDiscovery(text, 'x')).toThrow(ParseError);
    expect([parseHierarchy(text), parseProfileList(text)]).toEqual([[], []]);
    expect(text.split('\n').map((line) => parseDmonRow(line, 1))).toEqual(text.split('\n').map(() => undefined));
  });

  it.each(['h800-dmon-1011,1012.txt', 'h800-dmon-1011,1012-gpus0-3.txt', 'mig-smact-above-one.txt'])(
    '%s cut in any line keeps the cells it has or is no row',
    (file) => {
      const lines = read(`dcgmi/${file}`).split('\n');
      fc.assert(
        fc.property(fc.constantFrom(...lines), fc.nat(60), (line, length) => {
          const whole = parseDmonRow(line, 2);
          const cut = parseDmonRow(line.slice(0, length), 2);
          // A line without its end never comes here: the runner hands whole lines over. The first cell stands whole.
          if (cut) expect([cut.kind, cut.entity, cut.cells[0]]).toEqual([whole?.kind, whole?.entity, whole?.cells[0]]);
        }),
        { numRuns: 500 },
      );
    },
  );

  it('h800-discovery-l.txt cut anywhere names no GPU that is not in it', () => {
    const text = read('dcgmi/h800-discovery-l.txt');
    const whole = parseDiscovery(text, 'discovery');
    fc.assert(
      fc.property(fc.nat(text.length - 1), (length) => {
        const cut = discoveryOrNothing(text.slice(0, length));
        expect(cut.map(({ id }) => id)).toEqual(whole.slice(0, cut.length).map(({ id }) => id));
        for (const [index, { identity }] of cut.entries()) expect(identity.uuid).toBe(whole[index]?.identity.uuid);
      }),
      { numRuns: 300 },
    );
  });
});

describe.skipIf(!present)('tables of facts', () => {
  it('dcgm-fields-4.6.0.json: our ids and names are theirs, in both generations', () => {
    const shape = v.array(v.object({ id: v.number(), name: v.string(), aliases: v.array(v.string()) }));
    const facts = v.parse(shape, JSON.parse(read('facts/dcgm-fields-4.6.0.json')));
    const byId = new Map(facts.map((fact) => [fact.id, fact]));
    const checked = dcgmFields.filter(({ id }) => byId.has(id));
    for (const { id, names } of checked) {
      const fact = byId.get(id);
      expect([id, names.toSorted()]).toEqual([id, [fact?.name, ...(fact?.aliases ?? [])].toSorted()]);
    }
    // ECC of single parts and NVLink rates of single links left the registry before 4.6.
    const gone = dcgmFields.map(({ id }) => id).filter((id) => !byId.has(id));
    expect(gone.filter((id) => !(id >= 314 && id <= 331) && !(id >= 1040 && id <= 1075))).toEqual([]);
    expect(new Set(dcgmFields.map(({ id }) => id)).size).toBe(dcgmFields.length);
    expect(checked.length).toBeGreaterThan(190);
  });

  it('dcgm-blank-values.json: none of them is a value, in any field', () => {
    const kind = v.record(v.string(), v.union([v.number(), v.string()]));
    const shape = v.object({ int32: kind, int64: kind, double: kind, string: v.array(v.string()) });
    const { int32, int64, double, string } = v.parse(shape, JSON.parse(read('facts/dcgm-blank-values.json')));
    const blanks = (table: Readonly<Record<string, number | string>>) => Object.values(table).map(String);
    const page = (name: string, value: string) => parseDcgmPage(`${name}{gpu="0"} ${value}\n`, 'page');
    for (const { names } of dcgmFields)
      for (const value of [...blanks(int32), ...blanks(int64), ...string]) {
        const shown = page(names[0] ?? '', value).flatMap((sheet) => Object.values(valuesOf(sheet)));
        expect(shown.filter((one) => typeof one !== 'string')).toEqual([]);
      }
    for (const value of blanks(double))
      expect(valuesOf(page('DCGM_FI_DEV_POWER_USAGE', value)[0])['gpu_power_watts']).toEqual(expect.any(String));
  });
});

function pageOrNothing(text: string): readonly GpuSheet[] {
  return orNothing(() => parseDcgmPage(text, 'page'));
}

function discoveryOrNothing(text: string) {
  return orNothing(() => parseDiscovery(text, 'discovery'));
}

function orNothing<T>(parse: () => readonly T[]): readonly T[] {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}

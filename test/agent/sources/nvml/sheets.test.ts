// The child's lines as sheets: garbage between them, lines that do not fit, counters that outgrow a number.
import { describe, expect, it } from 'vitest';
import { Sheets } from '../../../../agent/sources/nvml/sheets.ts';

const gpu = {
  identity: { gpu: '0', uuid: 'GPU-1', pci_bus_id: '00000000:34:00.0' },
  facts: { name: 'V100', driver: '535', vbios: '', serial: '', cuda: '', arch: 'Volta' },
  sections: [0, 1],
};
const columnSets = [
  [
    { id: 'gpu_temperature_celsius', labels: {} },
    { id: 'gpu_energy_joules_total', labels: {} },
  ],
  [{ id: 'gpu_nvlink_up', labels: { link: '0' } }],
];
const layout = JSON.stringify({ layout: 1, gpus: [gpu], columnSets });
const values = (cells: readonly unknown[], section = 0, of = 1): string =>
  JSON.stringify({ tick: 0, layout: of, values: [[0, section, cells]], losses: [] });

function known(): Sheets {
  const sheets = new Sheets();
  expect(sheets.take(layout)).toEqual({ kind: 'layout' });
  return sheets;
}

const read = (sheets: Sheets): readonly unknown[] =>
  sheets.sheets[0]?.values.map(({ column, value }) => [column.id, value]) ?? [];

describe('cells', () => {
  it('are numbers, digits of big counters, or reasons', () => {
    const sheets = known();
    sheets.take(values([57, '9007199254740993']));
    expect(read(sheets)).toEqual([
      ['gpu_temperature_celsius', 57],
      ['gpu_energy_joules_total', 9007199254740993n],
    ]);
    sheets.take(values(['unsupported', 'forbidden']));
    expect(read(sheets)).toEqual([
      ['gpu_temperature_celsius', { kind: 'absent', reason: 'unsupported' }],
      ['gpu_energy_joules_total', { kind: 'absent', reason: 'forbidden' }],
    ]);
  });

  it.each([[null], ['57'], ['nonsense'], [{}]])('%j is no level', (cell) => {
    const sheets = known();
    sheets.take(values([cell, 1]));
    expect(read(sheets)[0]).toEqual(['gpu_temperature_celsius', { kind: 'absent', reason: 'malformed' }]);
  });

  it.each([[-1], [1.5], ['-5'], ['1e3']])('%j is no count', (cell) => {
    const sheets = known();
    sheets.take(values([57, cell]));
    expect(read(sheets)[1]).toEqual(['gpu_energy_joules_total', { kind: 'absent', reason: 'malformed' }]);
  });

  it('of a section stay until it is read again', () => {
    const sheets = known();
    sheets.take(values([1], 1));
    sheets.take(values([57, 1]));
    expect(read(sheets).map((value) => (Array.isArray(value) ? Number(value[1]) : undefined))).toEqual([57, 1, 1]);
  });
});

describe('what is not believed', () => {
  it.each([
    'NVRM: something printed by a library',
    '{"broken',
    '{"tick":0}',
    '{"layout":2,"gpus":[],"columnSets":[[{"id":"no_such_metric","labels":{}}]]}x',
    JSON.stringify({ xid: 79 }),
    JSON.stringify({ error: 'because', message: '' }),
  ])('%s', (line) => {
    expect(known().take(line)).toEqual({ kind: 'garbage' });
  });

  it('values of another layout', () => {
    const sheets = known();
    expect(sheets.take(values([57, 1], 0, 2))).toEqual({ kind: 'garbage' });
    expect(read(sheets)).toEqual([]);
  });

  it('a row that is longer or shorter than its columns', () => {
    const sheets = known();
    sheets.take(values([57]));
    expect(read(sheets)).toEqual([]);
  });

  it.each([
    ['a metric that does not exist', { id: 'gpu_no_such', labels: {} }],
    ['a metric that is not of a GPU', { id: 'disk_read_bytes_total', labels: {} }],
    ['a label that the metric does not have', { id: 'gpu_power_watts', labels: { link: '0' } }],
  ])('a layout with %s', (_, column) => {
    const sheets = new Sheets();
    expect(sheets.take(JSON.stringify({ layout: 3, gpus: [gpu], columnSets: [[column], []] }))).toEqual({
      kind: 'garbage',
    });
    expect(sheets.sheets).toEqual([]);
  });
});

it('an empty line is nothing', () => {
  expect(known().take('')).toEqual({ kind: 'empty' });
});

it('an Xid comes as an event', () => {
  const line = { xid: 79, uuid: 'GPU-1', pciBusId: '00000000:34:00.0', timeMs: 5 };
  expect(known().take(JSON.stringify(line))).toEqual({
    kind: 'xid',
    event: { ...line, pid: undefined, source: 'nvml' },
  });
});

it('a lost GPU has no values, and has them again when it is found', () => {
  const sheets = known();
  sheets.take(values([57, 1]));
  sheets.take(JSON.stringify({ tick: 1, layout: 1, values: [], losses: [[0, 'not_present']] }));
  expect(sheets.sheets[0]).toMatchObject({ loss: 'not_present', values: [] });
  sheets.take(values([58, 2]));
  expect(sheets.sheets[0]?.loss).toBeUndefined();
});

// dcgmi's texts: rows of dmon, discovery, hierarchy, the table of profiling fields.
import { describe, expect, it } from 'vitest';
import {
  fieldsTogether,
  parseDiscovery,
  parseHierarchy,
  parseProfileList,
} from '../../../../agent/parse/gpu/dcgm-discovery.ts';
import { DmonTicks, parseDmonRow, type DmonNode } from '../../../../agent/parse/gpu/dcgm-dmon.ts';
import { ParseError } from '../../../../agent/parse/parse-error.ts';
import { valuesOf } from '../../../doubles/dcgm/values.ts';

const node: DmonNode = {
  gpus: ['0', '1'].map((id) => ({ id, name: 'H800', identity: { gpu: '', uuid: `GPU-${id}`, pci_bus_id: '' } })),
  instances: [{ entity: '21', gpu: '0', gi: '3' }],
};
const whole: DmonNode = { ...node, instances: [] };

/** Every tick that came of the lines. */
function ticksOf(ids: readonly number[], lines: readonly string[], on = whole) {
  const ticks = new DmonTicks(ids, on);
  return lines
    .flatMap((line) => [ticks.add(line) ?? []])
    .filter((sheets) => sheets.length > 0)
    .map((sheets) => Object.fromEntries(sheets.map((sheet) => [sheet.identity.uuid, valuesOf(sheet)])));
}

describe('a row', () => {
  it.each([
    [
      'GPU 7     30570603980                 30638829242',
      { kind: 'GPU', entity: '7', link: '', cells: ['30570603980', '30638829242'] },
    ],
    ['GPU-I 21  1.294        0.162', { kind: 'GPU-I', entity: '21', link: '', cells: ['1.294', '0.162'] }],
    ['GPU 0 LINK 3  1        2', { kind: 'GPU', entity: '0', link: '3', cells: ['1', '2'] }],
    ['SW 1 LINK 2   N/A      2', { kind: 'other', entity: '1', link: '2', cells: ['N/A', '2'] }],
    ['GPU-CI 1234567 1 2', undefined],
    ['GPU 0     1.294', undefined],
    ['GPU 0     1.294   0.1   0.2', undefined],
    ['#Entity   NVLTX                       NVLRX', undefined],
    ['ID', undefined],
    ['Error setting watches. Result: -6: Feature not supported', undefined],
    ['', undefined],
  ])('%s', (line, expected) => {
    expect(parseDmonRow(line, 2)).toEqual(expected);
  });
});

describe('ticks', () => {
  it('are whole when every entity has spoken, in whatever order, over headers', () => {
    const lines = [
      '#Entity F F',
      'ID',
      'GPU 1  0.5 7',
      'GPU 0  0.25 8',
      '#Entity F F',
      'ID',
      'GPU 0  0 9',
      'GPU 1  1.2 0',
    ];
    expect(ticksOf([1002, 1012], lines)).toEqual([
      {
        'GPU-1': { gpu_sm_active_ratio: 0.5, 'gpu_nvlink_rx_bytes_per_second{link=all}': 7 },
        'GPU-0': { gpu_sm_active_ratio: 0.25, 'gpu_nvlink_rx_bytes_per_second{link=all}': 8 },
      },
      {
        'GPU-0': { gpu_sm_active_ratio: 0, 'gpu_nvlink_rx_bytes_per_second{link=all}': 9 },
        'GPU-1': { gpu_sm_active_ratio: 1, 'gpu_nvlink_rx_bytes_per_second{link=all}': 0 },
      },
    ]);
  });

  it('end where an entity speaks again: another one is gone', () => {
    expect(ticksOf([1002], ['GPU 0  0.5', 'GPU 0  0.25'])).toEqual([{ 'GPU-0': { gpu_sm_active_ratio: 0.5 } }]);
  });

  it('keep instances apart and leave out those nobody knows', () => {
    const lines = ['GPU-I 99  0.9', 'GPU-I 21  1.294', 'GPU 1  0.5', 'GPU 0  N/A'];
    expect(ticksOf([1002], lines, node)).toEqual([
      {
        'GPU-0': { 'gpu_sm_active_ratio{mig_gi=3}': 1, gpu_sm_active_ratio: 'not_present' },
        'GPU-1': { gpu_sm_active_ratio: 0.5 },
      },
    ]);
  });

  it('have links of their own; those of an NVSwitch are not a GPU', () => {
    const lines = ['SW 0 LINK 1  5', 'GPU 0 LINK 3  5', 'GPU 0 LINK 2  6', 'GPU 0 LINK 3  7'];
    expect(ticksOf([1532], lines)).toEqual([
      { 'GPU-0': { 'gpu_nvlink_tx_bytes_per_second{link=3}': 5, 'gpu_nvlink_tx_bytes_per_second{link=2}': 6 } },
    ]);
  });

  it('without any value count only after the warm-up', () => {
    const blank = ['GPU 1  N/A', 'GPU 0  N/A'];
    expect(ticksOf([1002], [...blank, ...blank])).toEqual([]);
    expect(ticksOf([1002], [...blank, ...blank, ...blank])).toEqual([
      { 'GPU-1': { gpu_sm_active_ratio: 'not_present' }, 'GPU-0': { gpu_sm_active_ratio: 'not_present' } },
    ]);
  });

  it('take no cut cell for a number, and keep what the tool says', () => {
    expect(ticksOf([1012], ['GPU 1  12345...', 'GPU 0  12'])).toEqual([
      {
        'GPU-1': { 'gpu_nvlink_rx_bytes_per_second{link=all}': 'malformed' },
        'GPU-0': { 'gpu_nvlink_rx_bytes_per_second{link=all}': 12 },
      },
    ]);
    const ticks = new DmonTicks([1002], whole);
    for (const line of ['#Entity  X', 'ID', '', 'Error setting watches. Result: -6: Feature not supported'])
      ticks.add(line);
    expect(ticks.messages).toEqual(['Error setting watches. Result: -6: Feature not supported']);
  });
});

describe('before watching', () => {
  it('discovery that is none', () => {
    expect(() => parseDiscovery('Error: unable to establish a connection', 'x')).toThrow(ParseError);
    expect(parseDiscovery('0 GPUs found.\n', 'x')).toEqual([]);
    expect(
      parseDiscovery('1 GPU found.\n+--+--+\n| 0 | Name: A100 |\n|   | Device UUID: GPU-1 |\n+--+--+\n', 'x'),
    ).toEqual([{ id: '0', name: 'A100', identity: { gpu: '', uuid: 'GPU-1', pci_bus_id: '' } }]);
  });

  it('the hierarchy tells NVML numbers of instances', () => {
    const text =
      '| Instance Hierarchy                |\n| GPU 0             | GPU GPU-5fd15f35 (EntityID: 0)         |\n' +
      '| -> I 0/13         | GPU Instance (EntityID: 100)           |\n|    -> CI 0/13/0   | Compute Instance (EntityID: 1100)      |\n';
    expect(parseHierarchy(text)).toEqual([{ entity: '100', gpu: '0', gi: '13' }]);
    expect(parseHierarchy('No MIG')).toEqual([]);
  });

  it('of fields that take turns the one that is wanted more is read', () => {
    const known = parseProfileList(
      '+---+\n| Group.Subgroup | Field ID | Field Tag |\n| A.1 | 1002 | sm_active |\n| A.1 | 1004 | tensor_active |\n' +
        '| A.3            | 1007     | fp32_active   |\n| B.0 | 1005 | dram_active |\n',
    );
    expect(known).toHaveLength(4);
    expect(fieldsTogether([1002, 1004, 1005, 1007, 1001], known)).toEqual([1002, 1004, 1005]);
    expect(fieldsTogether([1007, 1002, 1005], known)).toEqual([1007, 1005]);
    expect(fieldsTogether([1002], parseProfileList('Error: Unable to Get supported metric groups'))).toEqual([]);
  });
});

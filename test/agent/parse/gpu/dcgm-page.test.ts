// A dcgm-exporter's page: names and labels of all its generations, instances, duplicates, blank values, hostile text.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAbsent } from '#agent/contract';
import { DcgmPageParser, parseDcgmPage } from '../../../../agent/parse/gpu/dcgm-page.ts';
import { ParseError } from '../../../../agent/parse/parse-error.ts';
import { exporterUuid, renderExporterPage, type ExporterPage } from '../../../doubles/dcgm/exporter.ts';
import { valuesOf } from '../../../doubles/dcgm/values.ts';

const MIB = 1048576;
const plain = {
  'gpu_clock_hertz{domain=sm}': 1410e6,
  gpu_temperature_celsius: 61,
  gpu_power_watts: 350.25,
  gpu_energy_joules_total: 128996013,
  gpu_utilization_ratio: 0.97,
  gpu_memory_used_bytes: 1024 * MIB,
  'gpu_retired_pages{cause=single_bit}': 3,
  gpu_sm_active_ratio: 0.875,
};

const read = (page: ExporterPage) => parseDcgmPage(renderExporterPage(page), 'page');
/** One GPU's page of the given lines, without the labels. */
const lines = (text: string, labels = `gpu="0",UUID="${exporterUuid(0)}"`) =>
  parseDcgmPage(text.replaceAll('@', `{${labels}} `), 'page');

describe('a page', () => {
  it.each<[string, ExporterPage]>([
    ['of old names', {}],
    ['of new names, percent although they say ratio', { names: 'new' }],
    ['with Hostname', { labels: 'Hostname' }],
    ['without HELP and TYPE', { help: false }],
    ['with every GPU once per pod', { pods: 3 }],
    ['with a job', { hpcJob: '8812' }],
  ])('%s', (_, page) => {
    const sheets = read(page);
    expect(sheets).toHaveLength(2);
    expect(sheets[1]).toMatchObject({
      identity: { gpu: '1', uuid: exporterUuid(1), pci_bus_id: '00000000:1b:00.0' },
      facts: { name: 'NVIDIA A100-SXM4-80GB', driver: '580.105.08' },
      loss: undefined,
    });
    expect(valuesOf(sheets[1])).toEqual(plain);
  });

  it('without a bus id', () => {
    expect(read({ labels: 'without-bus' })[0]?.identity).toEqual({ gpu: '0', uuid: exporterUuid(0), pci_bus_id: '' });
  });

  it('with instances: what is theirs bears their number, the board stays whole, no utilisation', () => {
    const [sheet] = read({ mig: true, gpus: 1, busy: 0 });
    expect(sheet?.instances).toEqual([
      { mig_gi: '2', mig_ci: '', profile: '3g.40gb' },
      { mig_gi: '7', mig_ci: '', profile: '1g.10gb' },
    ]);
    expect(valuesOf(sheet)).toEqual({
      'gpu_clock_hertz{domain=sm}': 1410e6,
      gpu_temperature_celsius: 61,
      gpu_power_watts: 350.25,
      gpu_energy_joules_total: 128996013,
      'gpu_memory_used_bytes{mig_gi=7}': 1024 * MIB,
      'gpu_memory_used_bytes{mig_gi=2}': 1024 * MIB,
      'gpu_retired_pages{cause=single_bit}': 3,
      'gpu_sm_active_ratio{mig_gi=7}': 0.875,
      'gpu_sm_active_ratio{mig_gi=2}': 0.875,
    });
  });

  it('with a GPU whose values are all blank: it is gone', () => {
    const [sheet] = lines(
      'DCGM_FI_DEV_GPU_TEMP@2147483632\nDCGM_FI_DEV_POWER_USAGE@140737488355328\nDCGM_FI_DEV_GPU_UTIL@2147483632\n',
    );
    expect(sheet?.loss).toBe('not_present');
    expect(read({ blank: ['DCGM_FI_DEV_GPU_TEMP'] })[0]?.loss).toBeUndefined();
  });

  it('that is empty has no GPU; one of another exporter neither', () => {
    expect(parseDcgmPage('', 'page')).toEqual([]);
    expect(parseDcgmPage('# HELP up x\n# TYPE up gauge\nup{a="b"} 1\nup2 1\n', 'page')).toEqual([]);
  });

  it('that is none', () => {
    expect(() => parseDcgmPage('<html>\n<body>no</body>\n', 'page')).toThrow(ParseError);
  });

  it('whose lines change, come, go and move is read as one that is read for the first time', () => {
    const parser = new DcgmPageParser();
    const pages: ExporterPage[] = [
      {},
      { busy: 3 },
      { gpus: 1 },
      { gpus: 3, help: false },
      { pods: 2 },
      { names: 'new' },
      { mig: true },
      {},
    ];
    for (const page of pages) {
      const text = renderExporterPage(page);
      expect(parser.parse(text, 'page').sheets).toEqual(parseDcgmPage(text, 'page'));
    }
  });

  it('tells NVSwitches', () => {
    const text =
      'DCGM_FI_DEV_NVSWITCH_TEMPERATURE_CURRENT{nvswitch="0",Hostname="h"} 41\n' +
      'DCGM_FI_DEV_NVSWITCH_TEMP_CELSIUS{nvswitch="1",hostname="h"} 2147483632\n' +
      'DCGM_FI_DEV_NVSWITCH_LINK_THROUGHPUT_TX{nvlink="0",nvswitch="0",Hostname="h"} 5\n';
    expect(new DcgmPageParser().parse(text, 'page')).toEqual({
      sheets: [],
      switches: [
        { nvswitch: '0', temperature: 41 },
        { nvswitch: '1', temperature: { kind: 'absent', reason: 'not_present' } },
      ],
    });
  });
});

describe('links', () => {
  it('as rows of their own', () => {
    const labels = (link: number) =>
      `nvlink="${link}",gpu="0",gpu_uuid="${exporterUuid(0)}",model_name="H100",hostname="h"`;
    const text = [0, 17]
      .map((link) => `DCGM_FI_PROF_NVLINK_TX_BYTES_PER_LINK{${labels(link)}} ${1000 + link}\n`)
      .join('');
    const [sheet] = parseDcgmPage(text, 'page');
    expect(sheet?.facts.name).toBe('H100');
    expect(valuesOf(sheet)).toEqual({
      'gpu_nvlink_tx_bytes_per_second{link=0}': 1000,
      'gpu_nvlink_tx_bytes_per_second{link=17}': 1017,
    });
  });

  it('the sum only where they are not told apart', () => {
    const sum = 'DCGM_FI_PROF_NVLINK_TX_BYTES@30570603980\nDCGM_FI_PROF_NVLINK_RX_BYTES@5\n';
    expect(valuesOf(lines(sum)[0])).toEqual({
      'gpu_nvlink_tx_bytes_per_second{link=all}': 30570603980,
      'gpu_nvlink_rx_bytes_per_second{link=all}': 5,
    });
    expect(valuesOf(lines(`${sum}DCGM_FI_PROF_NVLINK_L3_TX_BYTES@7\n`)[0])).toEqual({
      'gpu_nvlink_rx_bytes_per_second{link=all}': 5,
      'gpu_nvlink_tx_bytes_per_second{link=3}': 7,
    });
  });

  it('errors by link and kind, under both names', () => {
    const text =
      'DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_L0@1\nDCGM_FI_DEV_NVLINK_REPLAY_ERROR_L12_TOTAL@2\n' +
      'DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL@3\nDCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL@1\n';
    expect(valuesOf(lines(text)[0])).toEqual({
      'gpu_nvlink_errors_total{kind=crc_flit,link=0}': 1,
      'gpu_nvlink_errors_total{kind=replay,link=12}': 2,
      'gpu_nvlink_errors_total{kind=recovery,link=all}': 3,
    });
  });
});

describe('values', () => {
  it.each([
    ['DCGM_FI_DEV_MEMORY_TEMP@9223372036854775794', 'gpu_memory_temperature_celsius', 'unsupported'],
    ['DCGM_FI_DEV_MEMORY_TEMP@9.223372036854776e+18', 'gpu_memory_temperature_celsius', 'unsupported'],
    ['DCGM_FI_DEV_MEMORY_TEMP@2147483635', 'gpu_memory_temperature_celsius', 'forbidden'],
    ['DCGM_FI_DEV_POWER_USAGE@140737488355330', 'gpu_power_watts', 'unsupported'],
    ['DCGM_FI_DEV_POWER_USAGE@NaN', 'gpu_power_watts', 'malformed'],
    ['DCGM_FI_DEV_POWER_USAGE@-1', 'gpu_power_watts', 'malformed'],
    ['DCGM_FI_DEV_POWER_USAGE@+Inf', 'gpu_power_watts', 'malformed'],
    ['DCGM_FI_DEV_POWER_USAGE@8.969000 1790000000000', 'gpu_power_watts', 8.969],
    ['DCGM_FI_DEV_GPU_UTIL_RATIO@1', 'gpu_utilization_ratio', 0.01],
    ['DCGM_FI_DEV_GPU_UTIL@101', 'gpu_utilization_ratio', 1],
    ['DCGM_FI_DEV_GPU_UTIL@4000', 'gpu_utilization_ratio', 'malformed'],
    ['DCGM_FI_PROF_SM_ACTIVE@1.294', 'gpu_sm_active_ratio', 1],
    ['DCGM_FI_PROF_SM_ACTIVE@97', 'gpu_sm_active_ratio', 'malformed'],
    ['DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION@1.28996013e+08', 'gpu_energy_joules_total', 128996013],
    ['DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION@9007199254740993', 'gpu_energy_joules_total', 9007199254740993n],
    ['DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION@2147483700', 'gpu_energy_joules_total', 2147483700],
    ['DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION@9223372036854775792', 'gpu_energy_joules_total', 'not_present'],
    ['DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION@1.5', 'gpu_energy_joules_total', 'malformed'],
    ['DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION@-5', 'gpu_energy_joules_total', 'malformed'],
    ['DCGM_FI_DEV_SLOWDOWN_TEMP@-2', 'gpu_temperature_threshold_celsius{kind=slowdown}', 'unsupported'],
    ['DCGM_FI_DEV_PCIE_TX_THROUGHPUT@502', 'gpu_pcie_tx_bytes_per_second', 502000],
    ['DCGM_FI_DEV_ROW_REMAP_FAILURE@1', 'gpu_remapped_rows_failed', 1],
  ])('%s', (line, column, expected) => {
    expect(valuesOf(lines(`${line}\n`)[0])).toEqual({ [column]: expected });
  });

  it('a mask as reasons', () => {
    const held = Object.entries(valuesOf(lines('DCGM_FI_DEV_CLOCK_THROTTLE_REASONS@68\n')[0]));
    expect(held).toHaveLength(9);
    expect(held.filter(([, on]) => on === 1).map(([name]) => name)).toEqual([
      'gpu_throttle_active{reason=sw_power_cap}',
      'gpu_throttle_active{reason=hw_thermal_slowdown}',
    ]);
  });

  it('nanoseconds of throttling: the newer counter holds, whichever comes first', () => {
    const old = 'DCGM_FI_DEV_POWER_VIOLATION@7000\n';
    const now = 'DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP_NS@8000\n';
    const expected = { 'gpu_throttle_seconds_total{reason=sw_power_cap}': 8000 };
    expect(valuesOf(lines(old + now)[0])).toEqual(expected);
    expect(valuesOf(lines(now + old)[0])).toEqual(expected);
    expect(valuesOf(lines(`${old}DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP_NS@9223372036854775794\n`)[0])).toEqual({
      'gpu_throttle_seconds_total{reason=sw_power_cap}': 7000,
    });
  });

  it('ECC by memory, or as a sum where the parts do not make it up', () => {
    const sum = 'DCGM_FI_DEV_ECC_DBE_VOL_TOTAL@5\n';
    const sram = 'DCGM_FI_DEV_ECC_DBE_VOL_SRM@2\n';
    const device = 'DCGM_FI_DEV_ECC_DBE_VOL_DEV@3\n';
    const key = (memory: string) => `gpu_ecc_errors_total{kind=uncorrected,memory=${memory},scope=volatile}`;
    expect(valuesOf(lines(sum + sram)[0])).toEqual({ [key('all')]: 5 });
    expect(valuesOf(lines(sum + sram + device)[0])).toEqual({ [key('sram')]: 2, [key('device_memory')]: 3 });
    expect(valuesOf(lines(sram)[0])).toEqual({ [key('sram')]: 2 });
  });

  it('no Xid and no rate that calls itself a counter', () => {
    expect(valuesOf(lines('DCGM_FI_DEV_XID_ERRORS@79\nDCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL@1234\n')[0])).toEqual({});
  });
});

describe('hostile text', () => {
  it.each([
    'gpu="0",UUID="GPU-1"x',
    'gpu="0" UUID="GPU-1"',
    'gpu="0',
    'gpu="zero",UUID="nonsense"',
    'gpu="0",GPU_I_PROFILE="1g.5gb",GPU_I_ID="x"',
    'gpu="0",GPU_I_PROFILE="1g.5gb"',
    `gpu="0",UUID="GPU-1",x="${'y'.repeat(9000)}"`,
  ])('labels %s fill nothing', (labels) => {
    const text = `# HELP x y\nDCGM_FI_DEV_GPU_TEMP{${labels}} 30\n`;
    expect(parseDcgmPage(text, 'page').flatMap(({ values }) => values)).toEqual([]);
  });

  it('quotes, braces and line ends within labels are text', () => {
    const text = String.raw`DCGM_FI_DEV_GPU_TEMP{gpu="0",modelName="a\"b\\c}\nd",UUID="GPU-1"} 30`;
    const [sheet] = parseDcgmPage(`${text}\r\n`, 'page');
    expect(sheet?.facts.name).toBe('a"b\\c}\nd');
    expect(valuesOf(sheet)).toEqual({ gpu_temperature_celsius: 30 });
  });

  it('holds no more GPUs than a node can have', () => {
    const text = Array.from({ length: 999 }, (_, gpu) => `DCGM_FI_DEV_GPU_TEMP{gpu="${gpu}"} 30\n`).join('');
    expect(parseDcgmPage(text, 'page')).toHaveLength(128);
  });

  it('cut anywhere it shows no number that is not in it', () => {
    const text = renderExporterPage({ pods: 1, gpus: 3 });
    const whole = new Map(parseDcgmPage(text, 'page').map((sheet) => [sheet.identity.uuid, valuesOf(sheet)]));
    fc.assert(
      fc.property(fc.nat(text.length), (length) => {
        for (const sheet of attempt(text.slice(0, length)))
          expect(whole.get(sheet.identity.uuid)).toMatchObject(valuesOf(sheet));
      }),
      { numRuns: 300 },
    );
  });

  it('of any kind is a ParseError or numbers that are finite and in bounds', () => {
    const piece = fc.constantFrom(
      'DCGM_FI_DEV_GPU_UTIL',
      '{',
      '}',
      'gpu="0"',
      ',',
      '"',
      '\\',
      ' ',
      '\n',
      '1e999',
      '-1',
      '5',
      'NaN',
      '#',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), (pieces) => {
        for (const { value } of attempt(pieces.join('')).flatMap(({ values }) => values))
          expect(isAbsent(value) || (Number(value) >= 0 && Number(value) <= 1)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

function attempt(text: string) {
  try {
    return parseDcgmPage(text, 'page');
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}

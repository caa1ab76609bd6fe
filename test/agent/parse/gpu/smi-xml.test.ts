// nvidia-smi -q -x: layouts, odd values, lost GPUs, loop mode, cut and broken documents. Own documents, worked out by hand.
import { describe, expect, it } from 'vitest';
import { isAbsent, type AgentMetricId } from '#agent/contract';
import type { GpuSheet } from '../../../../agent/parse/gpu/sheet.ts';
import { parseSmiXml, parseSmiXmlDocuments } from '../../../../agent/parse/gpu/smi-xml.ts';
import { ParseError } from '../../../../agent/parse/parse-error.ts';

const MIB = 1048576;

function gpu(inner: string, bus = '00000000:1A:00.0'): string {
  return `<gpu id="${bus}">\n<uuid>GPU-${bus.slice(9, 11)}</uuid>\n${inner}\n</gpu>\n`;
}

function log(gpus: readonly string[], attached = gpus.length): string {
  const head = `<driver_version>580.1</driver_version><cuda_version>13.0</cuda_version><attached_gpus>${attached}</attached_gpus>`;
  return `<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v13.dtd">\n<nvidia_smi_log>${head}\n${gpus.join('')}</nvidia_smi_log>\n`;
}

const used = (mib: number): string => `<fb_memory_usage><used>${mib} MiB</used></fb_memory_usage>`;

function sheetOf(inner: string): GpuSheet {
  const [sheet] = parseSmiXml(log([gpu(inner)]), 'test').sheets;
  if (!sheet) throw new Error('no GPU');
  return sheet;
}

/** The value, the reason of its absence, or 'silent'. */
function told(sheet: GpuSheet, id: AgentMetricId, labels: Readonly<Record<string, string>> = {}) {
  const found = sheet.values.filter(
    ({ column }) =>
      column.id === id &&
      Object.keys(column.labels).length === Object.keys(labels).length &&
      Object.entries(labels).every(([name, value]) => column.labels[name] === value),
  );
  expect(found.length).toBeLessThanOrEqual(1);
  const value = found[0]?.value;
  if (value === undefined) return 'silent';
  return isAbsent(value) ? value.reason : value;
}

describe('power', () => {
  it.each([
    [
      'average before instant',
      '<gpu_power_readings><average_power_draw>68.57 W</average_power_draw><instant_power_draw>70 W</instant_power_draw></gpu_power_readings>',
      68.57,
    ],
    [
      'instant where there is no average',
      '<gpu_power_readings><average_power_draw>N/A</average_power_draw><instant_power_draw>49.68 W</instant_power_draw></gpu_power_readings>',
      49.68,
    ],
    ['535', '<gpu_power_readings><power_draw>67.03 W</power_draw></gpu_power_readings>', 67.03],
    ['525', '<power_readings><power_draw>4.61 W</power_draw></power_readings>', 4.61],
    ['nowhere', '<power_readings><power_draw>N/A</power_draw></power_readings>', 'unsupported'],
    [
      'not the module',
      '<module_power_readings><average_power_draw>900.00 W</average_power_draw></module_power_readings>',
      'silent',
    ],
    ['in another unit', '<power_readings><power_draw>4610 mW</power_draw></power_readings>', 'malformed'],
  ] as const)('%s', (_, inner, watts) => {
    expect(told(sheetOf(inner), 'gpu_power_watts')).toBe(watts);
  });

  it('has its limits under both names', () => {
    const old = sheetOf(
      '<power_readings><power_limit>250.00 W</power_limit><enforced_power_limit>240.00 W</enforced_power_limit></power_readings>',
    );
    expect([told(old, 'gpu_power_limit_watts'), told(old, 'gpu_power_limit_enforced_watts')]).toEqual([250, 240]);
    const young = sheetOf(
      '<gpu_power_readings><current_power_limit>700.00 W</current_power_limit><max_power_limit>720.00 W</max_power_limit></gpu_power_readings>',
    );
    expect([told(young, 'gpu_power_limit_watts'), told(young, 'gpu_power_limit_max_watts')]).toEqual([700, 720]);
    expect(told(young, 'gpu_power_limit_enforced_watts')).toBe('silent');
  });
});

describe('temperatures', () => {
  it('takes a margin for no temperature', () => {
    const sheet = sheetOf(
      '<temperature><gpu_temp>27 C</gpu_temp><gpu_temp_tlimit>60 C</gpu_temp_tlimit><gpu_temp_max_tlimit_threshold>-5 C</gpu_temp_max_tlimit_threshold><gpu_temp_slow_tlimit_threshold>-2 C</gpu_temp_slow_tlimit_threshold></temperature>',
    );
    expect(told(sheet, 'gpu_temperature_celsius')).toBe(27);
    expect(told(sheet, 'gpu_temperature_margin_celsius')).toBe(60);
    expect(sheet.values.filter(({ column }) => column.id === 'gpu_temperature_threshold_celsius')).toEqual([]);
  });

  it('has thresholds by what happens there', () => {
    const sheet = sheetOf(
      '<temperature><gpu_temp_max_threshold>90 C</gpu_temp_max_threshold><gpu_temp_slow_threshold>87 C</gpu_temp_slow_threshold><gpu_temp_max_gpu_threshold>83 C</gpu_temp_max_gpu_threshold><gpu_temp_max_mem_threshold>85 C</gpu_temp_max_mem_threshold></temperature>',
    );
    const kinds = ['shutdown', 'slowdown', 'max_operating', 'memory_max'];
    expect(kinds.map((kind) => told(sheet, 'gpu_temperature_threshold_celsius', { kind }))).toEqual([90, 87, 83, 85]);
  });
});

describe('throttling', () => {
  it.each(['event', 'throttle'])('is read under the name "%s"', (word) => {
    const sheet = sheetOf(
      `<clocks_${word}_reasons><clocks_${word}_reason_sw_power_cap>Active</clocks_${word}_reason_sw_power_cap><clocks_${word}_reason_gpu_idle>Not Active</clocks_${word}_reason_gpu_idle></clocks_${word}_reasons>`,
    );
    expect(told(sheet, 'gpu_throttle_active', { reason: 'sw_power_cap' })).toBe(1);
    expect(told(sheet, 'gpu_throttle_active', { reason: 'gpu_idle' })).toBe(0);
    expect(told(sheet, 'gpu_throttle_active', { reason: 'hw_slowdown' })).toBe('silent');
  });

  it('counts in nanoseconds, exactly', () => {
    const parent = 'clocks_event_reasons_counters';
    const sheet = sheetOf(
      `<${parent}><${parent}_sw_therm_slowdown>3360324 us</${parent}_sw_therm_slowdown><${parent}_hw_power_brake>9007199254740993 us</${parent}_hw_power_brake><${parent}_sync_boost>N/A</${parent}_sync_boost></${parent}>`,
    );
    expect(told(sheet, 'gpu_throttle_seconds_total', { reason: 'sw_thermal_slowdown' })).toBe(3360324000);
    expect(told(sheet, 'gpu_throttle_seconds_total', { reason: 'hw_power_brake_slowdown' })).toBe(9007199254740993000n);
    expect(told(sheet, 'gpu_throttle_seconds_total', { reason: 'sync_boost' })).toBe('unsupported');
  });
});

describe('ECC', () => {
  const ecc = (sheet: GpuSheet, kind: string, memory: string, scope = 'volatile') =>
    told(sheet, 'gpu_ecc_errors_total', { kind, memory, scope });

  it('of a V100: by part, without the sum', () => {
    const sheet = sheetOf(
      '<ecc_errors><volatile><single_bit><device_memory>3</device_memory><cbu>N/A</cbu><total>3</total></single_bit><double_bit><device_memory>1</device_memory><cbu>2</cbu><total>3</total></double_bit></volatile></ecc_errors>',
    );
    expect([ecc(sheet, 'corrected', 'device_memory'), ecc(sheet, 'corrected', 'cbu')]).toEqual([3, 'silent']);
    expect([ecc(sheet, 'uncorrected', 'device_memory'), ecc(sheet, 'uncorrected', 'cbu')]).toEqual([1, 2]);
    expect([ecc(sheet, 'corrected', 'all'), ecc(sheet, 'corrected', 'dram')]).toEqual(['silent', 'silent']);
  });

  it('of an A100', () => {
    const sheet = sheetOf(
      '<ecc_errors><aggregate><sram_correctable>1</sram_correctable><sram_uncorrectable>2</sram_uncorrectable><dram_correctable>3</dram_correctable><dram_uncorrectable>4</dram_uncorrectable></aggregate></ecc_errors>',
    );
    expect(ecc(sheet, 'corrected', 'sram', 'aggregate')).toBe(1);
    expect(ecc(sheet, 'uncorrected', 'sram', 'aggregate')).toBe(2);
    expect(ecc(sheet, 'corrected', 'dram', 'aggregate')).toBe(3);
    expect(ecc(sheet, 'uncorrected', 'dram', 'aggregate')).toBe(4);
  });

  it('of an H100: parity and SEC-DED added up', () => {
    const sheet = sheetOf(
      '<ecc_errors><volatile><sram_uncorrectable_parity>5</sram_uncorrectable_parity><sram_uncorrectable_secded>7</sram_uncorrectable_secded></volatile></ecc_errors>',
    );
    expect(ecc(sheet, 'uncorrected', 'sram')).toBe(12);
  });

  it('is unsupported as a whole where it is off', () => {
    const off = sheetOf(
      '<ecc_errors><volatile><sram_correctable>N/A</sram_correctable><dram_correctable>N/A</dram_correctable></volatile></ecc_errors>',
    );
    expect([ecc(off, 'corrected', 'all'), ecc(off, 'corrected', 'sram')]).toEqual(['unsupported', 'silent']);
    const noPart = sheetOf(
      '<ecc_errors><volatile><single_bit><device_memory>N/A</device_memory><total>6</total></single_bit></volatile></ecc_errors>',
    );
    expect(ecc(noPart, 'corrected', 'all')).toBe(6);
  });
});

describe('memory that was given up', () => {
  it('is retired pages or remapped rows', () => {
    const sheet = sheetOf(
      '<retired_pages><multiple_single_bit_retirement><retired_count>2</retired_count></multiple_single_bit_retirement><double_bit_retirement><retired_count>N/A</retired_count></double_bit_retirement><pending_blacklist>Yes</pending_blacklist></retired_pages><remapped_rows><remapped_row_unc>1</remapped_row_unc><remapped_row_pending>No</remapped_row_pending><remapped_row_failure>Yes</remapped_row_failure><row_remapper_histogram><row_remapper_histogram_max>2560 bank(s)</row_remapper_histogram_max></row_remapper_histogram></remapped_rows>',
    );
    expect(told(sheet, 'gpu_retired_pages', { cause: 'single_bit' })).toBe(2);
    expect(told(sheet, 'gpu_retired_pages', { cause: 'double_bit' })).toBe('unsupported');
    expect(told(sheet, 'gpu_retired_pages_pending')).toBe(1);
    expect(told(sheet, 'gpu_remapped_rows', { kind: 'uncorrected' })).toBe(1);
    expect([told(sheet, 'gpu_remapped_rows_pending'), told(sheet, 'gpu_remapped_rows_failed')]).toEqual([0, 1]);
    expect(told(sheet, 'gpu_row_remapper_banks', { availability: 'max' })).toBe(2560);
  });

  it('prefers the newer word for what is pending', () => {
    const sheet = sheetOf(
      '<retired_pages><pending_blacklist>Yes</pending_blacklist><pending_retirement>No</pending_retirement></retired_pages>',
    );
    expect(told(sheet, 'gpu_retired_pages_pending')).toBe(0);
  });

  it('is unsupported in one word', () => {
    const sheet = sheetOf('<remapped_rows>N/A</remapped_rows>');
    expect(told(sheet, 'gpu_remapped_rows', { kind: 'corrected' })).toBe('unsupported');
    expect(told(sheet, 'gpu_row_remapper_banks', { availability: 'none' })).toBe('unsupported');
  });
});

describe('recovery', () => {
  it.each([
    ['<gpu_recovery_action>None</gpu_recovery_action>', 0],
    ['<gpu_recovery_action>Reset</gpu_recovery_action>', 1],
    ['<gpu_recovery_action>GPU Reset</gpu_recovery_action>', 1],
    ['<gpu_recovery_action>Reboot</gpu_recovery_action>', 2],
    ['<gpu_recovery_action>Drain P2P</gpu_recovery_action>', 3],
    ['<gpu_recovery_action>Drain and Reset</gpu_recovery_action>', 4],
    ['<gpu_recovery_action>N/A</gpu_recovery_action>', 'unsupported'],
    ['<gpu_recovery_action>Pray</gpu_recovery_action>', 'malformed'],
    [
      '<gpu_reset_status><reset_required>Requested functionality has been deprecated</reset_required></gpu_reset_status><gpu_recovery_action>Reboot</gpu_recovery_action>',
      2,
    ],
    [
      '<gpu_reset_status><reset_required>No</reset_required><drain_and_reset_recommended>No</drain_and_reset_recommended></gpu_reset_status>',
      0,
    ],
    ['<gpu_reset_status><reset_required>Yes</reset_required></gpu_reset_status>', 1],
    [
      '<gpu_reset_status><reset_required>No</reset_required><drain_and_reset_recommended>Yes</drain_and_reset_recommended></gpu_reset_status>',
      4,
    ],
    ['<gpu_reset_status><reset_required>N/A</reset_required></gpu_reset_status>', 'unsupported'],
    ['', 'silent'],
  ])('%s', (inner, action) => {
    expect(told(sheetOf(inner), 'gpu_recovery_action')).toBe(action);
  });
});

describe('PCIe and fabric', () => {
  const link = (rate: string): string =>
    `<pci><pci_gpu_link_info><pcie_gen><max_link_gen>5</max_link_gen><current_link_gen>1</current_link_gen></pcie_gen><link_widths><max_link_width>16x</max_link_width><current_link_width>8x</current_link_width></link_widths></pci_gpu_link_info><replay_counter>150</replay_counter><tx_util>${rate}</tx_util></pci>`;

  it('has the link and its replays', () => {
    const sheet = sheetOf(link('4000 KB/s'));
    expect(told(sheet, 'gpu_pcie_link_generation')).toBe(1);
    expect(told(sheet, 'gpu_pcie_link_generation_max')).toBe(5);
    expect(told(sheet, 'gpu_pcie_link_width')).toBe(8);
    expect(told(sheet, 'gpu_pcie_link_width_max')).toBe(16);
    expect(told(sheet, 'gpu_pcie_replay_total')).toBe(150);
    expect(told(sheet, 'gpu_pcie_tx_bytes_per_second')).toBe(4e6);
    expect(told(sheet, 'gpu_pcie_rx_bytes_per_second')).toBe('silent');
  });

  it.each([
    ['60000000 KB/s', 60e9],
    // 63 GB/s is what sixteen lanes of generation 5 carry.
    ['2016001000 KB/s', 'malformed'],
  ])('%s', (rate, value) => {
    expect(told(sheetOf(link(rate)), 'gpu_pcie_tx_bytes_per_second')).toBe(value);
  });

  const health = (bandwidth: string, unhealthy: string, configuration: string): string =>
    `<fabric><state>Completed</state><health><summary>Healthy</summary><bandwidth>${bandwidth}</bandwidth><route_recovery_in_progress>${unhealthy}</route_recovery_in_progress><route_unhealthy>${unhealthy}</route_unhealthy><access_timeout_recovery>${unhealthy}</access_timeout_recovery><incorrect_configuration>${configuration}</incorrect_configuration></health></fabric>`;

  it.each([
    [health('Full', 'False', 'N/A'), 0b10_10_10_10],
    [health('Full', 'False', 'None'), 0b1_10_10_10_10],
    [health('Degraded', 'True', 'None'), 0b1_01_01_01_01],
    [health('N/A', 'N/A', 'N/A'), 'unsupported'],
    [health('Half', 'False', 'None'), 'malformed'],
    [health('Full', 'False', 'Wrong Chassis'), 'malformed'],
  ])('%s', (inner, mask) => {
    expect(told(sheetOf(inner), 'gpu_fabric_health')).toBe(mask);
    expect(told(sheetOf(inner), 'gpu_fabric_state')).toBe(3);
  });

  it.each([
    ['Not Started', 1],
    ['In Progress', 2],
    ['N/A', 'unsupported'],
  ])('fabric %s', (state, number) => {
    expect(told(sheetOf(`<fabric><state>${state}</state></fabric>`), 'gpu_fabric_state')).toBe(number);
  });
});

describe('MIG and processes', () => {
  it('has instances with their own memory', () => {
    const sheet = sheetOf(
      `${used(50)}<mig_mode><current_mig>Enabled</current_mig></mig_mode><mig_devices><mig_device><index>0</index><gpu_instance_id>3</gpu_instance_id><compute_instance_id>0</compute_instance_id><fb_memory_usage><total>19968 MiB</total><used>12 MiB</used><free>N/A</free></fb_memory_usage></mig_device></mig_devices>`,
    );
    expect(sheet.instances).toEqual([{ mig_gi: '3', mig_ci: '0', profile: '' }]);
    expect(told(sheet, 'gpu_mig_mode')).toBe(1);
    expect(told(sheet, 'gpu_memory_used_bytes')).toBe(50 * MIB);
    expect(told(sheet, 'gpu_memory_used_bytes', { mig_gi: '3', mig_ci: '0' })).toBe(12 * MIB);
    expect(told(sheet, 'gpu_memory_free_bytes', { mig_gi: '3', mig_ci: '0' })).toBe('unsupported');
  });

  it('tells no instances from not being told', () => {
    expect(sheetOf('<mig_devices>\nNone\n</mig_devices>').instances).toEqual([]);
    expect(sheetOf(used(1)).instances).toBeUndefined();
  });

  const process = (name: string, type = 'C', memory = '2 MiB'): string =>
    `<process_info><pid>7</pid><type>${type}</type>\n<process_name>${name}</process_name>\n<used_memory>${memory}</used_memory></process_info>`;

  it('has processes by what they do', () => {
    const kinds = ['C', 'G', 'C+G', 'M', 'M+C'].map((type) => process('a', type)).join('');
    const { processes } = sheetOf(`<processes>${kinds}</processes>`);
    expect(processes?.map(({ kind }) => kind)).toEqual(['compute', 'graphics', 'compute', 'mps', 'mps']);
    expect(processes?.[0]).toEqual({ pid: 7, name: 'a', kind: 'compute', memoryBytes: 2 * MIB });
  });

  it.each(['a&b', '<stdin>', 'python -c <x>&</x>', 'GPU is lost', 'a,b\u0007', ']]>', '&quot;x&quot;'])(
    'bears a process that calls itself %s',
    (name) => {
      const sheet = sheetOf(`${used(3)}<processes>${process(name)}</processes>`);
      expect(sheet.loss).toBeUndefined();
      expect(sheet.processes?.map(({ pid }) => pid)).toEqual([7]);
      expect(told(sheet, 'gpu_memory_used_bytes')).toBe(3 * MIB);
    },
  );

  it('tells no processes from not being told', () => {
    expect(sheetOf('<processes>\n</processes>').processes).toEqual([]);
    expect(sheetOf('<processes>N/A</processes>').processes).toBeUndefined();
    expect(sheetOf(used(1)).processes).toBeUndefined();
    const [process0] = sheetOf(`<processes>${process('a', 'C', 'N/A')}</processes>`).processes ?? [];
    expect(process0?.memoryBytes).toMatchObject({ reason: 'unsupported' });
  });
});

describe('odd values', () => {
  it.each([
    ['[N/A]', 'unsupported'],
    ['[Not Supported]', 'unsupported'],
    ['[Insufficient Permissions]', 'forbidden'],
    ['Requested functionality has been deprecated', 'unsupported'],
    ['', 'unsupported'],
    ['12 MiB or so', 'malformed'],
    ['\n   12\n   MiB\n', 12 * MIB],
  ])('%j', (text, value) => {
    const sheet = sheetOf(`<fb_memory_usage><free>${text}</free></fb_memory_usage>`);
    expect(told(sheet, 'gpu_memory_free_bytes')).toBe(value);
  });

  it.each([
    ['<clocks><sm_clock>GPU is lost</sm_clock></clocks>', 'not_present'],
    ['<fb_memory_usage><used>[GPU requires reset]</used></fb_memory_usage>', 'not_present'],
    ['<utilization><gpu_util>Unknown Error</gpu_util></utilization>', 'malformed'],
    ['<fan_speed>Unknown Error</fan_speed>', undefined],
  ])('%s is a loss: %s', (inner, loss) => {
    const sheet = sheetOf(`<product_name>X</product_name>${inner}<vbios_version>1.2</vbios_version>`);
    expect(sheet.loss).toBe(loss);
    expect(sheet.values.length > 0).toBe(loss === undefined);
    expect([sheet.identity.uuid, sheet.facts.name, sheet.facts.vbios]).toEqual(['GPU-1A', 'X', '1.2']);
  });

  it('writes the place on the bus in one way', () => {
    const [short] = parseSmiXml(log([gpu(used(1), '0000:0A:00.0')]), 'test').sheets;
    expect(short?.identity).toMatchObject({ gpu: '0', pci_bus_id: '00000000:0a:00.0' });
    expect(sheetOf(used(1)).identity.pci_bus_id).toBe('00000000:1a:00.0');
  });
});

describe('documents', () => {
  const two = log([gpu(used(1)), gpu(used(2), '00000000:2B:00.0')]);
  const memory = (sheets: readonly GpuSheet[]) => sheets.map((sheet) => told(sheet, 'gpu_memory_used_bytes'));

  it('numbers GPUs only where all are here', () => {
    expect(parseSmiXml(two, 'test').sheets.map(({ identity }) => identity.gpu)).toEqual(['0', '1']);
    const part = parseSmiXml(log([gpu(used(1))], 4), 'test');
    expect(part).toMatchObject({ attachedGpus: 4, isWhole: true });
    expect(part.sheets.map(({ identity }) => identity.gpu)).toEqual(['']);
  });

  it('of a loop: the last whole one', () => {
    const later = log([gpu(used(5))]);
    expect(memory(parseSmiXml(two + later, 'test').sheets)).toEqual([5 * MIB]);
    expect(memory(parseSmiXml(two + later.slice(0, -5), 'test').sheets)).toEqual([1 * MIB, 2 * MIB]);
    expect(parseSmiXmlDocuments(two + later, 'test').map(({ sheets }) => sheets.length)).toEqual([2, 1]);
  });

  it('gives what was closed before the cut', () => {
    const cut = parseSmiXml(two.slice(0, two.lastIndexOf('</gpu>') + 3), 'test');
    expect(cut.isWhole).toBe(false);
    expect(memory(cut.sheets)).toEqual([1 * MIB]);
  });

  it('loses no other GPU to a broken one', () => {
    const broken = gpu('<utilization><gpu_util>9 %</gpu_utl></utilization>', '00000000:3C:00.0');
    const { isWhole, sheets } = parseSmiXml(log([gpu(used(1)), broken, gpu(used(2))]), 'test');
    expect(isWhole).toBe(false);
    expect(memory(sheets)).toEqual([1 * MIB, 2 * MIB]);
    expect(sheets.map(({ identity }) => identity.gpu)).toEqual(['0', '2']);
  });

  it('may have no GPU', () => {
    expect(parseSmiXml(log([]), 'test')).toMatchObject({ attachedGpus: 0, sheets: [], isWhole: true, driver: '580.1' });
  });

  it.each(['', 'No devices were found\n', two.slice(0, 200), '<html></html>', '<nvidia_smi_log></nvidia_smi_log>'])(
    'is none: %j',
    (text) => {
      expect(() => parseSmiXml(text, 'test')).toThrow(ParseError);
    },
  );
});

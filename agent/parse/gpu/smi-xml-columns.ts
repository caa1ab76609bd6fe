// Which element of `nvidia-smi -q -x` fills which column. Elements are looked for, never a DTD version: layouts differ within one.
// Authority: nvidia-smi(1), GPU ATTRIBUTES.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { parseWord } from '../nvidia-smi-value.ts';
import { columnOf, valueIn, type GpuColumn, type GpuValue, type GpuValueId, type ValueOf } from './sheet.ts';
import {
  computeMode,
  countIn,
  inBanks,
  inCelsius,
  inLanes,
  inMegahertz,
  inMiB,
  inPercent,
  inWatts,
  performanceState,
  plainNumber,
  switched,
  yesOrNo,
} from './smi-units.ts';
import { elementAt, type XmlElement } from './xml-elements.ts';

/** Reads one value of a GPU; undefined where this layout has no such element. */
type ReadValue = (gpu: XmlElement) => GpuValue | undefined;

/** `None` is an answer here, and the first one. nvmlDeviceGpuRecoveryAction_t. */
const recoveryActions = [/^none$/i, /^(gpu )?reset$/i, /^(node )?reboot$/i, /^drain p2p$/i, /^drain (and|&) reset$/i];
const fabricStates = ['Not Supported', 'Not Started', 'In Progress', 'Completed'];
const REMAPPED = 'remapped_rows';
const HISTOGRAM = 'remapped_rows/row_remapper_histogram';

const columns: readonly ReadValue[] = [
  at(columnOf('gpu_utilization_ratio'), ['utilization/gpu_util'], inPercent),
  at(columnOf('gpu_memory_activity_ratio'), ['utilization/memory_util'], inPercent),
  at(columnOf('gpu_encoder_utilization_ratio'), ['utilization/encoder_util'], inPercent),
  at(columnOf('gpu_decoder_utilization_ratio'), ['utilization/decoder_util'], inPercent),
  at(columnOf('gpu_jpeg_utilization_ratio'), ['utilization/jpeg_util'], inPercent),
  at(columnOf('gpu_ofa_utilization_ratio'), ['utilization/ofa_util'], inPercent),
  at(columnOf('gpu_memory_total_bytes'), ['fb_memory_usage/total'], inMiB),
  at(columnOf('gpu_memory_used_bytes'), ['fb_memory_usage/used'], inMiB),
  at(columnOf('gpu_memory_free_bytes'), ['fb_memory_usage/free'], inMiB),
  at(columnOf('gpu_memory_reserved_bytes'), ['fb_memory_usage/reserved'], inMiB),
  at(columnOf('gpu_bar1_memory_used_bytes'), ['bar1_memory_usage/used'], inMiB),
  at(
    columnOf('gpu_power_watts'),
    [...power('average_power_draw', 'instant_power_draw', 'power_draw'), 'power_readings/power_draw'],
    inWatts,
  ),
  at(
    columnOf('gpu_power_limit_watts'),
    [...power('current_power_limit', 'power_limit'), 'power_readings/power_limit'],
    inWatts,
  ),
  at(columnOf('gpu_power_limit_default_watts'), eitherPower('default_power_limit'), inWatts),
  at(columnOf('gpu_power_limit_min_watts'), eitherPower('min_power_limit'), inWatts),
  at(columnOf('gpu_power_limit_max_watts'), eitherPower('max_power_limit'), inWatts),
  at(columnOf('gpu_power_limit_enforced_watts'), eitherPower('enforced_power_limit'), inWatts),
  at(columnOf('gpu_temperature_celsius'), ['temperature/gpu_temp'], inCelsius),
  at(columnOf('gpu_memory_temperature_celsius'), ['temperature/memory_temp'], inCelsius),
  at(columnOf('gpu_temperature_margin_celsius'), ['temperature/gpu_temp_tlimit'], inCelsius),
  // Their namesakes gpu_temp_*_tlimit_threshold are margins and no temperatures.
  threshold('shutdown', 'gpu_temp_max_threshold'),
  threshold('slowdown', 'gpu_temp_slow_threshold'),
  threshold('max_operating', 'gpu_temp_max_gpu_threshold'),
  threshold('memory_max', 'gpu_temp_max_mem_threshold'),
  ...clocks('gpu_clock_hertz', 'clocks'),
  ...clocks('gpu_clock_max_hertz', 'max_clocks'),
  at(columnOf('gpu_fan_speed_ratio'), ['fan_speed'], inPercent),
  at(columnOf('gpu_pstate'), ['performance_state'], performanceState),
  at(columnOf('gpu_compute_mode'), ['compute_mode'], computeMode),
  at(columnOf('gpu_persistence_mode'), ['persistence_mode'], switched),
  at(columnOf('gpu_mig_mode'), ['mig_mode/current_mig'], switched),
  at(columnOf('gpu_pcie_link_generation'), ['pci/pci_gpu_link_info/pcie_gen/current_link_gen'], plainNumber),
  at(columnOf('gpu_pcie_link_generation_max'), ['pci/pci_gpu_link_info/pcie_gen/max_link_gen'], plainNumber),
  at(columnOf('gpu_pcie_link_width'), ['pci/pci_gpu_link_info/link_widths/current_link_width'], inLanes),
  at(columnOf('gpu_pcie_link_width_max'), ['pci/pci_gpu_link_info/link_widths/max_link_width'], inLanes),
  at(columnOf('gpu_pcie_replay_total'), ['pci/replay_counter'], (text) => countIn(text, '', 1)),
  at(
    columnOf('gpu_retired_pages', { cause: 'single_bit' }),
    ['retired_pages/multiple_single_bit_retirement/retired_count'],
    plainNumber,
  ),
  at(
    columnOf('gpu_retired_pages', { cause: 'double_bit' }),
    ['retired_pages/double_bit_retirement/retired_count'],
    plainNumber,
  ),
  at(
    columnOf('gpu_retired_pages_pending'),
    ['retired_pages/pending_retirement', 'retired_pages/pending_blacklist'],
    yesOrNo,
  ),
  at(columnOf('gpu_remapped_rows', { kind: 'corrected' }), [`${REMAPPED}/remapped_row_corr`, REMAPPED], plainNumber),
  at(columnOf('gpu_remapped_rows', { kind: 'uncorrected' }), [`${REMAPPED}/remapped_row_unc`, REMAPPED], plainNumber),
  at(columnOf('gpu_remapped_rows_pending'), [`${REMAPPED}/remapped_row_pending`, REMAPPED], yesOrNo),
  at(columnOf('gpu_remapped_rows_failed'), [`${REMAPPED}/remapped_row_failure`, REMAPPED], yesOrNo),
  ...['max', 'high', 'partial', 'low', 'none'].map((availability) =>
    at(
      columnOf('gpu_row_remapper_banks', { availability }),
      [`${HISTOGRAM}/row_remapper_histogram_${availability}`, HISTOGRAM, REMAPPED],
      inBanks,
    ),
  ),
  at(columnOf('gpu_fabric_state'), ['fabric/state'], (text) => parseWord(text, fabricStates)),
  readRecoveryAction,
];

export function columnValues(gpu: XmlElement): readonly GpuValue[] {
  return columns.flatMap((read) => read(gpu) ?? []);
}

/** The first element that has a value; else why the first one has none. */
function at<M extends GpuValueId>(
  column: GpuColumn<M>,
  paths: readonly string[],
  valueOf: (text: string) => ValueOf<M> | Absence,
): ReadValue {
  const steps = paths.map((path) => path.split('/'));
  return (gpu) => {
    let why: Absence | undefined;
    for (const path of steps) {
      const element = elementAt(gpu, path);
      if (element === undefined) continue;
      const value = valueOf(element.text);
      if (!isAbsent(value)) return valueIn(column, value);
      why ??= value;
    }
    return why && valueIn(column, why);
  };
}

function power(...names: readonly string[]): readonly string[] {
  return names.map((name) => `gpu_power_readings/${name}`);
}

function eitherPower(name: string): readonly string[] {
  return [`gpu_power_readings/${name}`, `power_readings/${name}`];
}

function threshold(kind: string, name: string): ReadValue {
  return at(columnOf('gpu_temperature_threshold_celsius', { kind }), [`temperature/${name}`], inCelsius);
}

function clocks(id: 'gpu_clock_hertz' | 'gpu_clock_max_hertz', parent: string): readonly ReadValue[] {
  const domains = { graphics: 'graphics_clock', sm: 'sm_clock', memory: 'mem_clock', video: 'video_clock' };
  return Object.entries(domains).map(([domain, name]) =>
    at(columnOf(id, { domain }), [`${parent}/${name}`], inMegahertz),
  );
}

/** Drivers before 565 answer two questions instead of one. */
function readRecoveryAction(gpu: XmlElement): GpuValue | undefined {
  const column = columnOf('gpu_recovery_action');
  const action = elementAt(gpu, ['gpu_recovery_action'])?.text;
  if (action !== undefined) {
    const number = recoveryActions.findIndex((pattern) => pattern.test(action));
    return valueIn(column, number >= 0 ? number : absenceOfWord(action));
  }
  const reset = elementAt(gpu, ['gpu_reset_status', 'reset_required'])?.text;
  if (reset === undefined) return undefined;
  const required = yesOrNo(reset);
  const drained = yesOrNo(elementAt(gpu, ['gpu_reset_status', 'drain_and_reset_recommended'])?.text ?? 'N/A');
  if (required === 1) return valueIn(column, 1);
  if (drained === 1) return valueIn(column, 4);
  return valueIn(column, required);
}

function absenceOfWord(text: string): Absence {
  const value = parseWord(text, []);
  return isAbsent(value) ? value : absent('malformed');
}

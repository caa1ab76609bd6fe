// Why clocks are held down now, and for how long they were, in `nvidia-smi -q -x`. Drivers before 535 say "throttle" for "event".
import { parseWord } from '../nvidia-smi-value.ts';
import { columnOf, valueIn, type GpuValue } from './sheet.ts';
import { countIn } from './smi-units.ts';
import { throttleReasons } from './throttle.ts';
import { elementAt, type XmlElement } from './xml-elements.ts';

const namings = [
  { parent: 'clocks_event_reasons', prefix: 'clocks_event_reason_' },
  { parent: 'clocks_throttle_reasons', prefix: 'clocks_throttle_reason_' },
] as const;

/** The tool shortens some reasons in the names of its counters. */
const counters = [
  { reason: 'sw_power_cap', name: 'sw_power_cap' },
  { reason: 'sync_boost', name: 'sync_boost' },
  { reason: 'sw_thermal_slowdown', name: 'sw_therm_slowdown' },
  { reason: 'hw_thermal_slowdown', name: 'hw_therm_slowdown' },
  { reason: 'hw_power_brake_slowdown', name: 'hw_power_brake' },
] as const;
const NANOSECONDS = 1000;

export function throttleValues(gpu: XmlElement): readonly GpuValue[] {
  return [...activeReasons(gpu), ...counterValues(gpu)];
}

function activeReasons(gpu: XmlElement): readonly GpuValue[] {
  const naming = namings.find(({ parent }) => elementAt(gpu, [parent]));
  if (!naming) return [];
  return throttleReasons.flatMap(({ reason }) => {
    const text = elementAt(gpu, [naming.parent, naming.prefix + reason])?.text;
    if (text === undefined) return [];
    return [valueIn(columnOf('gpu_throttle_active', { reason }), parseWord(text, ['Not Active', 'Active']))];
  });
}

function counterValues(gpu: XmlElement): readonly GpuValue[] {
  const parent = 'clocks_event_reasons_counters';
  return counters.flatMap(({ reason, name }) => {
    const text = elementAt(gpu, [parent, `${parent}_${name}`])?.text;
    if (text === undefined) return [];
    return [valueIn(columnOf('gpu_throttle_seconds_total', { reason }), countIn(text, 'us', NANOSECONDS))];
  });
}

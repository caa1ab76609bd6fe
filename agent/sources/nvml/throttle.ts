// Why clocks are held down now, and for how long they were. The mask misses what happens between two looks; the
// counters do not. Authority: nvml.h, clocks event reasons, fields 74, 76, 269-271, nvmlPerfPolicyType_t.
import { column, fill, type Group } from './columns.ts';
import { askField, countCell, type Field } from './fields.ts';
import { Question, type Device } from './question.ts';
import { readCount, violationTime } from './structs.ts';

const masks = [
  { reason: 'gpu_idle', bit: 1 },
  { reason: 'applications_clocks_setting', bit: 2 },
  { reason: 'sw_power_cap', bit: 4 },
  { reason: 'hw_slowdown', bit: 8 },
  { reason: 'sync_boost', bit: 16 },
  { reason: 'sw_thermal_slowdown', bit: 32 },
  { reason: 'hw_thermal_slowdown', bit: 64 },
  { reason: 'hw_power_brake_slowdown', bit: 128 },
  { reason: 'display_clocks_setting', bit: 256 },
] as const;

const SW_THERMAL_FIELD = 269;
/** Nanoseconds are the row's steps. */
const counters = [
  { reason: 'sw_power_cap', fieldId: 74 },
  { reason: 'sync_boost', fieldId: 76 },
  { reason: 'sw_thermal_slowdown', fieldId: SW_THERMAL_FIELD },
  { reason: 'hw_thermal_slowdown', fieldId: 270 },
  { reason: 'hw_power_brake_slowdown', fieldId: 271 },
] as const;

/** As nvmlPerfPolicyType_t numbers them. */
const policies = [
  { reason: 'sw_power_cap', policy: 0 },
  { reason: 'thermal', policy: 1 },
  { reason: 'sync_boost', policy: 2 },
  { reason: 'board_limit', policy: 3 },
  { reason: 'low_utilization', policy: 4 },
  { reason: 'reliability', policy: 5 },
] as const;

export function throttleMaskGroup(device: Device): Group {
  const { nvml, handle } = device;
  const memory = Buffer.alloc(8);
  const getNewer = nvml.bind('nvmlDeviceGetCurrentClocksEventReasons');
  const getOlder = nvml.bind('nvmlDeviceGetCurrentClocksThrottleReasons');
  const newer = new Question(device, () => getNewer(handle, memory));
  const older = new Question(device, () => getOlder(handle, memory));
  return {
    columns: masks.map(({ reason }) => column('gpu_throttle_active', { reason })),
    read: (cells, at) => {
      let missing = newer.ask();
      if (missing === 'unsupported') missing = older.ask();
      if (missing !== undefined) {
        fill(cells, at, masks.length, missing);
        return;
      }
      const mask = memory.readUInt32LE(0);
      for (let index = 0; index < masks.length; index++) cells[at + index] = mask & (1 << index) ? 1 : 0;
    },
  };
}

/** Whether the driver counts by reason; older ones count by policy. */
export function countsByReason(device: Device): boolean {
  return askField(device, SW_THERMAL_FIELD) !== undefined;
}

export const throttleFields: readonly Field[] = counters.map(({ reason, fieldId }) => ({
  column: column('gpu_throttle_seconds_total', { reason }),
  fieldId,
  cell: countCell,
}));

export function violationGroups(device: Device): readonly Group[] {
  const get = device.nvml.bind('nvmlDeviceGetViolationStatus');
  return policies.map(({ reason, policy }) => {
    const memory = Buffer.alloc(violationTime.size);
    const question = new Question(device, () => get(device.handle, policy, memory));
    return {
      columns: [column('gpu_throttle_seconds_total', { reason })],
      read: (cells, at) => {
        cells[at] = question.ask() ?? countCell(readCount(memory, violationTime.violationNs));
      },
    };
  });
}

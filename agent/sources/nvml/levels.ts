// Metrics that one getter of NVML gives as one 32-bit number. Authority: nvml.h.
import { CLOCK_DOMAINS } from './clocks.ts';
import type { CallsLike } from './calls.ts';
import {
  column,
  hertzOfMegahertz,
  plain,
  ratioOfPercent,
  wattsOfMilliwatts,
  type Cell,
  type Column,
  type Group,
} from './columns.ts';
import { Question, type Device } from './question.ts';

interface Level {
  readonly column: Column;
  readonly call: Caller;
  readonly cell: (raw: number) => Cell;
}

/** Gives a call that fills the memory with the number. */
type Caller = (device: Device, memory: Buffer) => () => number;

const of =
  (name: CallsLike<'nvmlDeviceGetPowerUsage'>): Caller =>
  ({ nvml, handle }, memory) => {
    const call = nvml.bind(name);
    return () => call(handle, memory);
  };
const ofSelected =
  (name: CallsLike<'nvmlDeviceGetClockInfo'>, selector: number): Caller =>
  ({ nvml, handle }, memory) => {
    const call = nvml.bind(name);
    return () => call(handle, selector, memory);
  };
/** The second number is the length of the period. */
const ofPeriod =
  (name: CallsLike<'nvmlDeviceGetEncoderUtilization'>): Caller =>
  ({ nvml, handle }, memory) => {
    const call = nvml.bind(name);
    const period = Buffer.alloc(4);
    return () => call(handle, memory, period);
  };

const percent = (id: Parameters<typeof column>[0] & `gpu_${string}_ratio`, call: Caller): Level => ({
  column: { id, labels: {} },
  call,
  cell: ratioOfPercent,
});
const watts = (id: Column['id'], name: CallsLike<'nvmlDeviceGetPowerUsage'>): Level => ({
  column: { id, labels: {} },
  call: of(name),
  cell: wattsOfMilliwatts,
});
const number = (id: Column['id'], name: CallsLike<'nvmlDeviceGetPowerUsage'>): Level => ({
  column: { id, labels: {} },
  call: of(name),
  cell: plain,
});
/** Since Ada the driver may give the distance to the slowdown instead: what is no temperature of silicon is none. */
const threshold = (kind: string, selector: number): Level => ({
  column: column('gpu_temperature_threshold_celsius', { kind }),
  call: ofSelected('nvmlDeviceGetTemperatureThreshold', selector),
  cell: (raw) => (raw >= 30 && raw <= 150 ? raw : 'unsupported'),
});

const fast: readonly Level[] = [
  percent('gpu_encoder_utilization_ratio', ofPeriod('nvmlDeviceGetEncoderUtilization')),
  percent('gpu_decoder_utilization_ratio', ofPeriod('nvmlDeviceGetDecoderUtilization')),
  percent('gpu_jpeg_utilization_ratio', ofPeriod('nvmlDeviceGetJpgUtilization')),
  percent('gpu_ofa_utilization_ratio', ofPeriod('nvmlDeviceGetOfaUtilization')),
  ...CLOCK_DOMAINS.map(({ domain, selector }): Level => ({
    column: column('gpu_clock_hertz', { domain }),
    call: ofSelected('nvmlDeviceGetClockInfo', selector),
    cell: hertzOfMegahertz,
  })),
];

const slow: readonly Level[] = [
  watts('gpu_power_limit_watts', 'nvmlDeviceGetPowerManagementLimit'),
  watts('gpu_power_limit_default_watts', 'nvmlDeviceGetPowerManagementDefaultLimit'),
  watts('gpu_power_limit_enforced_watts', 'nvmlDeviceGetEnforcedPowerLimit'),
  threshold('shutdown', 0),
  threshold('slowdown', 1),
  threshold('memory_max', 2),
  threshold('max_operating', 3),
  ...CLOCK_DOMAINS.map(({ domain, selector }): Level => ({
    column: column('gpu_clock_max_hertz', { domain }),
    call: ofSelected('nvmlDeviceGetMaxClockInfo', selector),
    cell: hertzOfMegahertz,
  })),
  percent('gpu_fan_speed_ratio', of('nvmlDeviceGetFanSpeed')),
  number('gpu_persistence_mode', 'nvmlDeviceGetPersistenceMode'),
  number('gpu_compute_mode', 'nvmlDeviceGetComputeMode'),
  {
    ...number('gpu_pstate', 'nvmlDeviceGetPerformanceState'),
    // 32 is NVML's "unknown".
    cell: (raw) => (raw <= 15 ? raw : 'malformed'),
  },
  number('gpu_pcie_link_generation', 'nvmlDeviceGetCurrPcieLinkGeneration'),
  number('gpu_pcie_link_generation_max', 'nvmlDeviceGetMaxPcieLinkGeneration'),
  number('gpu_pcie_link_width', 'nvmlDeviceGetCurrPcieLinkWidth'),
  number('gpu_pcie_link_width_max', 'nvmlDeviceGetMaxPcieLinkWidth'),
  number('gpu_pcie_replay_total', 'nvmlDeviceGetPcieReplayCounter'),
];

export const fastLevels = (device: Device): readonly Group[] => fast.map((level) => groupOf(device, level));
export const slowLevels = (device: Device): readonly Group[] => slow.map((level) => groupOf(device, level));

function groupOf(device: Device, { column, call, cell }: Level): Group {
  const memory = Buffer.alloc(8);
  const question = new Question(device, call(device, memory));
  return {
    columns: [column],
    read: (cells, at) => {
      cells[at] = question.ask() ?? cell(memory.readUInt32LE(0));
    },
  };
}

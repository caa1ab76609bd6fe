// What nvidia-smi 470 can print of a V100 with --query-gpu: one row per property, in the tool's order.
// Names, units and spellings follow `nvidia-smi --help-query-gpu` of that driver.
import { eccTotal, type EccLocation, type GpuCounters } from '../gpu-counters.ts';
import { throttle, type GpuState } from '../gpu-model.ts';
import type { GpuHardware, GpuModel } from '../hardware.ts';
import { DRIVER_VERSION } from '../kernel-log.ts';
import { smiBusId, timestampOf } from './smi-text.ts';

/** What a cell is made of. */
export interface Cell {
  readonly gpu: GpuState;
  readonly counters: GpuCounters;
  readonly hardware: GpuHardware;
  readonly model: GpuModel;
  readonly gpus: number;
  readonly wall: Date;
}

export type Column = readonly [names: string, text: string, read: (cell: Cell) => string, unit?: string];

export const NONE = '[N/A]';
/** In place of what the GPU itself would have to answer. */
export const LOST = '[GPU is lost]';
const none = (): string => NONE;
const always = (text: string) => (): string => text;
const flag =
  (bit: number) =>
  ({ gpu }: Cell) =>
    (gpu.throttleMask & bit) === 0 ? 'Not Active' : 'Active';
const hex = (value: number, digits: number): string => `0x${value.toString(16).toUpperCase().padStart(digits, '0')}`;
const whole = (value: number): string => String(Math.round(value));
const busId = ({ hardware }: Cell): string => smiBusId(hardware.bus);

/** Names of the tool; those without a place are none of a V100's. */
const eccColumns: readonly (readonly [name: string, location: EccLocation | 'total' | undefined])[] = [
  ['device_memory', 'device_memory'],
  ['dram', undefined],
  ['register_file', 'register_file'],
  ['l1_cache', 'l1_cache'],
  ['l2_cache', 'l2_cache'],
  ['texture_memory', undefined],
  ['cbu', 'cbu'],
  ['sram', undefined],
  ['total', 'total'],
];

/** Known to the driver, whether the GPU answers or not. */
export const knownWhenLost: ReadonlySet<string> = new Set([
  'timestamp',
  'driver_version',
  'count',
  'name',
  'serial',
  'uuid',
  'pci.bus_id',
  'pci.domain',
  'pci.bus',
  'pci.device',
  'pci.device_id',
  'pci.sub_device_id',
  'index',
]);

export const gpuColumns: readonly Column[] = [
  ['timestamp', 'When the query was made', ({ wall }) => timestampOf(wall)],
  ['driver_version', 'Version of the driver', always(DRIVER_VERSION)],
  ['count', 'Number of GPUs in the system', ({ gpus }) => String(gpus)],
  ['name gpu_name', 'Product name', ({ model }) => model.name],
  ['serial gpu_serial', 'Serial number printed on the board', ({ hardware }) => hardware.serial],
  ['uuid gpu_uuid', 'Identifier of the GPU that does not change', ({ hardware }) => hardware.uuid],
  ['pci.bus_id gpu_bus_id', 'PCI bus id as domain:bus:device.function', busId],
  ['pci.domain', 'PCI domain', always('0x0000')],
  ['pci.bus', 'PCI bus', ({ hardware }) => hex(hardware.bus, 2)],
  ['pci.device', 'PCI device', always('0x00')],
  ['pci.device_id', 'PCI vendor and device id', ({ model }) => model.deviceId],
  ['pci.sub_device_id', 'PCI sub system id', ({ model }) => model.subDeviceId],
  ['pcie.link.gen.current', 'PCIe generation now', always('3')],
  ['pcie.link.gen.max', 'Highest PCIe generation of GPU and system', always('3')],
  ['pcie.link.width.current', 'PCIe lanes now', always('16')],
  ['pcie.link.width.max', 'Most PCIe lanes of GPU and system', always('16')],
  ['index', 'Number of the GPU, may change at reboot', ({ hardware }) => String(hardware.index)],
  ['display_mode', 'Whether a display is connected', always('Disabled')],
  ['display_active', 'Whether a display is initialized', always('Disabled')],
  ['persistence_mode', 'Whether the driver stays loaded without clients', always('Enabled')],
  ['accounting.mode', 'Whether processes are accounted', always('Disabled')],
  ['accounting.buffer_size', 'Processes in the accounting buffer', always('4000')],
  ['driver_model.current', 'Driver model, Windows only', none],
  ['driver_model.pending', 'Driver model after reboot, Windows only', none],
  ['vbios_version', 'BIOS of the board', ({ model }) => model.vbios],
  ['inforom.img inforom.image', 'Version of the infoROM image', always('G503.0204.00.01')],
  ['inforom.oem', 'Version of the OEM object', always('1.1')],
  ['inforom.ecc', 'Version of the ECC object', always('5.0')],
  ['inforom.pwr inforom.power', 'Version of the power object', none],
  ['gom.current gpu_operation_mode.current', 'GPU operation mode', none],
  ['gom.pending gpu_operation_mode.pending', 'GPU operation mode after reboot', none],
  ['fan.speed', 'Fan speed the device aims at', none, '%'],
  ['pstate', 'Performance state, P0 is fastest', always('P0')],
  ['clocks_throttle_reasons.supported', 'Mask of reasons the GPU can give', always(hex(0x1ff, 16))],
  ['clocks_throttle_reasons.active', 'Mask of reasons for lower clocks now', ({ gpu }) => hex(gpu.throttleMask, 16)],
  ['clocks_throttle_reasons.gpu_idle', 'Nothing runs', flag(throttle.gpuIdle)],
  ['clocks_throttle_reasons.applications_clocks_setting', 'Limited by application clocks', flag(0x2)],
  ['clocks_throttle_reasons.sw_power_cap', 'Limited by power', flag(throttle.swPowerCap)],
  ['clocks_throttle_reasons.hw_slowdown', 'Hardware slowdown', flag(0x8)],
  ['clocks_throttle_reasons.hw_thermal_slowdown', 'Hardware slowdown by heat', flag(0x40)],
  ['clocks_throttle_reasons.hw_power_brake_slowdown', 'Hardware slowdown by power brake', flag(0x80)],
  ['clocks_throttle_reasons.sw_thermal_slowdown', 'Software slowdown by heat', flag(throttle.swThermal)],
  ['clocks_throttle_reasons.sync_boost', 'Limited by sync boost', flag(0x10)],
  ['memory.total', 'Device memory', ({ model }) => String(model.memoryMiB), 'MiB'],
  ['memory.used', 'Device memory in use', ({ gpu }) => String(gpu.memoryUsedMiB), 'MiB'],
  ['memory.free', 'Device memory free', ({ gpu, model }) => String(model.memoryMiB - gpu.memoryUsedMiB), 'MiB'],
  ['compute_mode', 'Who may use the GPU', always('Default')],
  ['utilization.gpu', 'Share of time with a kernel running', ({ gpu }) => whole(gpu.busy * 100), '%'],
  ['utilization.memory', 'Share of time memory was read or written', ({ gpu }) => whole(gpu.memoryActive * 100), '%'],
  ['encoder.stats.sessionCount', 'Encoder sessions', always('0')],
  ['encoder.stats.averageFps', 'Encoder frames per second', always('0')],
  ['encoder.stats.averageLatency', 'Encoder latency in microseconds', always('0')],
  ['ecc.mode.current', 'Whether ECC is on', always('Enabled')],
  ['ecc.mode.pending', 'Whether ECC is on after reboot', always('Enabled')],
  ...(['corrected', 'uncorrected'] as const).flatMap((kind) =>
    (['volatile', 'aggregate'] as const).flatMap((scope) =>
      eccColumns.map(([name, location]): Column => [
        `ecc.errors.${kind}.${scope}.${name}`,
        `ECC errors, ${kind}, ${scope}, ${name}`,
        ({ counters }) => eccCell(counters, { kind, scope, location }),
      ]),
    ),
  ),
  [
    'retired_pages.single_bit_ecc.count retired_pages.sbe',
    'Pages retired for single-bit errors',
    ({ counters }) => String(counters.retiredPages),
  ],
  ['retired_pages.double_bit.count retired_pages.dbe', 'Pages retired for double-bit errors', always('0')],
  [
    'retired_pages.pending',
    'Whether pages wait to be retired',
    ({ counters }) => (counters.retirementPending ? 'Yes' : 'No'),
  ],
  ['temperature.gpu', 'Core temperature in degrees C', ({ gpu }) => whole(gpu.temperatureC)],
  ['temperature.memory', 'Memory temperature in degrees C', ({ gpu }) => whole(gpu.memoryTemperatureC)],
  ['power.management', 'Whether power is managed', always('Enabled')],
  ['power.draw', 'Power of the board', ({ gpu }) => gpu.powerW.toFixed(2), 'W'],
  ['power.limit', 'Power limit set by software', ({ model }) => model.powerLimitW.toFixed(2), 'W'],
  ['enforced.power.limit', 'Power limit after all limiters', ({ model }) => model.powerLimitW.toFixed(2), 'W'],
  ['power.default_limit', 'Power limit after reboot', ({ model }) => model.powerLimitW.toFixed(2), 'W'],
  ['power.min_limit', 'Lowest power limit', ({ model }) => model.powerMinW.toFixed(2), 'W'],
  ['power.max_limit', 'Highest power limit', ({ model }) => model.powerLimitW.toFixed(2), 'W'],
  ['clocks.current.graphics clocks.gr', 'Graphics clock now', ({ gpu }) => String(gpu.clockMHz), 'MHz'],
  ['clocks.current.sm clocks.sm', 'SM clock now', ({ gpu }) => String(gpu.clockMHz), 'MHz'],
  ['clocks.current.memory clocks.mem', 'Memory clock now', ({ model }) => String(model.memoryClockMHz), 'MHz'],
  [
    'clocks.current.video clocks.video',
    'Video clock now',
    ({ gpu, model }) => whole((gpu.clockMHz / model.maxClockMHz) * model.videoClockMHz),
    'MHz',
  ],
  [
    'clocks.applications.graphics clocks.applications.gr',
    'Graphics clock for applications',
    ({ model }) => String(model.maxClockMHz),
    'MHz',
  ],
  [
    'clocks.applications.memory clocks.applications.mem',
    'Memory clock for applications',
    ({ model }) => String(model.memoryClockMHz),
    'MHz',
  ],
  [
    'clocks.default_applications.graphics clocks.default_applications.gr',
    'Default graphics clock',
    ({ model }) => String(model.maxClockMHz),
    'MHz',
  ],
  [
    'clocks.default_applications.memory clocks.default_applications.mem',
    'Default memory clock',
    ({ model }) => String(model.memoryClockMHz),
    'MHz',
  ],
  ['clocks.max.graphics clocks.max.gr', 'Highest graphics clock', ({ model }) => String(model.maxClockMHz), 'MHz'],
  ['clocks.max.sm', 'Highest SM clock', ({ model }) => String(model.maxClockMHz), 'MHz'],
  ['clocks.max.memory clocks.max.mem', 'Highest memory clock', ({ model }) => String(model.memoryClockMHz), 'MHz'],
  ['mig.mode.current', 'Whether MIG is on', none],
  ['mig.mode.pending', 'Whether MIG is on after reset', none],
];

interface EccCell {
  readonly kind: 'corrected' | 'uncorrected';
  readonly scope: 'volatile' | 'aggregate';
  readonly location: EccLocation | 'total' | undefined;
}

function eccCell(counters: GpuCounters, { kind, scope, location }: EccCell): string {
  if (location === undefined || (kind === 'corrected' && location === 'cbu')) return NONE;
  const counts = kind === 'corrected' ? counters.corrected(scope) : counters.uncorrected;
  return String(location === 'total' ? eccTotal(counts) : counts[location]);
}

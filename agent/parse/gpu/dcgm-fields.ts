// The DCGM fields we know: id, names of both generations, unit, and the column each fills. dcgm_fields.h of DCGM 2 to 4.6.
// Ids never changed; DCGM 4.6 gave many fields new names, some of which say a unit that the value does not have.
import { levelField, countField, ignoredField, perInstance, wholeOnly, type DcgmField } from './dcgm-field.ts';
import { healthFields } from './dcgm-health-fields.ts';
import { linkFields } from './dcgm-link-fields.ts';
import { columnOf, type GpuFacts } from './sheet.ts';
import {
  enumUpTo,
  mebibytes,
  megahertz,
  percent,
  rateOf,
  share,
  temperature,
  threshold,
  wattage,
} from './dcgm-value.ts';

const byte = rateOf(1);
const kilobyte = rateOf(1000);
const clock = (domain: string) => columnOf('gpu_clock_hertz', { domain });
const maxClock = (domain: string) => columnOf('gpu_clock_max_hertz', { domain });
const limit = (kind: string) => columnOf('gpu_temperature_threshold_celsius', { kind });
const pcieSent = columnOf('gpu_pcie_tx_bytes_per_second');
const pcieReceived = columnOf('gpu_pcie_rx_bytes_per_second');

/** A MIG instance has these for itself. 0–1, doubles. */
const profilingFields: readonly DcgmField[] = [
  levelField(
    1001,
    'DCGM_FI_PROF_GR_ENGINE_ACTIVE DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO',
    perInstance((of) => columnOf('gpu_graphics_engine_active_ratio', of)),
    share,
  ),
  levelField(
    1002,
    'DCGM_FI_PROF_SM_ACTIVE DCGM_FI_PROF_SM_UTIL_RATIO',
    perInstance((of) => columnOf('gpu_sm_active_ratio', of)),
    share,
  ),
  levelField(
    1003,
    'DCGM_FI_PROF_SM_OCCUPANCY DCGM_FI_PROF_SM_OCCUPANCY_RATIO',
    perInstance((of) => columnOf('gpu_sm_occupancy_ratio', of)),
    share,
  ),
  levelField(
    1004,
    'DCGM_FI_PROF_PIPE_TENSOR_ACTIVE DCGM_FI_PROF_TENSOR_UTIL_RATIO',
    perInstance((of) => columnOf('gpu_tensor_active_ratio', of)),
    share,
  ),
  levelField(
    1005,
    'DCGM_FI_PROF_DRAM_ACTIVE DCGM_FI_PROF_DRAM_UTIL_RATIO',
    perInstance((of) => columnOf('gpu_dram_active_ratio', of)),
    share,
  ),
  levelField(
    1006,
    'DCGM_FI_PROF_PIPE_FP64_ACTIVE DCGM_FI_PROF_FP64_UTIL_RATIO',
    perInstance((of) => columnOf('gpu_fp64_active_ratio', of)),
    share,
  ),
  levelField(
    1007,
    'DCGM_FI_PROF_PIPE_FP32_ACTIVE DCGM_FI_PROF_FP32_UTIL_RATIO',
    perInstance((of) => columnOf('gpu_fp32_active_ratio', of)),
    share,
  ),
  levelField(
    1008,
    'DCGM_FI_PROF_PIPE_FP16_ACTIVE DCGM_FI_PROF_FP16_UTIL_RATIO',
    perInstance((of) => columnOf('gpu_fp16_active_ratio', of)),
    share,
  ),
  levelField(1009, 'DCGM_FI_PROF_PCIE_TX_BYTES', wholeOnly(pcieSent), byte),
  levelField(1010, 'DCGM_FI_PROF_PCIE_RX_BYTES', wholeOnly(pcieReceived), byte),
  levelField(
    1016,
    'DCGM_FI_PROF_PIPE_INT_ACTIVE DCGM_FI_PROF_INT_UTIL_RATIO',
    perInstance((of) => columnOf('gpu_int_active_ratio', of)),
    share,
  ),
  countField(1091, 'DCGM_FI_PROF_PCIE_TX_BYTES_TOTAL', wholeOnly(columnOf('gpu_pcie_tx_bytes_total'))),
  countField(1092, 'DCGM_FI_PROF_PCIE_RX_BYTES_TOTAL', wholeOnly(columnOf('gpu_pcie_rx_bytes_total'))),
];

const boardFields: readonly DcgmField[] = [
  levelField(65, 'COMPUTE_MODE GPU_COMPUTE_MODE', columnOf('gpu_compute_mode'), enumUpTo(3)),
  levelField(66, 'PERSISTENCE_MODE GPU_PERSISTENCE_MODE', columnOf('gpu_persistence_mode'), enumUpTo(1)),
  levelField(67, 'MIG_MODE', columnOf('gpu_mig_mode'), enumUpTo(1)),
  levelField(92, 'BAR1_USED', wholeOnly(columnOf('gpu_bar1_memory_used_bytes')), mebibytes),
  levelField(100, 'SM_CLOCK', clock('sm'), megahertz),
  levelField(101, 'MEM_CLOCK', clock('memory'), megahertz),
  levelField(102, 'VIDEO_CLOCK', clock('video'), megahertz),
  levelField(113, 'MAX_SM_CLOCK', maxClock('sm'), megahertz),
  levelField(114, 'MAX_MEM_CLOCK', maxClock('memory'), megahertz),
  levelField(115, 'MAX_VIDEO_CLOCK', maxClock('video'), megahertz),
  levelField(140, 'MEMORY_TEMP MEMORY_TEMP_CELSIUS', columnOf('gpu_memory_temperature_celsius'), temperature),
  levelField(150, 'GPU_TEMP GPU_TEMP_CELSIUS', columnOf('gpu_temperature_celsius'), temperature),
  levelField(151, 'MEM_MAX_OP_TEMP MEMORY_MAX_OP_TEMP_CELSIUS', limit('memory_max'), threshold),
  levelField(152, 'GPU_MAX_OP_TEMP GPU_MAX_OP_TEMP_CELSIUS', limit('max_operating'), threshold),
  levelField(153, 'GPU_TEMP_LIMIT GPU_TEMP_MARGIN_CELSIUS', columnOf('gpu_temperature_margin_celsius'), temperature),
  levelField(158, 'SLOWDOWN_TEMP GPU_TEMP_SLOWDOWN_CELSIUS', limit('slowdown'), threshold),
  levelField(159, 'SHUTDOWN_TEMP GPU_TEMP_SHUTDOWN_CELSIUS', limit('shutdown'), threshold),
  levelField(155, 'POWER_USAGE BOARD_POWER_WATTS', columnOf('gpu_power_watts'), wattage),
  levelField(157, 'POWER_USAGE_INSTANT BOARD_POWER_RAW_WATTS', columnOf('gpu_power_watts'), wattage, 1),
  countField(156, 'TOTAL_ENERGY_CONSUMPTION', columnOf('gpu_energy_joules_total')),
  levelField(160, 'POWER_MGMT_LIMIT BOARD_POWER_LIMIT_REQUESTED_WATTS', columnOf('gpu_power_limit_watts'), wattage),
  levelField(161, 'POWER_MGMT_LIMIT_MIN BOARD_POWER_LIMIT_MIN_WATTS', columnOf('gpu_power_limit_min_watts'), wattage),
  levelField(162, 'POWER_MGMT_LIMIT_MAX BOARD_POWER_LIMIT_MAX_WATTS', columnOf('gpu_power_limit_max_watts'), wattage),
  levelField(
    163,
    'POWER_MGMT_LIMIT_DEF BOARD_POWER_LIMIT_DEFAULT_WATTS',
    columnOf('gpu_power_limit_default_watts'),
    wattage,
  ),
  levelField(
    164,
    'ENFORCED_POWER_LIMIT BOARD_POWER_LIMIT_ENFORCED_WATTS',
    columnOf('gpu_power_limit_enforced_watts'),
    wattage,
  ),
  levelField(170, 'FABRIC_MANAGER_STATUS', columnOf('gpu_fabric_state'), enumUpTo(3)),
  levelField(174, 'FABRIC_HEALTH_MASK', columnOf('gpu_fabric_health'), enumUpTo(0x7fff_ffef)),
  levelField(190, 'PSTATE GPU_PSTATE', columnOf('gpu_pstate'), enumUpTo(15)),
  levelField(191, 'FAN_SPEED', columnOf('gpu_fan_speed_ratio'), percent),
  levelField(200, 'PCIE_TX_THROUGHPUT', wholeOnly(pcieSent), kilobyte, 1),
  levelField(201, 'PCIE_RX_THROUGHPUT', wholeOnly(pcieReceived), kilobyte, 1),
  countField(202, 'PCIE_REPLAY_COUNTER PCIE_REPLAY_TOTAL', columnOf('gpu_pcie_replay_total')),
  // Percent, also where the newer name says ratio. Under MIG the GPU as a whole has none, and 0 of an instance is no 0.
  levelField(203, 'GPU_UTIL GPU_UTIL_RATIO', wholeOnly(columnOf('gpu_utilization_ratio')), percent),
  levelField(204, 'MEM_COPY_UTIL', wholeOnly(columnOf('gpu_memory_activity_ratio')), percent),
  levelField(206, 'ENC_UTIL', wholeOnly(columnOf('gpu_encoder_utilization_ratio')), percent),
  levelField(207, 'DEC_UTIL', wholeOnly(columnOf('gpu_decoder_utilization_ratio')), percent),
  levelField(235, 'PCIE_MAX_LINK_GEN', columnOf('gpu_pcie_link_generation_max'), enumUpTo(15)),
  levelField(236, 'PCIE_MAX_LINK_WIDTH', columnOf('gpu_pcie_link_width_max'), enumUpTo(32)),
  levelField(237, 'PCIE_LINK_GEN', columnOf('gpu_pcie_link_generation'), enumUpTo(15)),
  levelField(238, 'PCIE_LINK_WIDTH', columnOf('gpu_pcie_link_width'), enumUpTo(32)),
  levelField(
    250,
    'FB_TOTAL',
    perInstance((of) => columnOf('gpu_memory_total_bytes', of)),
    mebibytes,
  ),
  levelField(
    251,
    'FB_FREE',
    perInstance((of) => columnOf('gpu_memory_free_bytes', of)),
    mebibytes,
  ),
  levelField(
    252,
    'FB_USED',
    perInstance((of) => columnOf('gpu_memory_used_bytes', of)),
    mebibytes,
  ),
  levelField(253, 'FB_RESERVED', wholeOnly(columnOf('gpu_memory_reserved_bytes')), mebibytes),
  countField(
    1501,
    'PCIE_COUNT_CORRECTABLE_ERRORS PCIE_CORRECTABLE_ERROR_TOTAL',
    columnOf('gpu_pcie_errors_total', { kind: 'correctable' }),
  ),
  levelField(1523, 'GET_GPU_RECOVERY_ACTION GPU_RECOVERY_ACTION', columnOf('gpu_recovery_action'), enumUpTo(4)),
  // A number of devices of the node, not of this GPU; a share of what 250 and 252 say in full.
  ignoredField(4, 'DCGM_FI_DEV_COUNT DCGM_FI_SYSTEM_GPU_QUANTITY'),
  ignoredField(254, 'FB_USED_PERCENT FB_USED_RATIO'),
];

export const dcgmFields: readonly DcgmField[] = [...boardFields, ...healthFields, ...linkFields, ...profilingFields];

const byName = new Map(dcgmFields.flatMap((field) => field.names.map((name) => [name, field])));
const byId = new Map(dcgmFields.map((field) => [field.id, field]));

export const dcgmFieldOfName = (name: string): DcgmField | undefined => byName.get(name);
export const dcgmFieldOfId = (id: number): DcgmField | undefined => byId.get(id);

/** Fields that dcgm-exporter writes as labels, and what they tell of the GPU. */
export const factLabels: ReadonlyMap<string, keyof GpuFacts> = new Map([
  ['modelName', 'name'],
  ['model_name', 'name'],
  ['DCGM_FI_DEV_NAME', 'name'],
  ['DCGM_FI_DEV_GPU_NAME', 'name'],
  ['DCGM_FI_DRIVER_VERSION', 'driver'],
  ['DCGM_FI_SYSTEM_DRIVER_VERSION', 'driver'],
  ['DCGM_FI_DEV_VBIOS_VERSION', 'vbios'],
  ['DCGM_FI_DEV_SERIAL', 'serial'],
  ['DCGM_FI_DEV_BOARD_SERIAL', 'serial'],
]);

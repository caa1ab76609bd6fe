// GPUs, as NVML and nvidia-smi name them: what they are, how busy, their memory, power, temperatures and clocks.
import { instanceLabels, rowsOf, type MetricRow } from './row.ts';

const { counter, gauge, info } = rowsOf('gpu');
export const gpu = ['gpu', 'uuid', 'pci_bus_id'] as const;
/** Rows that a MIG instance has for itself; a whole GPU leaves the last two empty. */
const instance = [...gpu, ...instanceLabels] as const;

const utilization = (title: string, help: string, source: string) =>
  gauge('ratio', { labels: gpu, help, title, source, scale: 1000 });
const active = (title: string, help: string, source: string) =>
  gauge('ratio', { labels: instance, help, title, source, scale: 10_000 });
const watts = (title: string, help: string, source: string) =>
  gauge('watts', { labels: gpu, help, title, source, scale: 1000, lane: 'slow' });

export const gpuRows = {
  gpu_info: info({
    labels: [...gpu, 'name', 'driver', 'vbios', 'serial', 'cuda', 'arch', 'numa_node'],
    help: 'What the GPU is',
    title: 'GPU',
    source: 'nvidia-smi name, driver_version, vbios_version, serial',
  }),
  gpu_up: gauge('boolean', { labels: gpu, help: 'The GPU answers', title: 'Answers', source: 'nvidia-smi' }),
  gpu_persistence_mode: gauge('none', {
    labels: gpu,
    help: 'Persistence mode as NVML numbers it',
    title: 'Persistence',
    source: 'nvidia-smi persistence_mode',
    lane: 'slow',
  }),
  gpu_compute_mode: gauge('none', {
    labels: gpu,
    help: 'Compute mode as NVML numbers it',
    title: 'Compute mode',
    source: 'nvidia-smi compute_mode',
    lane: 'slow',
  }),
  gpu_pstate: gauge('none', {
    labels: gpu,
    help: 'Performance state, 0 is fastest',
    title: 'P-state',
    source: 'nvidia-smi pstate',
    lane: 'slow',
  }),
  gpu_mig_mode: gauge('none', {
    labels: gpu,
    help: 'MIG mode as NVML numbers it',
    title: 'MIG',
    source: 'nvidia-smi mig.mode.current',
    lane: 'slow',
  }),
  gpu_utilization_ratio: utilization('Busy', 'Share of time with a kernel running', 'nvidia-smi utilization.gpu'),
  gpu_memory_activity_ratio: utilization(
    'Memory active',
    'Share of time device memory was read or written, not its fill',
    'nvidia-smi utilization.memory',
  ),
  gpu_encoder_utilization_ratio: utilization(
    'Encoder',
    'Share of time the video encoder was busy',
    'nvidia-smi utilization.encoder',
  ),
  gpu_decoder_utilization_ratio: utilization(
    'Decoder',
    'Share of time the video decoder was busy',
    'nvidia-smi utilization.decoder',
  ),
  gpu_memory_total_bytes: gauge('bytes', {
    labels: instance,
    help: 'Device memory',
    title: 'Memory',
    source: 'nvidia-smi memory.total',
  }),
  gpu_memory_used_bytes: gauge('bytes', {
    labels: instance,
    help: 'Device memory in use',
    title: 'Memory used',
    source: 'nvidia-smi memory.used',
  }),
  gpu_memory_free_bytes: gauge('bytes', {
    labels: instance,
    help: 'Device memory free',
    title: 'Memory free',
    source: 'nvidia-smi memory.free',
  }),
  gpu_memory_reserved_bytes: gauge('bytes', {
    labels: gpu,
    help: 'Device memory the driver keeps for itself',
    title: 'Memory reserved',
    source: 'nvidia-smi memory.reserved',
  }),
  gpu_power_watts: gauge('watts', {
    labels: gpu,
    help: 'Power drawn by the board',
    title: 'Power',
    source: 'nvidia-smi power.draw',
    scale: 1000,
  }),
  gpu_power_limit_watts: watts('Power limit', 'Power limit in force', 'nvidia-smi power.limit'),
  gpu_power_limit_default_watts: watts(
    'Default power limit',
    'Power limit the board starts with',
    'nvidia-smi power.default_limit',
  ),
  gpu_power_limit_min_watts: watts(
    'Least power limit',
    'Lowest power limit that can be set',
    'nvidia-smi power.min_limit',
  ),
  gpu_power_limit_max_watts: watts(
    'Greatest power limit',
    'Highest power limit that can be set',
    'nvidia-smi power.max_limit',
  ),
  gpu_power_limit_enforced_watts: watts(
    'Enforced power limit',
    'Power limit after all limiters',
    'nvidia-smi enforced.power.limit',
  ),
  gpu_temperature_celsius: gauge('celsius', {
    labels: gpu,
    help: 'Temperature of the GPU',
    title: 'Temperature',
    source: 'nvidia-smi temperature.gpu',
  }),
  gpu_memory_temperature_celsius: gauge('celsius', {
    labels: gpu,
    help: 'Temperature of the device memory',
    title: 'Memory temperature',
    source: 'nvidia-smi temperature.memory',
  }),
  gpu_clock_hertz: gauge('hertz', {
    labels: [...gpu, 'domain'],
    help: 'Clock now',
    title: 'Clock',
    source: 'nvidia-smi clocks.current',
  }),
  gpu_clock_max_hertz: gauge('hertz', {
    labels: [...gpu, 'domain'],
    help: 'Highest clock of the domain',
    title: 'Highest clock',
    source: 'nvidia-smi clocks.max',
    lane: 'inventory',
  }),
  gpu_fan_speed_ratio: gauge('ratio', {
    labels: gpu,
    help: 'Fan speed, share of the greatest',
    title: 'Fan',
    source: 'nvidia-smi fan.speed',
    scale: 1000,
    lane: 'slow',
  }),
  gpu_recovery_action: gauge('none', {
    labels: gpu,
    help: 'What the driver asks for: 0 none, 1 reset, 2 reboot, 3 drain P2P, 4 drain and reset',
    title: 'Recovery action',
    source: 'NVML field 230; nvidia-smi gpu_recovery_action',
    lane: 'slow',
  }),
  gpu_mig_info: info({
    labels: [...instance, 'profile'],
    help: 'A MIG instance of the GPU',
    title: 'MIG instance',
    source: 'NVML MigDeviceHandleByIndex; nvidia-smi mig_devices',
  }),
  gpu_jpeg_utilization_ratio: utilization(
    'JPEG engine',
    'Share of time the JPEG engine was busy',
    'NVML JpgUtilization; nvidia-smi utilization.jpeg',
  ),
  gpu_ofa_utilization_ratio: utilization(
    'Optical flow',
    'Share of time the optical flow engine was busy',
    'NVML OfaUtilization; nvidia-smi utilization.ofa',
  ),
  gpu_graphics_engine_active_ratio: active(
    'Engine active',
    'Share of time any part of the graphics or compute engine was active',
    'DCGM 1001; GPM 1',
  ),
  gpu_sm_active_ratio: active('SMs active', 'Share of time a warp was on an SM, mean over all SMs', 'DCGM 1002; GPM 2'),
  gpu_sm_occupancy_ratio: active('SM occupancy', 'Resident warps over those an SM can hold', 'DCGM 1003; GPM 3'),
  gpu_tensor_active_ratio: active('Tensor cores', 'Share of cycles the tensor cores were active', 'DCGM 1004; GPM 5'),
  gpu_dram_active_ratio: active('DRAM active', 'Share of cycles device memory moved data', 'DCGM 1005; GPM 10'),
  gpu_fp64_active_ratio: active('FP64', 'Share of cycles the FP64 pipe was active', 'DCGM 1006; GPM 11'),
  gpu_fp32_active_ratio: active('FP32', 'Share of cycles the FP32 pipe was active', 'DCGM 1007; GPM 12'),
  gpu_fp16_active_ratio: active('FP16', 'Share of cycles the FP16 pipe was active', 'DCGM 1008; GPM 13'),
  gpu_int_active_ratio: active('Integer', 'Share of cycles the integer pipe was active', 'DCGM 1016; GPM 4'),
  gpu_bar1_memory_used_bytes: gauge('bytes', {
    labels: gpu,
    help: 'BAR1 address space in use',
    title: 'BAR1 used',
    source: 'NVML BAR1MemoryInfo; nvidia-smi bar1_memory_usage',
  }),
  gpu_energy_joules_total: counter('joules', {
    labels: gpu,
    help: 'Energy used since the driver was loaded',
    title: 'Energy',
    source: 'NVML TotalEnergyConsumption; DCGM 156',
    scale: 1000,
  }),
  gpu_temperature_threshold_celsius: gauge('celsius', {
    labels: [...gpu, 'kind'],
    help: 'Temperature at which the GPU slows down, shuts down, or that it should not pass at work',
    title: 'Temperature limit',
    source: 'NVML TemperatureThreshold; nvidia-smi gpu_temp_*_threshold',
    lane: 'inventory',
  }),
  gpu_temperature_margin_celsius: gauge('celsius', {
    labels: gpu,
    help: 'Degrees left until the GPU slows down',
    title: 'Temperature margin',
    source: 'NVML MarginTemperature; nvidia-smi gpu_temp_tlimit',
    lane: 'slow',
  }),
} as const satisfies Record<string, MetricRow>;

// GPUs, as nvidia-smi and NVML name them.
import { rowsOf, type MetricRow } from './row.ts';

const { counter, gauge, info } = rowsOf('gpu');
const gpu = ['gpu', 'uuid', 'pci_bus_id'] as const;

const utilization = (title: string, help: string, source: string) =>
  gauge('ratio', { labels: gpu, help, title, source, scale: 1000 });
const watts = (title: string, help: string, source: string) =>
  gauge('watts', { labels: gpu, help, title, source, scale: 1000, lane: 'slow' });

export const gpuRows = {
  gpu_info: info({
    labels: [...gpu, 'name', 'driver', 'vbios', 'serial', 'cuda', 'arch', 'numa_node'],
    help: 'What the GPU is',
    title: 'GPU',
    source: 'nvidia-smi name, driver_version, vbios_version, serial',
  }),
  gpus: gauge('count', {
    help: 'GPUs the driver answers for',
    title: 'GPUs',
    source: 'nvidia-smi count',
    lane: 'slow',
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
    labels: gpu,
    help: 'Device memory',
    title: 'Memory',
    source: 'nvidia-smi memory.total',
  }),
  gpu_memory_used_bytes: gauge('bytes', {
    labels: gpu,
    help: 'Device memory in use',
    title: 'Memory used',
    source: 'nvidia-smi memory.used',
  }),
  gpu_memory_free_bytes: gauge('bytes', {
    labels: gpu,
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
  gpu_throttle_active: gauge('boolean', {
    labels: [...gpu, 'reason'],
    help: 'Clocks are held down for this reason now',
    title: 'Throttled',
    source: 'nvidia-smi clocks_throttle_reasons.active',
  }),
  gpu_throttle_seconds_total: counter('seconds', {
    labels: [...gpu, 'reason'],
    help: 'Time clocks were held down for this reason',
    title: 'Throttled',
    source: 'nvidia-smi clocks_event_reasons_counters',
    scale: 1_000_000_000,
  }),
  gpu_ecc_errors_total: counter('count', {
    labels: [...gpu, 'kind', 'memory', 'scope'],
    help: 'ECC errors',
    title: 'ECC errors',
    source: 'nvidia-smi ecc.errors',
    lane: 'slow',
  }),
  gpu_retired_pages: gauge('count', {
    labels: [...gpu, 'cause'],
    help: 'Pages retired',
    title: 'Retired pages',
    source: 'nvidia-smi retired_pages',
    lane: 'slow',
  }),
  gpu_pcie_link_generation: gauge('none', {
    labels: gpu,
    help: 'PCIe generation of the link of the GPU now',
    title: 'PCIe generation',
    source: 'nvidia-smi pcie.link.gen.current',
    lane: 'slow',
  }),
  gpu_pcie_link_generation_max: gauge('none', {
    labels: gpu,
    help: 'PCIe generation the GPU and its slot can do',
    title: 'PCIe generation, best',
    source: 'nvidia-smi pcie.link.gen.max',
    lane: 'slow',
  }),
  gpu_pcie_link_width: gauge('none', {
    labels: gpu,
    help: 'PCIe lanes of the link of the GPU now',
    title: 'PCIe width',
    source: 'nvidia-smi pcie.link.width.current',
    lane: 'slow',
  }),
  gpu_pcie_link_width_max: gauge('none', {
    labels: gpu,
    help: 'PCIe lanes the GPU and its slot can do',
    title: 'PCIe width, best',
    source: 'nvidia-smi pcie.link.width.max',
    lane: 'slow',
  }),
  gpu_processes: gauge('count', {
    labels: [...gpu, 'kind'],
    help: 'Processes that hold the GPU',
    title: 'Processes',
    source: 'nvidia-smi --query-compute-apps',
  }),
  gpu_reader_up: gauge('boolean', { help: 'The GPU reader delivers', title: 'Reader', source: 'own' }),
  gpu_reader_info: info({
    labels: ['backend', 'profiling'],
    help: 'How GPUs are read here',
    title: 'GPU reader',
    source: 'own',
  }),
} as const satisfies Record<string, MetricRow>;

// What connects GPUs: PCIe, NVLink, NVSwitch, the fabric, and the nearest InfiniBand adapter.
import { gpu } from './gpu.ts';
import { rowsOf, type MetricRow } from './row.ts';

const { counter, gauge, info } = rowsOf('gpu');
const link = [...gpu, 'link'] as const;

export const gpuLinkRows = {
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
  gpu_pcie_tx_bytes_total: counter('bytes', {
    labels: gpu,
    help: 'Data from the GPU to the host',
    title: 'PCIe to host',
    source: 'NVML field 197',
  }),
  gpu_pcie_rx_bytes_total: counter('bytes', {
    labels: gpu,
    help: 'Data from the host to the GPU',
    title: 'PCIe from host',
    source: 'NVML field 198',
  }),
  gpu_pcie_tx_bytes_per_second: gauge('bytes_per_second', {
    labels: gpu,
    help: 'Data from the GPU to the host, a short sample; where there is no counter',
    title: 'PCIe to host',
    source: 'DCGM 1009; NVML PcieThroughput; nvidia-smi tx_util',
  }),
  gpu_pcie_rx_bytes_per_second: gauge('bytes_per_second', {
    labels: gpu,
    help: 'Data from the host to the GPU, a short sample; where there is no counter',
    title: 'PCIe from host',
    source: 'DCGM 1010; NVML PcieThroughput; nvidia-smi rx_util',
  }),
  gpu_pcie_replay_total: counter('count', {
    labels: gpu,
    help: 'PCIe packets sent again',
    title: 'PCIe replays',
    source: 'NVML PcieReplayCounter; nvidia-smi replay_counter',
    lane: 'slow',
  }),
  gpu_pcie_errors_total: counter('count', {
    labels: [...gpu, 'kind'],
    help: 'PCIe errors the GPU counts',
    title: 'PCIe errors',
    source: 'NVML fields 173-182',
    lane: 'slow',
  }),
  gpu_nvlink_tx_bytes_total: counter('bytes', {
    labels: link,
    help: 'Data sent over the NVLink',
    title: 'NVLink sent',
    source: 'NVML field 138; nvidia-smi nvlink -gt d',
  }),
  gpu_nvlink_rx_bytes_total: counter('bytes', {
    labels: link,
    help: 'Data received over the NVLink',
    title: 'NVLink received',
    source: 'NVML field 139; nvidia-smi nvlink -gt d',
  }),
  gpu_nvlink_tx_bytes_per_second: gauge('bytes_per_second', {
    labels: link,
    help: 'Data sent over NVLink; where there is no counter',
    title: 'NVLink sent',
    source: 'DCGM 1011',
  }),
  gpu_nvlink_rx_bytes_per_second: gauge('bytes_per_second', {
    labels: link,
    help: 'Data received over NVLink; where there is no counter',
    title: 'NVLink received',
    source: 'DCGM 1012',
  }),
  gpu_nvlink_up: gauge('boolean', {
    labels: link,
    help: 'The NVLink is active',
    title: 'NVLink up',
    source: 'NVML NvLinkState; nvidia-smi nvlink -s',
    lane: 'slow',
  }),
  gpu_nvlink_speed_bytes_per_second: gauge('bytes_per_second', {
    labels: link,
    help: 'Speed of the NVLink in one direction',
    title: 'NVLink speed',
    source: 'NVML field 164; nvidia-smi nvlink -s',
    lane: 'slow',
  }),
  gpu_nvlink_errors_total: counter('count', {
    labels: [...link, 'kind'],
    help: 'Errors of the NVLink',
    title: 'NVLink errors',
    source: 'NVML NvLinkErrorCounter; nvidia-smi nvlink -e',
    lane: 'slow',
  }),
  gpu_fabric_state: gauge('none', {
    labels: gpu,
    help: 'Registration with the NVLink fabric: 0 not supported, 1 not started, 2 in progress, 3 completed',
    title: 'Fabric state',
    source: 'NVML GpuFabricInfo; nvidia-smi fabric/state',
    lane: 'slow',
  }),
  gpu_fabric_health: gauge('none', {
    labels: gpu,
    help: 'Health mask of the NVLink fabric as NVML numbers it',
    title: 'Fabric health',
    source: 'NVML GpuFabricInfo',
    lane: 'slow',
  }),
  fabric_manager_up: gauge('boolean', {
    help: 'The fabric manager runs; without it GPUs behind NVSwitches cannot reach each other',
    title: 'Fabric manager',
    source: 'proc: nv-fabricmanager',
    lane: 'slow',
  }),
  nvswitch_temperature_celsius: gauge('celsius', {
    labels: ['nvswitch'],
    help: 'Temperature of the NVSwitch',
    title: 'NVSwitch temperature',
    source: 'DCGM 858',
    lane: 'slow',
  }),
  nvswitch_tx_bytes_total: counter('bytes', {
    labels: ['nvswitch'],
    help: 'Data the NVSwitch sent',
    title: 'NVSwitch sent',
    source: 'DCGM 861',
    lane: 'slow',
  }),
  nvswitch_rx_bytes_total: counter('bytes', {
    labels: ['nvswitch'],
    help: 'Data the NVSwitch received',
    title: 'NVSwitch received',
    source: 'DCGM 862',
    lane: 'slow',
  }),
  gpu_nearest_infiniband_info: info({
    labels: [...gpu, 'device', 'path'],
    help: 'The InfiniBand adapter nearest to the GPU, and what lies between them',
    title: 'Nearest InfiniBand',
    source: 'PCI tree',
  }),
} as const satisfies Record<string, MetricRow>;

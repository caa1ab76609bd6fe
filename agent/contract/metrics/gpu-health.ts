// The health of GPUs: throttling, ECC, retired and remapped memory, Xids, their processes, and the reader itself.
import { gpu } from './gpu.ts';
import { rowsOf, type MetricRow } from './row.ts';

const { counter, gauge, info } = rowsOf('gpu');

export const gpuHealthRows = {
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
  gpus: gauge('count', {
    help: 'GPUs the driver answers for',
    title: 'GPUs',
    source: 'nvidia-smi count',
    lane: 'slow',
  }),
  gpus_expected: gauge('count', {
    help: 'GPUs on the PCI bus, the most seen since the agent started',
    title: 'GPUs expected',
    source: 'sys/bus/pci/devices: vendor 10de, class 0300 and 0302',
    lane: 'slow',
  }),
  gpu_retired_pages_pending: gauge('boolean', {
    labels: gpu,
    help: 'Pages wait to be retired at the next restart',
    title: 'Pages pending',
    source: 'NVML field 31; nvidia-smi pending_retirement',
    lane: 'slow',
  }),
  gpu_remapped_rows: gauge('count', {
    labels: [...gpu, 'kind'],
    help: 'Memory rows replaced by spare ones',
    title: 'Remapped rows',
    source: 'NVML RemappedRows; nvidia-smi remapped_rows',
    lane: 'slow',
  }),
  gpu_remapped_rows_pending: gauge('boolean', {
    labels: gpu,
    help: 'Rows wait to be remapped at the next reset',
    title: 'Remap pending',
    source: 'NVML RemappedRows; nvidia-smi remapped_rows',
    lane: 'slow',
  }),
  gpu_remapped_rows_failed: gauge('boolean', {
    labels: gpu,
    help: 'A row could not be remapped: the GPU is to be replaced',
    title: 'Remap failed',
    source: 'NVML RemappedRows; nvidia-smi remapped_rows',
    lane: 'slow',
  }),
  gpu_row_remapper_banks: gauge('count', {
    labels: [...gpu, 'availability'],
    help: 'Memory banks by how many spare rows they have left',
    title: 'Banks by spare rows',
    source: 'NVML RowRemapperHistogram; nvidia-smi row_remapper_histogram',
    lane: 'slow',
  }),
  gpu_xid_errors_total: counter('count', {
    labels: [...gpu, 'xid'],
    help: 'Xids since the agent started; a code seen before that stands at 0',
    title: 'Xids',
    source: 'NVML events; kernel log NVRM: Xid',
  }),
  gpu_xid_last_timestamp_seconds: gauge('timestamp_seconds', {
    labels: [...gpu, 'xid'],
    help: 'When the Xid was last reported',
    title: 'Last Xid',
    source: 'NVML events; kernel log NVRM: Xid',
  }),
  nvswitch_sxid_errors_total: counter('count', {
    labels: ['nvswitch', 'sxid', 'fatal'],
    help: 'SXids of an NVSwitch since the agent started',
    title: 'SXids',
    source: 'kernel log nvidia-nvswitch: SXid',
  }),
  gpu_process_memory_bytes: gauge('bytes', {
    labels: [...gpu, 'pid', 'name'],
    help: 'Device memory of a process',
    title: 'Process memory',
    source: 'NVML ComputeRunningProcesses; nvidia-smi --query-compute-apps',
    lane: 'medium',
  }),
  gpu_process_sm_utilization_ratio: gauge('ratio', {
    labels: [...gpu, 'pid', 'name'],
    help: 'Share of time the SMs worked for a process',
    title: 'Process SM use',
    source: 'NVML ProcessUtilization',
    scale: 1000,
    lane: 'medium',
  }),
  gpu_dcp_suspect: gauge('boolean', {
    labels: gpu,
    help: 'Profiling counters stand at 0 while utilisation and power say that the GPU works',
    title: 'Profiling suspect',
    source: 'own',
    lane: 'medium',
  }),
  gpu_reader_stuck: gauge('boolean', {
    help: 'The GPU reader cannot even be killed: the driver hangs',
    title: 'Reader stuck',
    source: 'own',
  }),
} as const satisfies Record<string, MetricRow>;

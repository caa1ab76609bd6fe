// The families of a dcgm-exporter page that we can fill, in its own order: https://github.com/NVIDIA/dcgm-exporter,
// etc/default-counters.csv. Its units are MiB, MHz, mJ, ns and percent, its types what it declares, right or not.
import { agentCatalogue, type AgentMetricId } from '../catalogue.ts';
import type { CompatSeries, GpuView } from './gpu-view.ts';

export interface DcgmFamily {
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  readonly valuesOf: (gpu: GpuView) => readonly DcgmLine[];
}

export interface DcgmLine {
  /** The GPU instance; empty for the whole GPU. */
  readonly gi: string;
  readonly text: string;
}

const MEBI = 1_048_576;

type Labels = Readonly<Record<string, string>>;
/** A number of base units as DCGM prints it. */
type Print = (value: number, series: CompatSeries) => string;

const whole =
  (perUnit = 1): Print =>
  (value) =>
    String(Math.round(value * perUnit));
const mebibytes: Print = (value) => String(Math.floor(value / MEBI));
const double: Print = (value) => value.toFixed(6);
/** Counts and sums of theirs: exact, the steps of our row are their unit. */
const steps: Print = (_, series) => String(series.steps);

export const dcgmFamilies: readonly DcgmFamily[] = [
  gauge('DEV_SM_CLOCK', 'SM clock (in MHz)', one('gpu_clock_hertz', whole(1e-6), { domain: 'sm' })),
  gauge('DEV_MEM_CLOCK', 'Memory clock (in MHz)', one('gpu_clock_hertz', whole(1e-6), { domain: 'memory' })),
  gauge('DEV_MEMORY_TEMP', 'Temperature of the memory (in C)', one('gpu_memory_temperature_celsius', whole())),
  gauge('DEV_GPU_TEMP', 'Temperature of the GPU (in C)', one('gpu_temperature_celsius', whole())),
  gauge('DEV_POWER_USAGE', 'Power drawn (in W)', one('gpu_power_watts', double)),
  counter('DEV_TOTAL_ENERGY_CONSUMPTION', 'Energy used (in mJ)', one('gpu_energy_joules_total', steps)),
  counter('DEV_PCIE_REPLAY_COUNTER', 'PCIe packets sent again', one('gpu_pcie_replay_total', steps)),
  gauge('DEV_GPU_UTIL', 'Share of time with a kernel running (in %)', one('gpu_utilization_ratio', whole(100))),
  gauge('DEV_MEM_COPY_UTIL', 'Share of time the memory was used (in %)', one('gpu_memory_activity_ratio', whole(100))),
  gauge('DEV_ENC_UTIL', 'Use of the encoder (in %)', one('gpu_encoder_utilization_ratio', whole(100))),
  gauge('DEV_DEC_UTIL', 'Use of the decoder (in %)', one('gpu_decoder_utilization_ratio', whole(100))),
  gauge('DEV_XID_ERRORS', 'The last Xid', lastXid),
  violation('DEV_POWER_VIOLATION', 'power', 'sw_power_cap'),
  violation('DEV_THERMAL_VIOLATION', 'heat', 'thermal'),
  violation('DEV_SYNC_BOOST_VIOLATION', 'sync boost', 'sync_boost'),
  violation('DEV_BOARD_LIMIT_VIOLATION', 'limits of the board', 'board_limit'),
  violation('DEV_LOW_UTIL_VIOLATION', 'low utilisation', 'low_utilization'),
  violation('DEV_RELIABILITY_VIOLATION', 'reliability', 'reliability'),
  gauge('DEV_FB_FREE', 'Device memory free (in MiB)', one('gpu_memory_free_bytes', mebibytes)),
  gauge('DEV_FB_USED', 'Device memory in use (in MiB)', one('gpu_memory_used_bytes', mebibytes)),
  gauge('DEV_FB_RESERVED', 'Device memory kept by the driver (in MiB)', one('gpu_memory_reserved_bytes', mebibytes)),
  ecc('DEV_ECC_SBE_VOL_TOTAL', 'Corrected ECC errors since the driver was loaded', 'corrected', 'volatile'),
  ecc('DEV_ECC_DBE_VOL_TOTAL', 'Uncorrected ECC errors since the driver was loaded', 'uncorrected', 'volatile'),
  ecc('DEV_ECC_SBE_AGG_TOTAL', 'Corrected ECC errors in the life of the GPU', 'corrected', 'aggregate'),
  ecc('DEV_ECC_DBE_AGG_TOTAL', 'Uncorrected ECC errors in the life of the GPU', 'uncorrected', 'aggregate'),
  retired('DEV_RETIRED_SBE', 'Pages retired for single-bit errors', 'single_bit'),
  retired('DEV_RETIRED_DBE', 'Pages retired for double-bit errors', 'double_bit'),
  counter('DEV_RETIRED_PENDING', 'Pages wait to be retired', one('gpu_retired_pages_pending', whole())),
  linkErrors('DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL', 'NVLink flow control CRC errors', 'crc_flit'),
  linkErrors('DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL', 'NVLink data CRC errors', 'crc_data'),
  linkErrors('DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL', 'NVLink replays', 'replay'),
  linkErrors('DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL', 'NVLink recoveries', 'recovery'),
  counter('DEV_NVLINK_BANDWIDTH_TOTAL', 'Data over all NVLinks in both directions (a rate, in MB/s)', linkRate),
  remapped('DEV_UNCORRECTABLE_REMAPPED_ROWS', 'Rows remapped for uncorrectable errors', 'uncorrected'),
  remapped('DEV_CORRECTABLE_REMAPPED_ROWS', 'Rows remapped for correctable errors', 'corrected'),
  gauge('DEV_ROW_REMAP_FAILURE', 'A row could not be remapped', one('gpu_remapped_rows_failed', whole())),
  gauge(
    'PROF_GR_ENGINE_ACTIVE',
    'Share of time the graphics engine was active',
    one('gpu_graphics_engine_active_ratio', double),
  ),
  gauge('PROF_SM_ACTIVE', 'Share of cycles a warp was on an SM', one('gpu_sm_active_ratio', double)),
  gauge('PROF_SM_OCCUPANCY', 'Resident warps over those an SM can hold', one('gpu_sm_occupancy_ratio', double)),
  gauge(
    'PROF_PIPE_TENSOR_ACTIVE',
    'Share of cycles the tensor pipe was active',
    one('gpu_tensor_active_ratio', double),
  ),
  gauge('PROF_DRAM_ACTIVE', 'Share of cycles device memory moved data', one('gpu_dram_active_ratio', double)),
  gauge('PROF_PIPE_FP64_ACTIVE', 'Share of cycles the FP64 pipe was active', one('gpu_fp64_active_ratio', double)),
  gauge('PROF_PIPE_FP32_ACTIVE', 'Share of cycles the FP32 pipe was active', one('gpu_fp32_active_ratio', double)),
  gauge('PROF_PIPE_FP16_ACTIVE', 'Share of cycles the FP16 pipe was active', one('gpu_fp16_active_ratio', double)),
  gauge(
    'PROF_PCIE_TX_BYTES',
    'Data from the GPU over PCIe (a rate, in bytes per second)',
    one('gpu_pcie_tx_bytes_per_second', whole()),
  ),
  gauge(
    'PROF_PCIE_RX_BYTES',
    'Data to the GPU over PCIe (a rate, in bytes per second)',
    one('gpu_pcie_rx_bytes_per_second', whole()),
  ),
];

function gauge(name: string, help: string, valuesOf: DcgmFamily['valuesOf']): DcgmFamily {
  return { name: `DCGM_FI_${name}`, kind: 'gauge', help: `${help}.`, valuesOf };
}

function counter(name: string, help: string, valuesOf: DcgmFamily['valuesOf']): DcgmFamily {
  return { name: `DCGM_FI_${name}`, kind: 'counter', help: `${help}.`, valuesOf };
}

function violation(name: string, cause: string, reason: string): DcgmFamily {
  return counter(
    name,
    `Time clocks were held down by ${cause} (in ns)`,
    one('gpu_throttle_seconds_total', steps, { reason }),
  );
}

function ecc(name: string, help: string, kind: string, scope: string): DcgmFamily {
  return counter(name, help, sum('gpu_ecc_errors_total', { kind, scope }));
}

function retired(name: string, help: string, cause: string): DcgmFamily {
  return counter(name, help, one('gpu_retired_pages', whole(), { cause }));
}

function remapped(name: string, help: string, kind: string): DcgmFamily {
  return counter(name, help, one('gpu_remapped_rows', whole(), { kind }));
}

function linkErrors(name: string, help: string, kind: string): DcgmFamily {
  return counter(name, help, sum('gpu_nvlink_errors_total', { kind }));
}

/** A line for the whole GPU and one for each of its instances; theirs has no compute instances. */
function one(id: AgentMetricId, print: Print, labels: Labels = {}): DcgmFamily['valuesOf'] {
  const { scale } = agentCatalogue[id];
  return (gpu) => {
    const lines = new Map<string, DcgmLine>();
    for (const series of gpu.all(id)) {
      const { mig_gi: gi = '' } = series.labels;
      if (lines.has(gi) || !has(series, labels)) continue;
      lines.set(gi, { gi, text: print(Number(series.steps) / scale, series) });
    }
    return [...lines.values()];
  };
}

/** Theirs is a sum where ours tells parts. */
function sum(id: AgentMetricId, labels: Labels): DcgmFamily['valuesOf'] {
  return (gpu) => {
    const parts = gpu.all(id).filter((series) => has(series, labels));
    if (parts.length === 0) return [];
    return [{ gi: '', text: String(parts.reduce((total, part) => total + BigInt(part.steps), 0n)) }];
  };
}

function linkRate(gpu: GpuView): readonly DcgmLine[] {
  const parts = [...gpu.all('gpu_nvlink_tx_bytes_per_second'), ...gpu.all('gpu_nvlink_rx_bytes_per_second')];
  if (parts.length === 0) return [];
  const bytesPerSecond = parts.reduce((total, { id, steps }) => total + Number(steps) / agentCatalogue[id].scale, 0);
  return [{ gi: '', text: String(Math.round(bytesPerSecond / 1e6)) }];
}

function lastXid(gpu: GpuView): readonly DcgmLine[] {
  const [last] = gpu.all('gpu_xid_last_timestamp_seconds').toSorted((a, b) => Number(b.steps) - Number(a.steps));
  return last ? [{ gi: '', text: last.labels['xid'] ?? '' }] : [];
}

function has({ labels }: CompatSeries, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, text]) => labels[name] === text);
}

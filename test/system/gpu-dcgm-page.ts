// The page of a dcgm-exporter that was told to export all that a V100 has, not only its default list: the simulator's page,
// and after it the other fields of the same situation, by their names before DCGM 4.6.
import { eccTotal, type EccCounts, type GpuCounters } from '../../agent/simulator/gpu-counters.ts';
import { temperatureLimits, type GpuState } from '../../agent/simulator/gpu-model.ts';
import { LINKS_PER_GPU } from '../../agent/simulator/nvlink.ts';
import { DcgmPage } from '../../agent/simulator/render/dcgm-page.ts';
import type { GpuModel } from '../../agent/simulator/hardware.ts';
import type { NodeState } from '../../agent/simulator/workload.ts';

interface One {
  readonly gpu: GpuState;
  readonly counters: GpuCounters;
  readonly model: GpuModel;
}

type Field = readonly [name: string, read: (one: One) => number];

const levels: readonly Field[] = [
  ['VIDEO_CLOCK', ({ gpu, model }) => Math.round((gpu.clockMHz / model.maxClockMHz) * model.videoClockMHz)],
  ['MAX_SM_CLOCK', ({ model }) => model.maxClockMHz],
  ['MAX_MEM_CLOCK', ({ model }) => model.memoryClockMHz],
  ['MAX_VIDEO_CLOCK', ({ model }) => model.videoClockMHz],
  ['SLOWDOWN_TEMP', () => temperatureLimits.slowdown],
  ['SHUTDOWN_TEMP', () => temperatureLimits.shutdown],
  ['GPU_MAX_OP_TEMP', () => temperatureLimits.maxOperating],
  ['MEM_MAX_OP_TEMP', () => temperatureLimits.memoryMax],
  ['POWER_MGMT_LIMIT', ({ model }) => model.powerLimitW],
  ['POWER_MGMT_LIMIT_MIN', ({ model }) => model.powerMinW],
  ['POWER_MGMT_LIMIT_MAX', ({ model }) => model.powerLimitW],
  ['POWER_MGMT_LIMIT_DEF', ({ model }) => model.powerLimitW],
  ['ENFORCED_POWER_LIMIT', ({ model }) => model.powerLimitW],
  ['PSTATE', () => 0],
  ['PERSISTENCE_MODE', () => 1],
  ['COMPUTE_MODE', () => 0],
  ['BAR1_USED', () => 9],
  ['FB_TOTAL', ({ model }) => model.memoryMiB],
  ['FB_RESERVED', () => 0],
  ['PCIE_LINK_GEN', () => 3],
  ['PCIE_MAX_LINK_GEN', () => 3],
  ['PCIE_LINK_WIDTH', () => 16],
  ['PCIE_MAX_LINK_WIDTH', () => 16],
  ['CLOCK_THROTTLE_REASONS', ({ gpu }) => gpu.throttleMask],
  ['SYNC_BOOST_VIOLATION', () => 0],
  ['BOARD_LIMIT_VIOLATION', () => 0],
  ['LOW_UTIL_VIOLATION', () => 0],
  ['RELIABILITY_VIOLATION', () => 0],
  ['RETIRED_SBE', ({ counters }) => counters.retiredPages],
  ['RETIRED_DBE', () => 0],
  ['RETIRED_PENDING', ({ counters }) => Number(counters.retirementPending)],
];

const links: readonly Field[] = Array.from({ length: LINKS_PER_GPU }, (_, link): readonly Field[] => [
  [`NVLINK_CRC_FLIT_ERROR_COUNT_L${link}`, ({ counters }) => counters.links[link]?.crcErrors ?? 0],
  [`NVLINK_CRC_DATA_ERROR_COUNT_L${link}`, () => 0],
  [`NVLINK_REPLAY_ERROR_COUNT_L${link}`, ({ counters }) => counters.links[link]?.replayErrors ?? 0],
  [`NVLINK_RECOVERY_ERROR_COUNT_L${link}`, ({ counters }) => counters.links[link]?.recoveryErrors ?? 0],
]).flat();

const eccParts: readonly (readonly [string, (counts: EccCounts) => number])[] = [
  ['TOTAL', eccTotal],
  ['DEV', ({ device_memory }) => device_memory],
  ['REG', ({ register_file }) => register_file],
  ['L1', ({ l1_cache }) => l1_cache],
  ['L2', ({ l2_cache }) => l2_cache],
];

const ecc: readonly Field[] = [
  ...eccParts.flatMap(([part, read]): readonly Field[] => [
    [`ECC_SBE_VOL_${part}`, ({ counters }) => read(counters.corrected('volatile'))],
    [`ECC_SBE_AGG_${part}`, ({ counters }) => read(counters.corrected('aggregate'))],
    [`ECC_DBE_VOL_${part}`, ({ counters }) => read(counters.uncorrected)],
    [`ECC_DBE_AGG_${part}`, ({ counters }) => read(counters.uncorrected)],
  ]),
  ['ECC_DBE_VOL_CBU', ({ counters }) => counters.uncorrected.cbu],
  ['ECC_DBE_AGG_CBU', ({ counters }) => counters.uncorrected.cbu],
];

export function renderWholeDcgmPage({ hardware, gpus, gpuCounters, ...state }: NodeState): string {
  const page = new DcgmPage(hardware).render({ hardware, gpus, gpuCounters, ...state });
  const lines = [...levels, ...links, ...ecc].flatMap(([name, read]) =>
    gpus.flatMap((gpu, index) => {
      const [counters, uuid] = [gpuCounters[index], hardware.gpus[index]?.uuid];
      if (!counters || uuid === undefined || gpu.lost) return [];
      const value = read({ gpu, counters, model: hardware.platform.gpu });
      return [`DCGM_FI_DEV_${name}{gpu="${index}",UUID="${uuid}"} ${value}\n`];
    }),
  );
  return page + lines.join('');
}

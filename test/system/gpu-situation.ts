// One node of eight V100, as the simulator makes it, with something of everything: busy, idle, throttled for power and for
// heat, lost, with ECC errors, retired pages, replays, NVLink errors. The same situation for every way to read it.
import { noFabricFaults } from '../../agent/simulator/fabric/faults.ts';
import type { CounterValue } from '../../agent/simulator/render/binary-layout.ts';
import type { NvmlGpu } from '../../agent/simulator/render/nvml-layout.ts';
import { nvmlGpusOf } from '../../agent/simulator/render/nvml.ts';
import type { GpuCounters } from '../../agent/simulator/gpu-counters.ts';
import { throttle, type GpuState } from '../../agent/simulator/gpu-model.ts';
import { sherlock } from '../../agent/simulator/hardware.ts';
import { SimulatedWorkload, type NodeState } from '../../agent/simulator/workload.ts';

export const LOST_GPU = 5;
const NODE = 1;
const TROUBLED_GPU = 2;
const TROUBLED_LINK = 4;

/** What the GPU does, beside what the workload gave it. */
const doings: Readonly<Record<number, Partial<GpuState>>> = {
  0: {
    ...{ busy: 0.97, memoryActive: 0.52, powerW: 287.346, temperatureC: 61.4, memoryTemperatureC: 58.6 },
    pcie: { txBytesPerS: 219_347_595, rxBytesPerS: 1_902_123_449 },
    nvlink: { tx: [3e9, 3e9, 1e9, 1e9, 0, 0], rx: [2e9, 2e9, 1e9, 1e9, 0, 0] },
  },
  1: {
    busy: 0,
    memoryActive: 0,
    powerW: 43.218,
    throttleMask: throttle.gpuIdle,
    process: undefined,
    memoryUsedMiB: 4,
    clockMHz: 135,
  },
  2: { busy: 1, powerW: 299.5, throttleMask: throttle.swPowerCap, clockMHz: 1327 },
  3: { busy: 1, powerW: 268.125, temperatureC: 83.7, throttleMask: throttle.swThermal, clockMHz: 1207 },
};

export function gpuSituation(): NodeState {
  const workload = new SimulatedWorkload(1, sherlock({ seed: 1, nowS: 1_800_000_000 }), {
    outages: [{ node: NODE, gpu: LOST_GPU, fromS: 5, toS: 9000 }],
    wornMemory: { node: NODE, gpu: 4, firstS: -1000, errorEveryS: 10, errorsPerPage: 40 },
    jobErrors: false,
    fabric: noFabricFaults,
  });
  for (let second = 0; second < 10; second++) workload.advance(1);
  const state = workload.states[NODE];
  if (state?.gpus.length !== 8) throw new Error('the simulated node has not eight GPUs');
  for (const counters of state.gpuCounters.slice(TROUBLED_GPU, TROUBLED_GPU + 1)) trouble(counters);
  return { ...state, gpus: state.gpus.map((gpu, index) => ({ ...gpu, ...doings[index] })) };
}

/** Packets sent again on the slot, and errors of one link. */
function trouble(counters: GpuCounters): void {
  const links = counters.links.map((link, at) =>
    at === TROUBLED_LINK ? { ...link, replayErrors: 3, recoveryErrors: 1, crcErrors: 9 } : link,
  );
  Object.assign(counters, { pcieReplays: 7, links });
}

/** For NVML: what counts stands still, so that it can be compared; traffic of the slot is what it measures. */
export function stillNvmlGpusOf(state: NodeState): readonly NvmlGpu[] {
  return nvmlGpusOf(state).map((gpu) => ({
    ...gpu,
    policies: (gpu.policies ?? []).map(still),
    energyMj: still(gpu.energyMj),
    links: (gpu.links ?? []).map((link) => link && { ...link, txKib: still(link.txKib), rxKib: still(link.rxKib) }),
  }));
}

function still(counter: CounterValue | undefined): CounterValue | undefined {
  return counter && { ...counter, perSecond: 0 };
}

// What one GPU shows while a job runs on it: load, memory, power, temperature, clocks, throttling, traffic, processes.
import type { LinkLoad } from './communication.ts';
import type { GpuHardware, GpuModel } from './hardware.ts';
import type { Job } from './jobs.ts';
import { busyShareOf, exposedCommOf, type Pace } from './pace.ts';
import { noPcieLoad, pcieLoadOf, type PcieLoad } from './pcie-traffic.ts';
import { noWork, profilingOf, type Profiling } from './profiling.ts';
import { noiseAt } from './random.ts';

export interface GpuProcess {
  readonly pid: number;
  readonly name: string;
  readonly memoryMiB: number;
}

export interface GpuState {
  /** Fallen off its bus: nothing of it can be read. */
  readonly lost: boolean;
  /** Shares of the last second. */
  readonly busy: number;
  readonly memoryActive: number;
  readonly memoryUsedMiB: number;
  readonly powerW: number;
  readonly temperatureC: number;
  readonly memoryTemperatureC: number;
  readonly clockMHz: number;
  /** Bits as NVML numbers them. */
  readonly throttleMask: number;
  readonly process: GpuProcess | undefined;
  readonly profiling: Profiling;
  readonly pcie: PcieLoad;
  readonly nvlink: LinkLoad;
}

/** Of every V100, in degrees. */
export const temperatureLimits = { shutdown: 90, slowdown: 87, maxOperating: 83, memoryMax: 85 } as const;

export const throttle = { none: 0, gpuIdle: 0x1, swPowerCap: 0x4, swThermal: 0x20 } as const;

/** Memory the driver keeps for itself, and what a CUDA context takes. */
const DRIVER_MIB = 4;
const CONTEXT_MIB = 308;
const INLET_C = 27;
const WARM_UP_S = 40;
/** From here on the driver lowers clocks. */
const THROTTLE_C = 83;
/** A kernel that only spins while it waits for other GPUs draws this share of full work. */
const SPIN = 0.16;
const IDLE_CLOCK_MHZ = 135;
const CLOCK_STEP_MHZ = 7.5;
/** Power falls with about this power of the clock. */
const CLOCK_EXPONENT = 2.4;

export interface GpuSituation {
  readonly model: GpuModel;
  readonly hardware: GpuHardware;
  readonly pace: Pace | undefined;
  readonly lost: boolean;
  readonly nvlink: LinkLoad;
  /** What the adapter beside it moves to and from its memory. */
  readonly fabricBytesPerS: number;
  readonly timeS: number;
}

/** The next state; the temperature of the one before it lives on. Without one the GPU has long been doing what it does. */
export function stepGpu(situation: GpuSituation, before: GpuState | undefined, seconds: number): GpuState {
  const { model, hardware, pace, timeS } = situation;
  if (situation.lost) return lostGpu(situation, before, seconds);
  const process = processOf(situation);
  const busy = pace && process ? busyShareOf(pace, hardware.index, timeS) : 0;
  const wanted = wantedPower(situation, { busy, held: process !== undefined }) * hardware.clockShare ** 2;
  const limit = powerLimit(model, hardware, before?.temperatureC ?? steadyC(hardware, wanted));
  const powerW = Math.min(wanted, limit.watts);
  const throttleMask = wanted > limit.watts ? limit.mask : process ? throttle.none : throttle.gpuIdle;
  const clockShare = (powerW / wanted) ** (1 / CLOCK_EXPONENT);
  const temperatureC = warmed(before?.temperatureC, steadyC(hardware, powerW), seconds);
  const memoryActive = memoryActivity(situation, busy);
  return {
    lost: false,
    busy,
    memoryActive,
    memoryUsedMiB: DRIVER_MIB + (process?.memoryMiB ?? 0),
    powerW,
    temperatureC,
    memoryTemperatureC: temperatureC - 2 + 5 * busy * (pace?.job.needs.memoryActivity ?? 0),
    clockMHz: process ? clockOf(model.maxClockMHz, Math.min(clockShare, hardware.clockShare)) : IDLE_CLOCK_MHZ,
    throttleMask,
    process,
    profiling: profilingOf(pace, busy, memoryActive),
    pcie: process && pace ? pcieLoadOf(pace, busy, situation.fabricBytesPerS) : noPcieLoad,
    nvlink: situation.nvlink,
  };
}

/** It cools down unseen. */
function lostGpu({ hardware, nvlink }: GpuSituation, before: GpuState | undefined, seconds: number): GpuState {
  const temperatureC = warmed(before?.temperatureC, steadyC(hardware, 0), seconds);
  return {
    lost: true,
    busy: 0,
    memoryActive: 0,
    memoryUsedMiB: 0,
    powerW: 0,
    temperatureC,
    memoryTemperatureC: temperatureC,
    clockMHz: 0,
    throttleMask: throttle.none,
    process: undefined,
    profiling: noWork,
    pcie: noPcieLoad,
    nvlink: { tx: nvlink.tx.map(() => 0), rx: nvlink.rx.map(() => 0) },
  };
}

export function processIdOf(job: Job, gpu: number): number {
  return 10_000 + ((job.id * 16 + gpu) % 4_100_000);
}

export function processNameOf({ kind }: Job): string {
  return kind === 'notebook' ? '/opt/conda/bin/python3.8' : 'python';
}

function processOf({ model, hardware, pace }: GpuSituation): GpuProcess | undefined {
  if (!pace || pace.phase === 'none') return undefined;
  // The interpreter starts and imports before it touches the GPU.
  if (pace.phase === 'startup' && pace.progress < 0.25) return undefined;
  const share = pace.phase === 'startup' ? (pace.progress - 0.25) / 0.75 : 1;
  const working = Math.floor(model.memoryMiB * 0.96 * pace.job.needs.memoryShare * share);
  return {
    pid: processIdOf(pace.job, hardware.index),
    name: processNameOf(pace.job),
    memoryMiB: CONTEXT_MIB + working,
  };
}

function wantedPower({ model, hardware, pace, timeS }: GpuSituation, now: { busy: number; held: boolean }): number {
  const jitter = (noiseAt(hardware.index + (pace?.job.stream ?? 77), Math.floor(timeS * 10) + 1) - 0.5) * 2;
  if (!now.held || !pace) return model.idleW + jitter * 0.6;
  const { intensity } = pace.job.needs;
  const exposedComm = exposedCommOf(pace);
  const work = now.busy * (1 - exposedComm + exposedComm * SPIN);
  const full = model.powerLimitW * intensity;
  return Math.max(model.contextW, model.contextW + (full - model.contextW) * work) + jitter * (0.5 + 6 * work);
}

function powerLimit(
  model: GpuModel,
  hardware: GpuHardware,
  temperatureC: number,
): { readonly watts: number; readonly mask: number } {
  const coolable = (THROTTLE_C - INLET_C) / hardware.thermalResistance;
  if (coolable < model.powerLimitW && temperatureC > THROTTLE_C - 0.75) {
    return { watts: coolable, mask: throttle.swThermal };
  }
  return { watts: model.powerLimitW - 0.5, mask: throttle.swPowerCap };
}

function steadyC(hardware: GpuHardware, powerW: number): number {
  return INLET_C + hardware.thermalResistance * powerW;
}

/** The driver lets no GPU get much hotter than where it begins to throttle. */
function warmed(before: number | undefined, steady: number, seconds: number): number {
  const next = before === undefined ? steady : before + (steady - before) * (1 - Math.exp(-seconds / WARM_UP_S));
  return Math.min(next, THROTTLE_C + 1);
}

function memoryActivity({ pace }: GpuSituation, busy: number): number {
  if (!pace) return 0;
  return busy * pace.job.needs.memoryActivity * (1 - 0.8 * exposedCommOf(pace));
}

/** V100 clocks move in steps of 7.5 MHz; a GPU that is held back is at least one step below its best. */
function clockOf(maxMHz: number, share: number): number {
  const steps = Math.floor((maxMHz * share) / CLOCK_STEP_MHZ);
  return share >= 1 ? maxMHz : Math.min(Math.floor(steps * CLOCK_STEP_MHZ), Math.floor(maxMHz - CLOCK_STEP_MHZ));
}

// `nvidia-smi -q -x` of driver 470 on V100: elements and their order as its DTD v11 has them.
import { DRIVER_VERSION } from '../kernel-log.ts';
import type { NodeState } from '../workload.ts';
import type { Cell } from './nvidia-smi-columns.ts';
import { boardElements, clockElements, pciElements, powerElements } from './nvidia-smi-xml-board.ts';
import { eccElements, retiredPageElements, temperatureElements, throttleElements } from './nvidia-smi-xml-health.ts';
import { cellsOf } from './nvidia-smi.ts';
import { longTimestampOf, smiBusId } from './smi-text.ts';
import { NONE, renderElements, type Elements, type Read } from './xml-text.ts';

const LOST = 'GPU is lost';
const BAR1_MIB = 32_768;
const BAR1_USED_MIB = 9;

/** `only` is the index of the one GPU asked for. */
export function renderXml(state: NodeState, wall: Date, only?: number): string {
  const head = {
    timestamp: longTimestampOf(wall),
    driver_version: DRIVER_VERSION,
    cuda_version: '11.4',
    attached_gpus: String(state.hardware.gpus.length),
  };
  const gpus = cellsOf(state, wall)
    .filter(({ hardware }) => only === undefined || hardware.index === only)
    .map((cell) => `\t<gpu id="${smiBusId(cell.hardware.bus)}">\n${renderElements(gpuElements(cell), 2)}\t</gpu>\n\n`);
  return `<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v11.dtd">\n<nvidia_smi_log>\n${renderElements(head, 1)}${gpus.join('')}</nvidia_smi_log>\n`;
}

function gpuElements(cell: Cell): Elements {
  const { gpu, model } = cell;
  // What the GPU itself has to answer.
  const read: Read = gpu.lost ? () => LOST : (text) => text;
  return {
    ...boardElements(cell, read),
    pci: pciElements(cell, read),
    fan_speed: NONE,
    performance_state: read('P0'),
    clocks_throttle_reasons: throttleElements(cell, read),
    fb_memory_usage: memory(model.memoryMiB, gpu.memoryUsedMiB, read),
    bar1_memory_usage: memory(BAR1_MIB, BAR1_USED_MIB, read),
    compute_mode: read('Default'),
    utilization: {
      gpu_util: read(`${Math.round(gpu.busy * 100)} %`),
      memory_util: read(`${Math.round(gpu.memoryActive * 100)} %`),
      encoder_util: read('0 %'),
      decoder_util: read('0 %'),
    },
    encoder_stats: noSessions(read),
    fbc_stats: noSessions(read),
    ecc_mode: { current_ecc: read('Enabled'), pending_ecc: read('Enabled') },
    ecc_errors: eccElements(cell, read),
    retired_pages: retiredPageElements(cell, read),
    remapped_rows: NONE,
    temperature: temperatureElements(cell, read),
    supported_gpu_target_temp: { gpu_target_temp_min: NONE, gpu_target_temp_max: NONE },
    power_readings: powerElements(cell, read),
    ...clockElements(cell, read),
    supported_clocks: NONE,
    processes: processElements(cell),
    accounted_processes: {},
  };
}

function memory(total: number, used: number, read: Read): Elements {
  return { total: read(`${total} MiB`), used: read(`${used} MiB`), free: read(`${total - used} MiB`) };
}

function noSessions(read: Read): Elements {
  return { session_count: read('0'), average_fps: read('0'), average_latency: read('0') };
}

function processElements({ gpu: { process } }: Cell): Elements {
  if (!process) return {};
  return {
    process_info: {
      gpu_instance_id: NONE,
      compute_instance_id: NONE,
      pid: String(process.pid),
      type: 'C',
      process_name: process.name,
      used_memory: `${process.memoryMiB} MiB`,
    },
  };
}

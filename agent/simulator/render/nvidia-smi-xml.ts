// `nvidia-smi -q -x` of driver 470 on V100: elements and their order as its DTD v11 has them.
import { eccTotal, type EccCounts } from '../gpu-counters.ts';
import { temperatureLimits, throttle } from '../gpu-model.ts';
import { DRIVER_VERSION } from '../kernel-log.ts';
import type { NodeState } from '../workload.ts';
import type { Cell } from './nvidia-smi-columns.ts';
import { cellsOf } from './nvidia-smi.ts';
import { longTimestampOf, smiBusId } from './smi-text.ts';

type Element = readonly [name: string, content: string | readonly Element[]];
type Read = (text: string) => string;

const NONE = 'N/A';
const LOST = 'GPU is lost';
const BAR1_MIB = 32_768;
const BAR1_USED_MIB = 9;

/** `only` is the index of the one GPU asked for. */
export function renderXml(state: NodeState, wall: Date, only?: number): string {
  const cells = cellsOf(state, wall).filter(({ hardware }) => only === undefined || hardware.index === only);
  const head: readonly Element[] = [
    ['timestamp', longTimestampOf(wall)],
    ['driver_version', DRIVER_VERSION],
    ['cuda_version', '11.4'],
    ['attached_gpus', String(state.hardware.gpus.length)],
  ];
  const gpus = cells.map(
    (cell) => `\t<gpu id="${smiBusId(cell.hardware.bus)}">\n${renderAll(gpuElements(cell), 2)}\t</gpu>\n\n`,
  );
  return `<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v11.dtd">\n<nvidia_smi_log>\n${renderAll(head, 1)}${gpus.join('')}</nvidia_smi_log>\n`;
}

function renderAll(elements: readonly Element[], depth: number): string {
  const indent = '\t'.repeat(depth);
  return elements
    .map(([name, content]) =>
      typeof content === 'string'
        ? `${indent}<${name}>${content}</${name}>\n`
        : `${indent}<${name}>\n${renderAll(content, depth + 1)}${indent}</${name}>\n`,
    )
    .join('');
}

function gpuElements(cell: Cell): readonly Element[] {
  // What the GPU itself has to answer.
  const read: Read = cell.gpu.lost ? () => LOST : (text) => text;
  return [
    ...identity(cell, read),
    ['pci', pci(cell, read)],
    ['fan_speed', NONE],
    ['performance_state', read('P0')],
    ['clocks_throttle_reasons', throttleReasons(cell, read)],
    ['fb_memory_usage', memory(cell, read)],
    ['bar1_memory_usage', amounts(BAR1_MIB, BAR1_USED_MIB, read)],
    ['compute_mode', read('Default')],
    ['utilization', utilization(cell, read)],
    ['encoder_stats', noSessions(read)],
    ['fbc_stats', noSessions(read)],
    [
      'ecc_mode',
      [
        ['current_ecc', read('Enabled')],
        ['pending_ecc', read('Enabled')],
      ],
    ],
    [
      'ecc_errors',
      (['volatile', 'aggregate'] as const).map((scope): Element => [
        scope,
        [
          ['single_bit', eccErrors(cell.counters.corrected(scope), read, 'single')],
          ['double_bit', eccErrors(cell.counters.uncorrected, read, 'double')],
        ],
      ]),
    ],
    ['retired_pages', retiredPages(cell, read)],
    ['remapped_rows', NONE],
    ['temperature', temperature(cell, read)],
    [
      'supported_gpu_target_temp',
      [
        ['gpu_target_temp_min', NONE],
        ['gpu_target_temp_max', NONE],
      ],
    ],
    ['power_readings', power(cell, read)],
    ...clocks(cell, read),
    ['supported_clocks', NONE],
    ['processes', processes(cell)],
    ['accounted_processes', []],
  ];
}

function identity({ hardware, model }: Cell, read: Read): readonly Element[] {
  return [
    ['product_name', model.name],
    ['product_brand', 'Tesla'],
    ['display_mode', read('Disabled')],
    ['display_active', read('Disabled')],
    ['persistence_mode', read('Enabled')],
    [
      'mig_mode',
      [
        ['current_mig', NONE],
        ['pending_mig', NONE],
      ],
    ],
    ['mig_devices', 'None'],
    ['accounting_mode', read('Disabled')],
    ['accounting_mode_buffer_size', read('4000')],
    [
      'driver_model',
      [
        ['current_dm', NONE],
        ['pending_dm', NONE],
      ],
    ],
    ['serial', hardware.serial],
    ['uuid', hardware.uuid],
    ['minor_number', String(hardware.index)],
    ['vbios_version', read(model.vbios)],
    ['multigpu_board', read('No')],
    ['board_id', read(`0x${hardware.bus.toString(16)}00`)],
    ['gpu_part_number', read('900-2G503-0010-000')],
    [
      'inforom_version',
      [
        ['img_version', read('G503.0204.00.01')],
        ['oem_object', read('1.1')],
        ['ecc_object', read('5.0')],
        ['pwr_object', NONE],
      ],
    ],
    [
      'gpu_operation_mode',
      [
        ['current_gom', NONE],
        ['pending_gom', NONE],
      ],
    ],
    ['gsp_firmware_version', NONE],
    [
      'gpu_virtualization_mode',
      [
        ['virtualization_mode', 'None'],
        ['host_vgpu_mode', NONE],
      ],
    ],
    ['ibmnpu', [['relaxed_ordering_mode', NONE]]],
  ];
}

function pci({ hardware, model, gpu, counters }: Cell, read: Read): readonly Element[] {
  const kilobytes = (bytesPerS: number): string => read(`${Math.round(bytesPerS / 1000)} KB/s`);
  return [
    ['pci_bus', hardware.bus.toString(16).toUpperCase().padStart(2, '0')],
    ['pci_device', '00'],
    ['pci_domain', '0000'],
    ['pci_device_id', model.deviceId.slice(2)],
    ['pci_bus_id', smiBusId(hardware.bus)],
    ['pci_sub_system_id', model.subDeviceId.slice(2)],
    [
      'pci_gpu_link_info',
      [
        [
          'pcie_gen',
          [
            ['max_link_gen', read('3')],
            ['current_link_gen', read('3')],
          ],
        ],
        [
          'link_widths',
          [
            ['max_link_width', read('16x')],
            ['current_link_width', read('16x')],
          ],
        ],
      ],
    ],
    [
      'pci_bridge_chip',
      [
        ['bridge_chip_type', NONE],
        ['bridge_chip_fw', NONE],
      ],
    ],
    ['replay_counter', read(String(counters.pcieReplays))],
    ['replay_rollover_counter', read('0')],
    ['tx_util', kilobytes(gpu.pcie.txBytesPerS)],
    ['rx_util', kilobytes(gpu.pcie.rxBytesPerS)],
  ];
}

function throttleReasons({ gpu }: Cell, read: Read): readonly Element[] {
  const reasons = [
    ['gpu_idle', throttle.gpuIdle],
    ['applications_clocks_setting', 0x2],
    ['sw_power_cap', throttle.swPowerCap],
    ['hw_slowdown', 0x8],
    ['hw_thermal_slowdown', 0x40],
    ['hw_power_brake_slowdown', 0x80],
    ['sync_boost', 0x10],
    ['sw_thermal_slowdown', throttle.swThermal],
    ['display_clocks_setting', 0x100],
  ] as const;
  return reasons.map(([name, bit]) => [
    `clocks_throttle_reason_${name}`,
    read((gpu.throttleMask & bit) === 0 ? 'Not Active' : 'Active'),
  ]);
}

function memory({ gpu, model }: Cell, read: Read): readonly Element[] {
  return amounts(model.memoryMiB, gpu.memoryUsedMiB, read);
}

function amounts(total: number, used: number, read: Read): readonly Element[] {
  return [
    ['total', read(`${total} MiB`)],
    ['used', read(`${used} MiB`)],
    ['free', read(`${total - used} MiB`)],
  ];
}

function utilization({ gpu }: Cell, read: Read): readonly Element[] {
  return [
    ['gpu_util', read(`${Math.round(gpu.busy * 100)} %`)],
    ['memory_util', read(`${Math.round(gpu.memoryActive * 100)} %`)],
    ['encoder_util', read('0 %')],
    ['decoder_util', read('0 %')],
  ];
}

function noSessions(read: Read): readonly Element[] {
  return [
    ['session_count', read('0')],
    ['average_fps', read('0')],
    ['average_latency', read('0')],
  ];
}

function eccErrors(counts: EccCounts, read: Read, kind: 'single' | 'double'): readonly Element[] {
  return [
    ['device_memory', read(String(counts.device_memory))],
    ['register_file', read(String(counts.register_file))],
    ['l1_cache', read(String(counts.l1_cache))],
    ['l2_cache', read(String(counts.l2_cache))],
    ['texture_memory', NONE],
    ['texture_shm', NONE],
    ['cbu', kind === 'single' ? NONE : read(String(counts.cbu))],
    ['total', read(String(eccTotal(counts)))],
  ];
}

function retiredPages({ counters }: Cell, read: Read): readonly Element[] {
  const pending = read(counters.retirementPending ? 'Yes' : 'No');
  return [
    [
      'multiple_single_bit_retirement',
      [
        ['retired_count', read(String(counters.retiredPages))],
        ['retired_pagelist', []],
      ],
    ],
    [
      'double_bit_retirement',
      [
        ['retired_count', read('0')],
        ['retired_pagelist', []],
      ],
    ],
    ['pending_blacklist', pending],
    ['pending_retirement', pending],
  ];
}

function temperature({ gpu }: Cell, read: Read): readonly Element[] {
  const { shutdown, slowdown, maxOperating, memoryMax } = temperatureLimits;
  return [
    ['gpu_temp', read(`${Math.round(gpu.temperatureC)} C`)],
    ['gpu_temp_max_threshold', read(`${shutdown} C`)],
    ['gpu_temp_slow_threshold', read(`${slowdown} C`)],
    ['gpu_temp_max_gpu_threshold', read(`${maxOperating} C`)],
    ['gpu_target_temperature', NONE],
    ['memory_temp', read(`${Math.round(gpu.memoryTemperatureC)} C`)],
    ['gpu_temp_max_mem_threshold', read(`${memoryMax} C`)],
  ];
}

function power({ gpu, model }: Cell, read: Read): readonly Element[] {
  const watts = (value: number): string => read(`${value.toFixed(2)} W`);
  return [
    ['power_state', read('P0')],
    ['power_management', read('Supported')],
    ['power_draw', watts(gpu.powerW)],
    ['power_limit', watts(model.powerLimitW)],
    ['default_power_limit', watts(model.powerLimitW)],
    ['enforced_power_limit', watts(model.powerLimitW)],
    ['min_power_limit', watts(model.powerMinW)],
    ['max_power_limit', watts(model.powerLimitW)],
  ];
}

function clocks({ gpu, model }: Cell, read: Read): readonly Element[] {
  const megahertz = (name: string, value: number): Element => [`${name}_clock`, read(`${Math.round(value)} MHz`)];
  const { maxClockMHz, memoryClockMHz, videoClockMHz } = model;
  const applications = [megahertz('graphics', maxClockMHz), megahertz('mem', memoryClockMHz)];
  return [
    [
      'clocks',
      [
        megahertz('graphics', gpu.clockMHz),
        megahertz('sm', gpu.clockMHz),
        megahertz('mem', memoryClockMHz),
        megahertz('video', (gpu.clockMHz / maxClockMHz) * videoClockMHz),
      ],
    ],
    ['applications_clocks', applications],
    ['default_applications_clocks', applications],
    [
      'max_clocks',
      [
        megahertz('graphics', maxClockMHz),
        megahertz('sm', maxClockMHz),
        megahertz('mem', memoryClockMHz),
        megahertz('video', videoClockMHz),
      ],
    ],
    ['max_customer_boost_clocks', [megahertz('graphics', maxClockMHz)]],
    [
      'clock_policy',
      [
        ['auto_boost', NONE],
        ['auto_boost_default', NONE],
      ],
    ],
  ];
}

function processes({ gpu: { process } }: Cell): readonly Element[] {
  if (!process) return [];
  return [
    [
      'process_info',
      [
        ['gpu_instance_id', NONE],
        ['compute_instance_id', NONE],
        ['pid', String(process.pid)],
        ['type', 'C'],
        ['process_name', process.name],
        ['used_memory', `${process.memoryMiB} MiB`],
      ],
    ],
  ];
}

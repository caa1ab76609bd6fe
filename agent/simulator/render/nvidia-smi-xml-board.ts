// Of `nvidia-smi -q -x`: what the board is, its slot, its power and its clocks.
import type { Cell } from './nvidia-smi-columns.ts';
import { smiBusId } from './smi-text.ts';
import { NONE, type Elements, type Read } from './xml-text.ts';

export function boardElements({ hardware, model }: Cell, read: Read): Elements {
  return {
    product_name: model.name,
    product_brand: 'Tesla',
    display_mode: read('Disabled'),
    display_active: read('Disabled'),
    persistence_mode: read('Enabled'),
    mig_mode: { current_mig: NONE, pending_mig: NONE },
    mig_devices: 'None',
    accounting_mode: read('Disabled'),
    accounting_mode_buffer_size: read('4000'),
    driver_model: { current_dm: NONE, pending_dm: NONE },
    serial: hardware.serial,
    uuid: hardware.uuid,
    minor_number: String(hardware.index),
    vbios_version: read(model.vbios),
    multigpu_board: read('No'),
    board_id: read(`0x${hardware.bus.toString(16)}00`),
    gpu_part_number: read('900-2G503-0010-000'),
    inforom_version: {
      img_version: read('G503.0204.00.01'),
      oem_object: read('1.1'),
      ecc_object: read('5.0'),
      pwr_object: NONE,
    },
    gpu_operation_mode: { current_gom: NONE, pending_gom: NONE },
    gsp_firmware_version: NONE,
    gpu_virtualization_mode: { virtualization_mode: 'None', host_vgpu_mode: NONE },
    ibmnpu: { relaxed_ordering_mode: NONE },
  };
}

export function pciElements({ hardware, model, gpu, counters }: Cell, read: Read): Elements {
  const kilobytes = (bytesPerS: number): string => read(`${Math.round(bytesPerS / 1000)} KB/s`);
  return {
    pci_bus: hardware.bus.toString(16).toUpperCase().padStart(2, '0'),
    pci_device: '00',
    pci_domain: '0000',
    pci_device_id: model.deviceId.slice(2),
    pci_bus_id: smiBusId(hardware.bus),
    pci_sub_system_id: model.subDeviceId.slice(2),
    pci_gpu_link_info: {
      pcie_gen: { max_link_gen: read('3'), current_link_gen: read('3') },
      link_widths: { max_link_width: read('16x'), current_link_width: read('16x') },
    },
    pci_bridge_chip: { bridge_chip_type: NONE, bridge_chip_fw: NONE },
    replay_counter: read(String(counters.pcieReplays)),
    replay_rollover_counter: read('0'),
    tx_util: kilobytes(gpu.pcie.txBytesPerS),
    rx_util: kilobytes(gpu.pcie.rxBytesPerS),
  };
}

export function powerElements({ gpu, model }: Cell, read: Read): Elements {
  const watts = (value: number): string => read(`${value.toFixed(2)} W`);
  return {
    power_state: read('P0'),
    power_management: read('Supported'),
    power_draw: watts(gpu.powerW),
    power_limit: watts(model.powerLimitW),
    default_power_limit: watts(model.powerLimitW),
    enforced_power_limit: watts(model.powerLimitW),
    min_power_limit: watts(model.powerMinW),
    max_power_limit: watts(model.powerLimitW),
  };
}

export function clockElements({ gpu, model }: Cell, read: Read): Elements {
  const megahertz = (value: number): string => read(`${Math.round(value)} MHz`);
  const { maxClockMHz, memoryClockMHz, videoClockMHz } = model;
  const applications = { graphics_clock: megahertz(maxClockMHz), mem_clock: megahertz(memoryClockMHz) };
  const all = (sm: number, video: number): Elements => ({
    graphics_clock: megahertz(sm),
    sm_clock: megahertz(sm),
    mem_clock: megahertz(memoryClockMHz),
    video_clock: megahertz(video),
  });
  return {
    clocks: all(gpu.clockMHz, (gpu.clockMHz / maxClockMHz) * videoClockMHz),
    applications_clocks: applications,
    default_applications_clocks: applications,
    max_clocks: all(maxClockMHz, videoClockMHz),
    max_customer_boost_clocks: { graphics_clock: megahertz(maxClockMHz) },
    clock_policy: { auto_boost: NONE, auto_boost_default: NONE },
  };
}

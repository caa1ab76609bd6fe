// Why clocks are held down: names and bits of nvmlClocksEventReasons (nvmlClocksThrottleReasons of older drivers).

export const throttleReasons = [
  { reason: 'gpu_idle', bit: 0x1n },
  { reason: 'applications_clocks_setting', bit: 0x2n },
  { reason: 'sw_power_cap', bit: 0x4n },
  { reason: 'hw_slowdown', bit: 0x8n },
  { reason: 'sync_boost', bit: 0x10n },
  { reason: 'sw_thermal_slowdown', bit: 0x20n },
  { reason: 'hw_thermal_slowdown', bit: 0x40n },
  { reason: 'hw_power_brake_slowdown', bit: 0x80n },
  { reason: 'display_clocks_setting', bit: 0x100n },
] as const;

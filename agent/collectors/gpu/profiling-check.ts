// Says of each GPU whether its profiling counters can be believed, once it has had any.
import type { SeriesGroup, Snapshot, GaugeSeries } from '../../snapshot.ts';
import { columnOf } from '../../parse/gpu/sheet.ts';
import { isAbsent } from '#agent/contract';
import { DcpCheck } from './dcp-check.ts';
import type { GpuDevice } from './device.ts';

const engineActive = columnOf('gpu_graphics_engine_active_ratio');
const smActive = columnOf('gpu_sm_active_ratio');
const utilization = columnOf('gpu_utilization_ratio');
const power = columnOf('gpu_power_watts');
const limit = columnOf('gpu_power_limit_watts');

interface Watched {
  readonly check: DcpCheck;
  readonly group: SeriesGroup;
  readonly suspect: GaugeSeries<'boolean'>;
}

export class ProfilingCheck {
  readonly #snapshot: Snapshot;
  readonly #watched = new Map<GpuDevice, Watched>();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  look(nowMs: number, devices: Iterable<GpuDevice>): void {
    const present = new Set(devices);
    for (const device of present) this.#lookAt(nowMs, device);
    for (const [device, { group }] of this.#watched) {
      // Counters that nobody reads any more have not died.
      if (present.has(device) && (device.has(engineActive) || device.has(smActive))) continue;
      this.#snapshot.remove(group);
      this.#watched.delete(device);
    }
  }

  stop(): void {
    this.look(0, []);
  }

  #lookAt(nowMs: number, device: GpuDevice): void {
    const active = device.level(engineActive) ?? device.level(smActive);
    if (active === undefined && !this.#watched.has(device)) return;
    const { check, suspect } = this.#watched.get(device) ?? this.#watch(device);
    const judged = check.judge(nowMs, {
      utilization: device.level(utilization),
      powerWatts: device.level(power),
      limitWatts: device.level(limit),
      engineActive: active,
    });
    suspect.put(isAbsent(judged) ? judged : Number(judged));
  }

  #watch(device: GpuDevice): Watched {
    const group = this.#snapshot.group();
    const watched = { check: new DcpCheck(), group, suspect: group.gauge('gpu_dcp_suspect', { ...device.identity }) };
    this.#watched.set(device, watched);
    return watched;
  }
}

// Which verdicts the readings of a node can carry: capability -> metrics it needs -> leaf classes (DESIGN, section 1).
// A server gives a verdict only where it has a rule for it, too.
import type { AgentMetricId } from '#agent/contract';

/** One of these metrics is enough. */
type AnyOf = readonly AgentMetricId[];

export interface Capability {
  readonly title: string;
  readonly classes: readonly string[];
  /** All of these groups. */
  readonly needs: readonly AnyOf[];
  /** Surer with these. */
  readonly better?: readonly AnyOf[];
  /** What no reading of a node gives in this version. */
  readonly lacks?: string;
}

const busy: AnyOf = ['gpu_utilization_ratio', 'gpu_graphics_engine_active_ratio'];
const activity: AnyOf = ['gpu_sm_active_ratio', 'gpu_energy_joules_total', 'gpu_power_watts'];
const holders: AnyOf = ['gpu_processes', 'gpu_memory_used_bytes'];
const throttle: AnyOf = ['gpu_throttle_seconds_total', 'gpu_throttle_active'];
const scheduler = 'the job scheduler, which this version does not ask';
const workers = 'the processes of jobs, which this version does not read';

export const capabilities: readonly Capability[] = [
  {
    title: 'works',
    classes: ['productive.compute', 'starved.unknown'],
    needs: [busy],
    better: [['gpu_sm_active_ratio'], ['gpu_tensor_active_ratio']],
  },
  {
    title: 'works, bound by its memory',
    classes: ['productive.memory'],
    needs: [busy, ['gpu_dram_active_ratio', 'gpu_memory_activity_ratio']],
    better: [['gpu_dram_active_ratio']],
  },
  {
    title: 'waits for storage, which one is unknown',
    classes: ['starved.storage'],
    needs: [busy, ['pressure_io_waiting_seconds_total', 'procs_blocked']],
    better: [['pressure_io_waiting_seconds_total']],
  },
  {
    title: 'waits for a local drive',
    classes: ['starved.storage_local'],
    needs: [busy, ['disk_read_time_seconds_total'], ['disk_reads_completed_total']],
    better: [['pressure_io_waiting_seconds_total']],
  },
  {
    title: 'waits for shared storage',
    classes: ['starved.storage_network'],
    needs: [busy, ['filesystem_up']],
    lacks: 'the counters of network file systems, which this version does not read',
  },
  {
    title: 'waits for CPU',
    classes: ['starved.cpu'],
    needs: [busy, ['cpu_seconds_total']],
    better: [['pressure_cpu_waiting_seconds_total'], ['cpu_busiest_ratio']],
  },
  { title: 'has too few loader workers', classes: ['starved.workers'], needs: [busy], lacks: workers },
  {
    title: 'waits for copies from the host',
    classes: ['starved.h2d'],
    needs: [busy, ['gpu_pcie_rx_bytes_total', 'gpu_pcie_rx_bytes_per_second']],
    better: [['gpu_pcie_link_generation'], ['gpu_pcie_link_width']],
  },
  {
    title: 'waits for NVLink',
    classes: ['comm.nvlink'],
    needs: [busy, activity, ['gpu_nvlink_rx_bytes_total', 'gpu_nvlink_rx_bytes_per_second']],
    better: [['gpu_sm_active_ratio']],
  },
  {
    title: 'waits for InfiniBand',
    classes: ['comm.ib'],
    needs: [busy, activity, ['infiniband_port_data_received_bytes_total']],
    better: [['infiniband_port_transmit_wait_ticks_total'], ['gpu_sm_active_ratio']],
  },
  {
    title: 'waits for other ranks',
    classes: ['comm.straggler', 'comm.imbalance'],
    needs: [busy, activity],
    better: [['gpu_sm_active_ratio']],
    lacks: scheduler,
  },
  {
    title: 'hangs in communication',
    classes: ['comm.hang'],
    needs: [busy, ['gpu_power_watts']],
    better: [['gpu_sm_active_ratio']],
  },
  {
    title: 'is held by a process that does nothing',
    classes: ['held.idle'],
    needs: [busy, holders],
    better: [['gpu_processes']],
  },
  { title: 'is allocated and empty', classes: ['held.no_process'], needs: [holders], lacks: scheduler },
  {
    title: 'is between phases of its job',
    classes: ['phase.startup', 'phase.checkpoint', 'phase.eval'],
    needs: [busy, ['disk_written_bytes_total'], ['gpu_memory_used_bytes']],
  },
  {
    title: 'is slowed by its power cap',
    classes: ['slowed.power'],
    needs: [busy, throttle],
    better: [['gpu_throttle_seconds_total'], ['gpu_power_limit_watts', 'gpu_power_limit_enforced_watts']],
  },
  {
    title: 'is slowed by heat',
    classes: ['slowed.thermal'],
    needs: [busy, throttle],
    better: [['gpu_throttle_seconds_total'], ['gpu_temperature_celsius']],
  },
  {
    title: 'has its clocks locked low',
    classes: ['slowed.clock'],
    needs: [busy, ['gpu_clock_hertz'], ['gpu_clock_max_hertz']],
  },
  {
    title: 'is slowed by a degraded link',
    classes: ['slowed.link'],
    needs: [busy, ['gpu_pcie_link_width'], ['gpu_pcie_link_width_max']],
    better: [['gpu_nvlink_up'], ['gpu_pcie_replay_total']],
  },
  {
    title: 'is broken',
    classes: ['out.fault'],
    needs: [['gpu_up', 'gpu_reader_stuck']],
    better: [['gpus_expected'], ['gpu_ecc_errors_total', 'gpu_remapped_rows', 'gpu_retired_pages']],
  },
  { title: 'is free', classes: ['free.no_demand'], needs: [busy, holders], better: [['gpu_processes']] },
  {
    title: 'is free and no job fits, or out as planned',
    classes: ['free.stranded', 'out.planned'],
    needs: [],
    lacks: scheduler,
  },
  { title: 'serves little demand', classes: ['service.low_demand'], needs: [busy], lacks: workers },
  { title: 'was not seen', classes: ['unobserved'], needs: [] },
];

export interface Ability {
  readonly capability: Capability;
  /** yes: its readings are all there; partly: the surer ones are not. */
  readonly can: 'yes' | 'partly' | 'no';
  /** What is not there: metrics by id, any one of a group is enough. */
  readonly missing: readonly AnyOf[];
}

export function judgeAbilities(metrics: ReadonlySet<AgentMetricId>): readonly Ability[] {
  const isMissing = (group: AnyOf): boolean => !group.some((id) => metrics.has(id));
  return capabilities.map((capability) => {
    const needed = capability.needs.filter(isMissing);
    if (needed.length > 0 || capability.lacks !== undefined) return { capability, can: 'no', missing: needed };
    const missing = (capability.better ?? []).filter(isMissing);
    return { capability, can: missing.length === 0 ? 'yes' : 'partly', missing };
  });
}

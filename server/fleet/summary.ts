// The fleet, its nodes and GPUs as the API and the live page show them. Values of a node that is down are null.
import { metricName, namedLabels, PRESENT } from '#agent/contract';
import {
  API_SCHEMA_VERSION,
  leafClasses,
  type Attribution,
  type Coverage,
  type FleetSummary,
  type Funnel,
  type GpuReaderSummary,
  type GpuSummary,
  type LeafClass,
  type NodeDetail,
  type NodeSummary,
  type Sample,
} from '#server/contract';
import { partsOfKey, type BookKey } from '../ledger/book-key.ts';
import type { StoreState } from '../store/entries.ts';
import { readAbsences, wholeAreas } from './absences.ts';
import type { Fleet } from './fleet.ts';
import type { FleetGpu } from './gpu.ts';
import type { FleetNode } from './node.ts';
import { cpuBusyRatio, deviceCount, fabricTotals, ratesOf, storageTotals, sumOf } from './totals.ts';

export interface Moment {
  readonly nowMs: number;
  readonly wallMs: number;
}

const kept: StoreState = { ok: true };

export interface FleetState {
  readonly cluster: string;
  readonly store?: StoreState;
  readonly attribution: Attribution;
}

export function summarizeFleet(fleet: Fleet, state: FleetState, moment: Moment): FleetSummary {
  const { cluster, store = kept, attribution } = state;
  const up = fleet.nodes.filter((node) => node.isUp(moment.nowMs));
  return {
    schema_version: API_SCHEMA_VERSION,
    cluster,
    time_ms: moment.wallMs,
    coverage: coverageOf(fleet, moment.nowMs),
    attribution,
    funnel: funnelOf(fleet.gpus),
    classes: classesOf(fleet.gpus),
    booked_seconds: bookedSeconds(fleet.booked),
    storage: storageTotals(up),
    infiniband: fabricTotals(up),
    store: store.ok ? store : { ok: false, since_ms: store.sinceMs, reason: store.reason, message: store.message },
  };
}

export function coverageOf(fleet: Fleet, nowMs: number): Coverage {
  const { nodes, gpus } = fleet;
  return {
    nodes: nodes.length,
    nodes_up: nodes.filter((node) => node.isUp(nowMs)).length,
    gpus: gpus.length,
    gpus_reporting: gpus.filter(({ account }) => account.class !== 'unobserved').length,
  };
}

export function summarizeGpu(gpu: FleetGpu, nowMs: number): GpuSummary {
  const up = gpu.node.isUp(nowMs);
  const orNull = (value: number): number | null => (up && !Number.isNaN(value) ? value : null);
  return {
    node: gpu.node.name,
    gpu: gpu.gpu,
    uuid: gpu.uuid,
    pci_bus_id: gpu.pciBusId,
    name: gpu.name,
    class: gpu.account.class,
    owner: gpu.account.owner,
    since_ms: gpu.account.sinceMs,
    ...judgedParts(gpu),
    utilization_ratio: orNull(gpu.utilization),
    memory_used_bytes: orNull(gpu.memoryUsed),
    memory_total_bytes: orNull(gpu.memoryTotal),
    power_watts: orNull(gpu.power),
    temperature_celsius: orNull(gpu.temperature),
    processes: orNull(gpu.processes),
    outage: up ? (gpu.outage ?? null) : null,
  };
}

/** What the judge adds to the class. */
function judgedParts({
  account,
}: FleetGpu): Pick<GpuSummary, 'cause' | 'confidence' | 'effective_ratio' | 'job_id' | 'user'> {
  const { judgement } = account;
  if (!judgement) return { cause: null, confidence: null, effective_ratio: null, job_id: null, user: null };
  const { verdict, job } = judgement;
  return {
    cause: verdict.cause,
    confidence: verdict.confidence,
    effective_ratio: Number.isNaN(verdict.effective) ? null : verdict.effective,
    job_id: job?.id ?? null,
    user: job?.user ?? null,
  };
}

export function summarizeNode(fleet: Fleet, node: FleetNode, nowMs: number): NodeSummary {
  const up = node.isUp(nowMs);
  const gpus = fleet.gpusOf(node);
  return {
    name: node.name,
    up,
    last_sample_ms: node.lastSampleMs ?? null,
    clock_offset_seconds: node.clockOffsetMs === undefined ? null : node.clockOffsetMs / 1000,
    agent_version: node.agentVersion,
    product: node.inventory.product,
    gpus: gpus.length,
    disks: deviceCount(node, 'disk_size_bytes'),
    infiniband_ports: deviceCount(node, 'infiniband_state_id'),
    classes: classesOf(gpus),
    cpu_busy_ratio: up ? cpuBusyRatio(node) : null,
    disk_read_bytes_per_second: up ? sumOf(ratesOf(node, 'disk_read_bytes_total')) : null,
    disk_written_bytes_per_second: up ? sumOf(ratesOf(node, 'disk_written_bytes_total')) : null,
    infiniband_bytes_per_second: up ? infinibandRate(node) : null,
    missing: wholeAreas(readAbsences(node)),
    gpu_reader: up ? summarizeReader(node, nowMs) : null,
  };
}

function summarizeReader(node: FleetNode, nowMs: number): GpuReaderSummary | null {
  const { up, stuck, info, gpus, expected } = node.schema.reader;
  if (!up && !stuck && !info) return null;
  const label = (name: string): string => info?.labels[info.row.labels.indexOf(name)] ?? '';
  const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
  return {
    backend: label('backend'),
    profiling: label('profiling'),
    gpus_seen: orNull(node.level(gpus)),
    gpus_expected: orNull(node.level(expected)),
    outage: node.readerOutage(nowMs) ?? null,
  };
}

export function detailNode(fleet: Fleet, node: FleetNode, nowMs: number): NodeDetail {
  return {
    schema_version: API_SCHEMA_VERSION,
    ...summarizeNode(fleet, node, nowMs),
    inventory: node.inventory,
    gpu_list: fleet.gpusOf(node).map((gpu) => summarizeGpu(gpu, nowMs)),
    samples: node.isUp(nowMs) ? samplesOf(node) : [],
    unavailable: readAbsences(node),
  };
}

function infinibandRate(node: FleetNode): number | null {
  return sumOf([
    ...ratesOf(node, 'infiniband_port_data_received_bytes_total'),
    ...ratesOf(node, 'infiniband_port_data_transmitted_bytes_total'),
  ]);
}

function samplesOf(node: FleetNode): readonly Sample[] {
  return node.schema.published.flatMap((series) => {
    const { id, index, row, labels } = series;
    if (id === 'unavailable' || node.decoder.states[index] !== PRESENT) return [];
    return [{ metric: metricName(id), labels: namedLabels(row, labels), value: node.level(series) }];
  });
}

function classesOf(gpus: readonly FleetGpu[]): Partial<Record<LeafClass, number>> {
  const counts: Partial<Record<LeafClass, number>> = {};
  for (const { account } of gpus) counts[account.class] = (counts[account.class] ?? 0) + 1;
  return counts;
}

function bookedSeconds(totals: ReadonlyMap<BookKey, number>): Partial<Record<LeafClass, number>> {
  const sums = new Map<LeafClass, number>();
  for (const [key, ms] of totals) {
    const { class: leaf } = partsOfKey(key);
    sums.set(leaf, (sums.get(leaf) ?? 0) + ms);
  }
  return Object.fromEntries(
    leafClasses.flatMap((leaf) => {
      const ms = sums.get(leaf);
      return ms === undefined ? [] : [[leaf, ms / 1000]];
    }),
  );
}

function funnelOf(gpus: readonly FleetGpu[]): Funnel {
  const without = (list: readonly FleetGpu[], family: string): readonly FleetGpu[] =>
    list.filter(({ account }) => account.class.split('.')[0] !== family);
  const reporting = without(gpus, 'unobserved');
  const healthy = without(reporting, 'out');
  const allocated = without(healthy, 'free');
  const active = without(allocated, 'held');
  return {
    capacity: gpus.length,
    reporting: reporting.length,
    healthy: healthy.length,
    allocated: allocated.length,
    active: active.length,
    productive: active.filter(({ account }) => account.class.startsWith('productive.')).length,
  };
}

// The series of one GPU, filled from one row of nvidia-smi. Rows: agent/contract/metrics/gpu.ts.
import { absent, hertz, isAbsent, type Absence, type AbsenceReason } from '#agent/contract';
import { canonicalPciAddress } from '../../parse/pci.ts';
import type { NvidiaSmiRow } from '../../parse/nvidia-smi-csv.ts';
import {
  absenceOfCell,
  parseMask,
  parseQuantity,
  saysError,
  saysLost,
  textOfCell,
} from '../../parse/nvidia-smi-value.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';
import { architectureOf } from './architecture.ts';
import { eccCounters, readEcc } from './ecc.ts';
import {
  clockFields,
  gaugeFields,
  MEGAHERTZ,
  retiredPageFields,
  THROTTLE_MASK,
  throttleBits,
  throttleCounters,
} from './fields.ts';

export interface GpuIdentity {
  readonly gpu: string;
  readonly uuid: string;
  readonly pci_bus_id: string;
}

type Fill = (row: NvidiaSmiRow) => void;

/** Answers for these come from the GPU itself: an error in place of one means that it does not answer. */
const vitalFields = ['utilization.gpu', 'memory.used', 'temperature.gpu'] as const;

export function identityOf(row: NvidiaSmiRow): GpuIdentity {
  const bus = textOfCell(row.get('pci.bus_id'));
  return {
    gpu: row.get('index') ?? '',
    uuid: textOfCell(row.get('uuid')),
    pci_bus_id: canonicalPciAddress(bus) ?? bus.toLowerCase(),
  };
}

/** Why the GPU as a whole has no readings; undefined while it answers. */
export function lossOf(row: NvidiaSmiRow): AbsenceReason | undefined {
  for (const cell of row.values()) if (saysLost(cell)) return 'not_present';
  return vitalFields.some((field) => saysError(row.get(field) ?? '')) ? 'malformed' : undefined;
}

/** What changes with the driver, the place or the ECC mode; nothing else changes what a GPU offers. */
export function shapeOf(row: NvidiaSmiRow): string {
  const eccTotal = row.get('ecc.errors.corrected.volatile.total') ?? '';
  const known = ['index', 'uuid', 'pci.bus_id', 'driver_version'].map((field) => row.get(field) ?? '');
  return [...known, row.size, absenceOfCell(eccTotal) === undefined].join();
}

/** Two rows with the same signature fill the same series. */
export function signatureOf(row: NvidiaSmiRow, numaNode: string): string {
  return JSON.stringify([identityOf(row), infoOf(row, numaNode), eccCounters(row), knownThrottleCounters(row)]);
}

export class GpuDevice {
  readonly signature: string;
  shape: string;
  readonly identity: GpuIdentity;
  readonly processes: GaugeSeries<'count'>;
  readonly #snapshot: Snapshot;
  readonly #group: SeriesGroup;
  readonly #up: GaugeSeries<'boolean'>;
  readonly #fills: readonly Fill[];
  #lost: SeriesGroup | undefined;

  constructor(snapshot: Snapshot, row: NvidiaSmiRow, numaNode: string) {
    const identity = identityOf(row);
    const group = snapshot.group();
    this.signature = signatureOf(row, numaNode);
    this.shape = shapeOf(row);
    this.identity = identity;
    this.#snapshot = snapshot;
    this.#group = group;
    group.info('gpu_info', { ...identity, ...infoOf(row, numaNode) });
    this.#up = group.gauge('gpu_up', identity);
    this.processes = group.gauge('gpu_processes', { ...identity, kind: 'compute' });
    this.processes.absent('timed_out');
    this.#fills = [
      ...gaugeFills(group, identity),
      ...clockFills(group, identity),
      ...throttleFills(group, identity, row),
      ...errorFills(group, identity, row),
    ];
  }

  fill(row: NvidiaSmiRow): void {
    this.#find();
    this.#up.set(1);
    for (const fill of this.#fills) fill(row);
  }

  /** The GPU does not answer while the driver does. */
  lose(reason: AbsenceReason): void {
    this.#group.absent(reason);
    this.#up.set(0);
    if (this.#lost) return;
    this.#lost = this.#snapshot.group();
    this.#lost.unavailable('gpu', this.identity.gpu, reason);
  }

  /** Nobody answers: whether the GPU is up is not known either. */
  silence(reason: AbsenceReason): void {
    this.#find();
    this.#group.absent(reason);
  }

  remove(): void {
    this.#find();
    this.#snapshot.remove(this.#group);
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  #find(): void {
    if (!this.#lost) return;
    this.#snapshot.remove(this.#lost);
    this.#lost = undefined;
  }
}

function infoOf(
  row: NvidiaSmiRow,
  numaNode: string,
): Readonly<Record<'name' | 'driver' | 'vbios' | 'serial' | 'cuda' | 'arch' | 'numa_node', string>> {
  return {
    name: textOfCell(row.get('name')),
    driver: textOfCell(row.get('driver_version')),
    vbios: textOfCell(row.get('vbios_version')),
    serial: textOfCell(row.get('serial')),
    cuda: '',
    arch: architectureOf(textOfCell(row.get('compute_cap'))),
    numa_node: numaNode,
  };
}

function gaugeFills(group: SeriesGroup, identity: GpuIdentity): readonly Fill[] {
  return gaugeFields.map(({ id, fields, valueOf }) => {
    const gauge = group.gauge(id, identity);
    return (row) => {
      gauge.put(firstValue(row, fields, valueOf));
    };
  });
}

function clockFills(group: SeriesGroup, identity: GpuIdentity): readonly Fill[] {
  return clockFields.map(({ id, domain, field }) => {
    const gauge = group.gauge(id, { ...identity, domain });
    return (row) => {
      const megahertz = firstValue(row, [field], (cell) => parseQuantity(cell, 'MHz'));
      gauge.put(isAbsent(megahertz) ? megahertz : hertz(megahertz * MEGAHERTZ));
    };
  });
}

function throttleFills(group: SeriesGroup, identity: GpuIdentity, first: NvidiaSmiRow): readonly Fill[] {
  const bits = throttleBits.map(({ reason, bit }) => ({
    bit,
    gauge: group.gauge('gpu_throttle_active', { ...identity, reason }),
  }));
  const fillMask: Fill = (row) => {
    const cell = row.get(THROTTLE_MASK);
    const mask = cell === undefined ? absent('unsupported') : parseMask(cell);
    for (const { bit, gauge } of bits) gauge.put(isAbsent(mask) ? mask : Number((mask & bit) !== 0n));
  };
  const counters = knownThrottleCounters(first).map(({ reason, field }): Fill => {
    const series = group.counter('gpu_throttle_seconds_total', { ...identity, reason });
    return (row) => {
      putMicroseconds(
        series,
        firstValue(row, [field], (cell) => parseQuantity(cell, 'us')),
      );
    };
  });
  return [fillMask, ...counters];
}

function errorFills(group: SeriesGroup, identity: GpuIdentity, first: NvidiaSmiRow): readonly Fill[] {
  const retired = retiredPageFields.map(({ cause, field }): Fill => {
    const gauge = group.gauge('gpu_retired_pages', { ...identity, cause });
    return (row) => {
      gauge.put(firstValue(row, [field], (cell) => parseQuantity(cell, '')));
    };
  });
  const ecc = eccCounters(first).map((counter): Fill => {
    const { kind, memory, scope } = counter;
    const series = group.counter('gpu_ecc_errors_total', { ...identity, kind, memory, scope });
    return (row) => {
      const count = readEcc(row, counter);
      if (isAbsent(count)) series.absent(count.reason);
      else series.set(count);
    };
  });
  return [...retired, ...ecc];
}

/** A driver before 580 has none of them, later ones have those that the GPU counts. */
function knownThrottleCounters(row: NvidiaSmiRow): readonly { readonly reason: string; readonly field: string }[] {
  return throttleCounters.filter(({ field }) => {
    const cell = row.get(field);
    return cell !== undefined && absenceOfCell(cell) === undefined;
  });
}

/** The first field that has a value; else why the first one has none. A field that the driver does not know is unsupported. */
function firstValue(
  row: NvidiaSmiRow,
  fields: readonly string[],
  valueOf: (cell: string) => number | Absence,
): number | Absence {
  let why: Absence | undefined;
  for (const field of fields) {
    const cell = row.get(field);
    const value = cell === undefined ? absent('unsupported') : valueOf(cell);
    if (!isAbsent(value)) return value;
    why ??= value;
  }
  return why ?? absent('unsupported');
}

function putMicroseconds(series: CounterSeries, microseconds: number | Absence): void {
  if (isAbsent(microseconds)) {
    series.absent(microseconds.reason);
    return;
  }
  if (!Number.isSafeInteger(microseconds)) {
    series.absent('malformed');
    return;
  }
  const nanoseconds = microseconds * 1000;
  series.set(Number.isSafeInteger(nanoseconds) ? nanoseconds : BigInt(microseconds) * 1000n);
}

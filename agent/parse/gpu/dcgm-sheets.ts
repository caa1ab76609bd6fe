// Gathers values of DCGM's fields into one sheet per GPU: which of two values for one column holds, parts instead of sums.
import { isAbsent } from '#agent/contract';
import type { DcgmField, DcgmPlace, DcgmTarget } from './dcgm-field.ts';
import { noFacts, type GpuColumn, type GpuFacts, type GpuIdentity, type GpuSheet, type GpuValue } from './sheet.ts';

/** Fewer blank values than this do not say that the GPU is gone. */
const LEAST_BLANKS = 3;

/** One GPU, or one instance or link of it: the fields of one place fill the same columns every time. */
export class DcgmSpot {
  readonly #place: DcgmPlace;
  readonly #targets = new Map<DcgmField, readonly DcgmTarget[]>();

  constructor(place: DcgmPlace) {
    this.#place = place;
  }

  targetsOf(field: DcgmField): readonly DcgmTarget[] {
    let targets = this.#targets.get(field);
    if (!targets) this.#targets.set(field, (targets = field.targetsAt(this.#place)));
    return targets;
  }
}

export class DcgmSheetBuilder {
  #identity: GpuIdentity = { gpu: '', uuid: '', pci_bus_id: '' };
  #facts: GpuFacts = noFacts;
  readonly #values: GpuValue[] = [];
  readonly #ranks: number[] = [];
  readonly #places = new Map<GpuColumn, number>();
  readonly #profiles = new Map<string, string>();

  /** What one row says of the GPU; what it does not say is left as it was. */
  describe(identity: GpuIdentity, facts: Partial<GpuFacts>): void {
    const { gpu, uuid, pci_bus_id } = this.#identity;
    this.#identity = {
      gpu: gpu || identity.gpu,
      uuid: uuid || identity.uuid,
      pci_bus_id: pci_bus_id || identity.pci_bus_id,
    };
    this.#facts = { ...this.#facts, ...facts };
  }

  instance(gi: string, profile: string): void {
    if (!this.#profiles.get(gi)) this.#profiles.set(gi, profile);
  }

  /** The same series can be there several times: once per pod or job, or by its newer and its older field. */
  put({ column, rank, read }: DcgmTarget, text: string): void {
    const at = this.#places.get(column);
    if (at === undefined) {
      this.#places.set(column, this.#values.length);
      this.#values.push(read(text));
      this.#ranks.push(rank);
      return;
    }
    const held = this.#values[at];
    if (held && !isAbsent(held.value) && (this.#ranks[at] ?? 0) <= rank) return;
    const value = read(text);
    if (isAbsent(value.value)) return;
    this.#values[at] = value;
    this.#ranks[at] = rank;
  }

  finish(): GpuSheet {
    const values = withoutSums(this.#values);
    const instances = [...this.#profiles]
      .map(([mig_gi, profile]) => ({ mig_gi, mig_ci: '', profile }))
      .toSorted((a, b) => Number(a.mig_gi) - Number(b.mig_gi));
    const isGone = values.length >= LEAST_BLANKS && values.every(({ value }) => isAbsent(value));
    return {
      identity: this.#identity,
      facts: this.#facts,
      loss: isGone ? 'not_present' : undefined,
      values,
      ...(instances.length > 0 ? { instances } : {}),
    };
  }
}

/** Parts are told and not their sum, where all parts are known; a lone part of the memory does not make up its sum. */
function withoutSums(values: readonly GpuValue[]): readonly GpuValue[] {
  const parts = new Set<string>();
  const sums = new Set<string>();
  for (const { column, value } of values) {
    if (isAbsent(value)) continue;
    const { link, memory } = column.labels;
    if (link !== undefined && link !== 'all') parts.add(familyOf(column));
    if (memory === 'device_memory') parts.add(familyOf(column));
    if (memory === 'all') sums.add(familyOf(column));
  }
  if (parts.size === 0 && sums.size === 0) return values;
  return values.filter(({ column }) => {
    const family = familyOf(column);
    const { link, memory } = column.labels;
    if (link === 'all' || memory === 'all') return !parts.has(family);
    return memory === undefined || parts.has(family) || !sums.has(family);
  });
}

/** What a sum and its parts have in common. */
function familyOf({ id, labels }: GpuColumn): string {
  return `${id} ${labels['kind'] ?? ''} ${labels['scope'] ?? ''}`;
}

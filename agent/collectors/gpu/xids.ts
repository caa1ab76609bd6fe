// Xids and SXids as counters, from NVML's events and the kernel log together. Rows: agent/contract/metrics/gpu-health.ts.
import { timestampSeconds } from '#agent/contract';
import type { GpuIdentity } from '../../parse/gpu/sheet.ts';
import type { SxidEvent, XidEvent } from '../../parse/gpu/xid-event.ts';
import type { CounterSeries, GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';
import type { LoggedEvent } from '../../sources/kernel-log.ts';
import { Incidents } from './xid-incidents.ts';

interface XidsContext {
  readonly snapshot: Snapshot;
  readonly monotonicMs: () => number;
}

/** Against a log that somebody floods. A GPU that nobody has named counts as one of the strangers. */
const MOST_CODES = 64;
const MOST_STRANGERS = 64;

export class Xids {
  readonly #context: XidsContext;
  readonly #incidents = new Incidents();
  /** By address; by UUID where no address is known. */
  readonly #gpus = new Map<string, GpuXids>();
  #identities: readonly GpuIdentity[] = [];
  readonly #switches: SeriesGroup;
  readonly #sxids = new Map<string, { readonly series: CounterSeries; count: number }>();

  constructor(context: XidsContext) {
    this.#context = context;
    this.#switches = context.snapshot.group();
  }

  /** Who stands where now. A GPU that is not among them keeps the name it had. */
  setIdentities(identities: readonly GpuIdentity[]): void {
    this.#identities = identities;
    for (const identity of identities) {
      const key = keyOf(identity.pci_bus_id, identity.uuid);
      const byUuid = this.#gpus.get(identity.uuid);
      // Events that named only the UUID wait for the address.
      if (byUuid && key !== identity.uuid && !this.#gpus.has(key)) {
        this.#gpus.delete(identity.uuid);
        this.#gpus.set(key, byUuid);
      }
      if (this.#gpus.get(key)?.isNow(identity) === false) this.#forget(key);
    }
  }

  /** Events of NVML. Returns those that were not known yet. */
  addFromNvml(events: readonly XidEvent[]): readonly XidEvent[] {
    return events.filter((event) => this.#count(event));
  }

  /** What the kernel log told. Returns the Xids that are new: not known from NVML, and not from before our start. */
  addFromLog(events: readonly LoggedEvent[]): readonly XidEvent[] {
    return events.flatMap((one) => {
      if (one.kind === 'sxid') this.#countSxid(one.event, one.isHistory);
      else if (one.isHistory) this.#remember(one.event);
      else if (this.#count(one.event)) return [one.event];
      return [];
    });
  }

  stop(): void {
    for (const key of [...this.#gpus.keys()]) this.#forget(key);
    this.#context.snapshot.remove(this.#switches);
    this.#sxids.clear();
  }

  #count(event: XidEvent): boolean {
    const gpu = this.#gpuOf(event);
    if (!gpu) return false;
    const isNew = this.#incidents.isNew(gpu.key, event, this.#context.monotonicMs());
    gpu.tell(event, isNew ? 1 : 0);
    return isNew;
  }

  #remember(event: XidEvent): void {
    this.#gpuOf(event)?.tell(event, 0);
  }

  #gpuOf(event: XidEvent): GpuXids | undefined {
    const identity = this.#identityOf(event);
    const key = keyOf(identity.pci_bus_id, identity.uuid);
    const known = this.#gpus.get(key);
    if (known) return known;
    const isStranger = !this.#identities.includes(identity);
    if (key === '' || (isStranger && this.#gpus.size >= this.#identities.length + MOST_STRANGERS)) return undefined;
    const gpu = new GpuXids(this.#context.snapshot.group(), key, identity);
    this.#gpus.set(key, gpu);
    return gpu;
  }

  #identityOf({ pciBusId, uuid }: XidEvent): GpuIdentity {
    const known = this.#identities.find((one) =>
      pciBusId === '' || one.pci_bus_id === '' ? one.uuid !== '' && one.uuid === uuid : one.pci_bus_id === pciBusId,
    );
    return known ?? { gpu: '', uuid, pci_bus_id: pciBusId };
  }

  #forget(key: string): void {
    const gpu = this.#gpus.get(key);
    if (gpu) this.#context.snapshot.remove(gpu.group);
    this.#gpus.delete(key);
  }

  #countSxid({ nvswitch, sxid, fatal }: SxidEvent, isHistory: boolean): void {
    const labels = { nvswitch, sxid: String(sxid), fatal: String(fatal) };
    const key = Object.values(labels).join();
    let known = this.#sxids.get(key);
    if (!known) {
      if (this.#sxids.size >= MOST_CODES * 4) return;
      known = { series: this.#switches.counter('nvswitch_sxid_errors_total', labels), count: 0 };
      this.#sxids.set(key, known);
    }
    if (!isHistory) known.count++;
    known.series.set(known.count);
  }
}

interface Code {
  count: number;
  lastMs: number;
  counter: CounterSeries;
  last: GaugeSeries<'timestamp_seconds'>;
}

/** The Xids of one GPU. */
class GpuXids {
  readonly group: SeriesGroup;
  readonly key: string;
  #identity: GpuIdentity;
  readonly #codes = new Map<number, Code>();

  constructor(group: SeriesGroup, key: string, identity: GpuIdentity) {
    this.group = group;
    this.key = key;
    this.#identity = identity;
  }

  /** Takes the name. False if another GPU now stands there: what was counted is not its own. */
  isNow(identity: GpuIdentity): boolean {
    const mine = this.#identity;
    if (mine.uuid !== '' && identity.uuid !== '' && mine.uuid !== identity.uuid) return false;
    if (mine.gpu === identity.gpu && mine.uuid === identity.uuid && mine.pci_bus_id === identity.pci_bus_id)
      return true;
    this.#identity = identity;
    this.group.clear();
    for (const [xid, code] of this.#codes) {
      Object.assign(code, this.#seriesOf(xid));
      show(code);
    }
    return true;
  }

  tell({ xid, timeMs }: XidEvent, count: 0 | 1): void {
    const code = this.#codes.get(xid) ?? this.#meet(xid, timeMs);
    if (!code) return;
    code.count += count;
    if (!(timeMs <= code.lastMs)) code.lastMs = timeMs;
    show(code);
  }

  #meet(xid: number, timeMs: number): Code | undefined {
    if (this.#codes.size >= MOST_CODES) return undefined;
    const code = { count: 0, lastMs: timeMs, ...this.#seriesOf(xid) };
    this.#codes.set(xid, code);
    return code;
  }

  #seriesOf(xid: number): Pick<Code, 'counter' | 'last'> {
    const labels = { ...this.#identity, xid: String(xid) };
    return {
      counter: this.group.counter('gpu_xid_errors_total', labels),
      last: this.group.gauge('gpu_xid_last_timestamp_seconds', labels),
    };
  }
}

function show({ count, lastMs, counter, last }: Code): void {
  counter.set(count);
  last.set(timestampSeconds(lastMs / 1000));
}

function keyOf(pciBusId: string, uuid: string): string {
  return pciBusId === '' ? uuid : pciBusId;
}

// Xids and SXids of the node, from NVML's events and the kernel log; which of them ask for a new look at the GPUs.
import type { GpuIdentity } from '../../parse/gpu/sheet.ts';
import type { XidEvent } from '../../parse/gpu/xid-event.ts';
import type { SeriesGroup } from '../../snapshot.ts';
import { KernelLog } from '../../sources/kernel-log.ts';
import type { CollectorContext } from '../collector.ts';
import { Xids } from './xids.ts';

/** Off the bus; recovery action changed. */
const rediscovering: ReadonlySet<number> = new Set([79, 154]);

export class GpuEvents {
  readonly #context: CollectorContext;
  readonly #kernelLog: KernelLog;
  readonly #xids: Xids;
  readonly #group: SeriesGroup;
  #pending: XidEvent[] = [];
  #shown = '';

  constructor(context: CollectorContext) {
    this.#context = context;
    this.#kernelLog = new KernelLog(context);
    this.#xids = new Xids(context);
    this.#group = context.snapshot.group();
  }

  /** An event of NVML, whenever it comes. */
  readonly take = (event: XidEvent): void => {
    this.#pending.push(event);
  };

  setIdentities(identities: readonly GpuIdentity[]): void {
    this.#xids.setIdentities(identities);
  }

  /** Counts what has come since the last time. True if the GPUs should be looked for again. */
  read(): boolean {
    const pending = this.#pending;
    this.#pending = [];
    const fresh = [...this.#xids.addFromNvml(pending), ...this.#xids.addFromLog(this.#kernelLog.read())];
    this.#log(fresh);
    this.#tellOfLog();
    return fresh.some(({ xid }) => rediscovering.has(xid));
  }

  stop(): void {
    this.#kernelLog.stop();
    this.#xids.stop();
    this.#context.snapshot.remove(this.#group);
  }

  /** One line for each code of each GPU, however many there were. */
  #log(fresh: readonly XidEvent[]): void {
    const nameOf = ({ pciBusId, uuid }: XidEvent): string => pciBusId || uuid;
    for (const [first, ...more] of Map.groupBy(fresh, (event) => `${event.xid} ${nameOf(event)}`).values()) {
      if (!first) continue;
      const times = more.length === 0 ? {} : { times: more.length + 1 };
      this.#context.log.warn('Xid', { xid: first.xid, gpu: nameOf(first), ...times });
    }
  }

  #tellOfLog(): void {
    const { state } = this.#kernelLog;
    const shown = state.kind === 'absent' ? state.reason : '';
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#group.clear();
    if (state.kind === 'reading') return;
    this.#group.info('unavailable', {
      area: 'gpu',
      device: 'kernel log',
      name: 'gpu_xid_errors_total',
      reason: state.reason,
    });
    this.#context.log.info('the kernel log is not read', { reason: state.reason, hint: state.hint });
  }
}

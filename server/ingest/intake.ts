// What has arrived of every agent process, and what of it is on disk: shared by all connections, seeded by the store.
// An entry waits here from its hand-over to the store until the store says that it is durable, or that it is forgotten.
import { SeqSet } from '#agent/contract';
import type { FrameEntry, GapEntry, SessionEntry, Store } from '../store/entries.ts';
import { AxisOffset } from './axis-offset.ts';

/** Whom to tell that an entry is on disk, and which. */
export interface Receipt {
  /** Everything up to `mark` of the kind is durable. */
  durable(kind: 'live' | 'backlog', mark: number): void;
  /** Called once after all `durable` calls of one group. */
  flush(): void;
  /** Something of it is forgotten and must be sent again. */
  forgotten(): void;
}

/** One agent process, over all its connections. */
export interface Instance {
  readonly node: string;
  readonly instance: string;
  /** Received, or recorded as lost. */
  readonly seqs: SeqSet;
  readonly offset: AxisOffset;
  /** Time of its newest frame, on the server's clock. */
  lastMs: number;
  /** Where on its axis the pauses begin that are recorded. */
  readonly pauses: Set<number>;
  /** Time of its first frame that came live. */
  firstLiveMs: number | undefined;
}

interface Waiting {
  readonly ticket: number;
  readonly instance: Instance | undefined;
  /** Frames that are forgotten if the entry is; none for what is no frame. */
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly receipt: Receipt | undefined;
  readonly kind: 'live' | 'backlog';
  readonly mark: number;
}

/** Agent processes remembered per node; older ones have nothing to deliver any more. */
const KEPT_INSTANCES = 8;

export class Intake {
  readonly #store: Store;
  readonly #nodes = new Map<string, Map<string, Instance>>();
  #waiting: Waiting[] = [];
  #head = 0;
  #session = 0;
  readonly #onDurable: (waitedTicket: number) => void;

  constructor(store: Store, onDurable: (ticket: number) => void = () => undefined) {
    this.#store = store;
    this.#onDurable = onDurable;
    for (const { node, instance, seqs, lastMs } of store.known) {
      const known = this.instance(node, instance);
      for (const [from, to] of seqs) known.seqs.add(from, to);
      known.lastMs = lastMs;
      // Whatever was between it and the process before it has been recorded.
      known.firstLiveMs = -Infinity;
    }
    store.onDurable = (ticket) => {
      this.#settle(ticket);
    };
    store.onForgotten = (from, to) => {
      this.#forget(from, to);
    };
  }

  nextSession(): number {
    return ++this.#session;
  }

  instance(node: string, instance: string): Instance {
    let ofNode = this.#nodes.get(node);
    if (!ofNode) this.#nodes.set(node, (ofNode = new Map<string, Instance>()));
    let known = ofNode.get(instance);
    if (!known) {
      known = {
        ...{ node, instance, seqs: new SeqSet(), offset: new AxisOffset(), pauses: new Set<number>() },
        ...{ lastMs: NaN, firstLiveMs: undefined },
      };
      ofNode.set(instance, known);
      const [oldest] = ofNode.keys();
      if (oldest !== undefined && ofNode.size > KEPT_INSTANCES) ofNode.delete(oldest);
    }
    return known;
  }

  /** The other processes of the node's agent that have delivered something, the newest first. */
  others({ node, instance }: Instance): readonly Instance[] {
    return [...(this.#nodes.get(node)?.values() ?? [])]
      .filter((one) => one.instance !== instance && !Number.isNaN(one.lastMs))
      .toSorted((a, b) => b.lastMs - a.lastMs);
  }

  session(entry: SessionEntry): void {
    this.#store.append(entry);
  }

  frame(entry: FrameEntry, instance: Instance, receipt: Receipt, mark: number): void {
    const ticket = this.#store.append(entry);
    if (!entry.repeated) {
      instance.seqs.add(entry.seq);
      instance.lastMs = Number.isNaN(instance.lastMs) ? entry.timeMs : Math.max(instance.lastMs, entry.timeMs);
    }
    const [fromSeq, toSeq] = entry.repeated ? [0, -1] : [entry.seq, entry.seq];
    this.#waiting.push({ ticket, instance, fromSeq, toSeq, receipt, kind: entry.backlog ? 'backlog' : 'live', mark });
  }

  /** Records readings as lost: only the part of the range that is neither here nor recorded already. */
  gap(gap: Omit<GapEntry, 'kind' | 'node' | 'instance'>, instance: Instance, receipt?: Receipt, mark = 0): void {
    const { node, instance: name, seqs } = instance;
    const missing = gap.fromSeq < 0 ? [[-1, -1] as const] : seqs.missing(gap.fromSeq, gap.toSeq);
    for (const [fromSeq, toSeq] of missing) {
      const ticket = this.#store.append({ kind: 'gap', node, instance: name, ...gap, fromSeq, toSeq });
      if (fromSeq >= 0) seqs.add(fromSeq, toSeq);
      this.#waiting.push({ ticket, instance, fromSeq, toSeq, receipt: undefined, kind: 'backlog', mark: 0 });
    }
    if (receipt) this.after(receipt, 'backlog', mark);
  }

  /** What is durable once everything before it is. */
  after(receipt: Receipt, kind: 'live' | 'backlog', mark: number): void {
    const ticket = this.#waiting.at(-1)?.ticket;
    const nothing = { instance: undefined, fromSeq: 0, toSeq: -1 };
    if (ticket !== undefined && this.#head < this.#waiting.length)
      this.#waiting.push({ ticket, ...nothing, receipt, kind, mark });
    else {
      receipt.durable(kind, mark);
      receipt.flush();
    }
  }

  /** Frames that the process numbered and nobody delivered: nobody will any more. */
  closeHoles(instance: Instance): void {
    const { first, last } = instance.seqs;
    if (first === undefined || last === undefined) return;
    for (const [fromSeq, toSeq] of instance.seqs.missing(first, last))
      this.gap({ fromSeq, toSeq, fromMs: instance.lastMs, toMs: instance.lastMs, reason: 'unknown' }, instance);
  }

  #settle(ticket: number): void {
    const told = new Set<Receipt>();
    for (let one = this.#waiting[this.#head]; one && one.ticket <= ticket; one = this.#waiting[++this.#head]) {
      if (!one.receipt) continue;
      one.receipt.durable(one.kind, one.mark);
      told.add(one.receipt);
    }
    if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    for (const receipt of told) receipt.flush();
    this.#onDurable(ticket);
  }

  #forget(from: number, to: number): void {
    const told = new Set<Receipt>();
    const kept: Waiting[] = [];
    for (const one of this.#waiting.slice(this.#head)) {
      if (one.ticket < from || one.ticket > to) {
        kept.push(one);
        continue;
      }
      one.instance?.seqs.remove(one.fromSeq, one.toSeq);
      if (one.receipt) told.add(one.receipt);
    }
    this.#waiting = kept;
    this.#head = 0;
    for (const receipt of told) receipt.forgotten();
  }
}

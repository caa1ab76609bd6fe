// All nodes as they stand now, and the dense numbering of their GPUs.
import type { Hello, SchemaMessage } from '#agent/contract';
import type { FleetDirectory } from '#server/contract';
import type { Ledger } from '../ledger/ledger.ts';
import type { FleetGpu } from './gpu.ts';
import { FleetNode, type ReceivedFrame } from './node.ts';
import { naturally } from './order.ts';
import { GpuRoster } from './roster.ts';
import type { RestoredNode } from '../store/entries.ts';
import { buildSchema } from './schema.ts';

/** Names an open server remembers. */
export const MAX_NODES = 10_000;

interface Member {
  readonly node: FleetNode;
  readonly roster: GpuRoster;
}

export class Fleet {
  readonly #ledger: Ledger;
  readonly #members = new Map<string, Member>();
  #generation = 1;
  #directory: FleetDirectory | undefined;
  #sorted: readonly Member[] | undefined;
  #gpus: readonly FleetGpu[] | undefined;
  /** Called after each frame that was taken. */
  onFrame: ((node: FleetNode) => void) | undefined;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Milliseconds booked per class since the server started. */
  get booked(): Ledger['totals'] {
    return this.#ledger.totals;
  }
  /** Grows whenever a node or GPU comes, goes or changes its name. */
  get generation(): number {
    return this.#generation;
  }
  /** In natural order of their names. */
  get nodes(): readonly FleetNode[] {
    return this.#inOrder().map(({ node }) => node);
  }
  /** In the directory's order: by node, then by index. */
  get gpus(): readonly FleetGpu[] {
    this.#gpus ??= this.#inOrder().flatMap(({ roster }) => roster.gpus);
    return this.#gpus;
  }
  get isFull(): boolean {
    return this.#members.size >= MAX_NODES;
  }

  node(name: string): FleetNode | undefined {
    return this.#members.get(name)?.node;
  }

  gpusOf(node: FleetNode): readonly FleetGpu[] {
    return this.#members.get(node.name)?.roster.gpus ?? [];
  }

  /** `wallMs` is our wall clock as the hello came; undefined for one of an earlier life of the server. */
  greet(hello: Hello, wallMs?: number): FleetNode {
    const known = this.#members.get(hello.node);
    const node = known?.node ?? new FleetNode(hello);
    const productBefore = node.inventory.product;
    node.greet(hello, wallMs);
    if (!known) this.#members.set(hello.node, { node, roster: new GpuRoster(node, this.#ledger) });
    if (!known || productBefore !== hello.inventory.product) this.#changed();
    return node;
  }

  describe(node: FleetNode, inventory: Hello['inventory']): void {
    const changed = node.inventory.product !== inventory.product;
    node.inventory = inventory;
    if (changed) this.#changed();
  }

  /** Takes a schema over; gives the metrics of series that are not published. */
  adopt(node: FleetNode, series: SchemaMessage['series'], nowMs: number): readonly string[] {
    const schema = buildSchema(series);
    if (node.adopt(schema) && this.#members.get(node.name)?.roster.update(schema.gpus, nowMs)) this.#changed();
    if (schema.size === schema.published.length) return [];
    const published = new Set(schema.published.map(({ index }) => index));
    return series.flatMap(([metric], index) => (published.has(index) ? [] : [metric]));
  }

  /** A node as an earlier life of the server knew it. */
  restore({ session, frames }: RestoredNode): void {
    if (!session.hello) return;
    const firstMs = frames[0]?.receivedMs ?? 0;
    const node = this.greet(session.hello);
    this.adopt(node, session.series, firstMs);
    for (const { bytes, key, receivedMs, timeMs } of frames) this.take(node, { bytes, key, receivedMs, timeMs });
  }

  /** Takes a frame into the live state and the verdicts' readings. Throws FrameError, then nothing has changed. */
  take(node: FleetNode, frame: ReceivedFrame): void {
    node.take(frame);
    for (const gpu of this.gpusOf(node)) {
      const reading = gpu.take(frame.receivedMs);
      if (reading) gpu.account.observe(frame.receivedMs, reading);
      else gpu.account.ceaseFault(frame.receivedMs);
    }
    this.onFrame?.(node);
  }

  /** Books finished slots and renews the class of now of every GPU. */
  advance(nowMs: number): void {
    for (const gpu of this.gpus) gpu.account.advance(nowMs);
  }

  /** Bookings that are not on disk yet. */
  unsaved(): ReturnType<Ledger['unsaved']> {
    return this.#ledger.unsaved();
  }

  get directory(): FleetDirectory {
    this.#directory ??= {
      generation: this.#generation,
      nodes: this.#inOrder().map(({ node, roster }) => ({
        name: node.name,
        product: node.inventory.product,
        gpus: roster.gpus.map(({ gpu, uuid, name }) => ({ gpu, uuid, name })),
      })),
    };
    return this.#directory;
  }

  #inOrder(): readonly Member[] {
    this.#sorted ??= [...this.#members.values()].toSorted((a, b) => naturally(a.node.name, b.node.name));
    return this.#sorted;
  }

  #changed(): void {
    this.#generation++;
    this.#directory = undefined;
    this.#sorted = undefined;
    this.#gpus = undefined;
  }
}

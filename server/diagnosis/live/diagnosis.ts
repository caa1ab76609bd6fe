// The judge at work on the live fleet: every frame adds to the slot of its node, every 10 s all GPUs are judged.
import type { JobFacts, NodeFacts } from '#agent/contract';
import { setImmediate } from 'node:timers/promises';
import type { Derived } from '../../derived/derived.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { FleetNode } from '../../fleet/node.ts';
import { Judge, type Step } from '../judge.ts';
import { SLOT_S, SlotBuilder, type NodeSlot } from '../slot.ts';
import { NodeReader } from './node-reader.ts';
import { SharedLevels } from './shared-levels.ts';

const SLOT_MS = SLOT_S * 1000;
/** Frames of a slot's last second may come so late. */
const GRACE_MS = 1500;
const FACTS_EVERY = 6;

/** What the scheduler says; undefined where none is asked. */
export interface Allocations {
  readonly jobs: readonly JobFacts[];
  readonly planned: ReadonlySet<string>;
  readonly wantedModels: ReadonlySet<string>;
  /** Nodes that no scheduler speaks for. */
  readonly unscheduled?: ReadonlySet<string>;
}

interface Watched {
  reader: NodeReader;
  builder: SlotBuilder;
  facts: NodeFacts;
  generation: number;
  gpus: number;
  came: number;
}

export interface DiagnosisParts {
  readonly fleet: Fleet;
  readonly derived: Derived;
  readonly allocations: () => Allocations | undefined;
  /** Seconds a step took. */
  readonly onStep?: (step: Step, seconds: number) => void;
}

export class Diagnosis {
  readonly #parts: DiagnosisParts;
  readonly #judge = new Judge();
  readonly #nodes = new Map<FleetNode, Watched>();
  readonly #shared = new WeakMap<FleetNode, SharedLevels>();
  #slot: number | undefined;
  #working = false;
  #steps = 0;
  #last: Step | undefined;

  constructor(parts: DiagnosisParts) {
    this.#parts = parts;
  }

  /** The last step; undefined before the first. */
  get last(): Step | undefined {
    return this.#last;
  }

  /** A frame of the node has just been taken into the live state. */
  take(node: FleetNode): void {
    const watched = this.#watch(node);
    watched.builder.add(watched.reader.read());
    watched.came++;
  }

  /** Judges when a slot has ended; to be called about once a second. Goes on in slices, so that nothing else waits for it. */
  async advance(nowMs: number): Promise<void> {
    const ended = Math.floor((nowMs - GRACE_MS) / SLOT_MS) - 1;
    this.#slot ??= ended;
    if (ended <= this.#slot || this.#working) return;
    this.#slot = ended;
    this.#working = true;
    try {
      const allocated = this.#parts.allocations();
      const pieces = this.#judge.pieces({ slot: ended, nodes: this.#takeSlots(), jobs: allocated?.jobs, ...allocated });
      const { step, seconds } = await inSlices(pieces);
      this.#tell(step, nowMs);
      this.#last = step;
      this.#parts.onStep?.(step, seconds);
    } finally {
      this.#working = false;
    }
  }

  #takeSlots(): readonly NodeSlot[] {
    this.#steps++;
    return [...this.#nodes.values()].flatMap((watched, at) => {
      if (watched.came === 0) return [];
      watched.came = 0;
      const slot = watched.builder.take();
      // Limits and links may change at any time: each node is looked at again once a minute.
      if ((this.#steps + at) % FACTS_EVERY === 0) watched.facts = watched.reader.facts();
      return [{ ...slot, facts: watched.facts }];
    });
  }

  /** Tells each GPU's account. */
  #tell({ live, finalSlot, final }: Step, nowMs: number): void {
    const lives = new Map(live.map((one) => [keyOf(one.node, one.uuid), one]));
    const finals = new Map(final.map((one) => [keyOf(one.node, one.uuid), one]));
    for (const gpu of this.#parts.fleet.gpus) {
      const key = keyOf(gpu.node.name, gpu.uuid);
      const judgement = finals.get(key);
      gpu.account.judge(nowMs, lives.get(key), judgement && { slot: finalSlot, judgement });
    }
  }

  #watch(node: FleetNode): Watched {
    const { fleet, derived } = this.#parts;
    const known = this.#nodes.get(node);
    const gpus = fleet.gpusOf(node).length;
    if (known?.generation === node.generation && known.gpus === gpus) return known;
    let shared = this.#shared.get(node);
    if (!shared) this.#shared.set(node, (shared = new SharedLevels()));
    const reader = new NodeReader(fleet, node, derived, shared);
    const facts = reader.facts();
    const watched = { reader, facts, builder: new SlotBuilder(facts), generation: node.generation, gpus, came: 0 };
    this.#nodes.set(node, watched);
    return watched;
  }
}

function keyOf(node: string, uuid: string): string {
  return `${node}\n${uuid}`;
}

/** Nothing else waits longer than this for the judge. */
const SLICE_MS = 6;

async function inSlices(
  pieces: Generator<undefined, Step>,
): Promise<{ readonly step: Step; readonly seconds: number }> {
  let worked = 0;
  let begun = performance.now();
  for (;;) {
    const piece = pieces.next();
    const spent = performance.now() - begun;
    if (piece.done) return { step: piece.value, seconds: (worked + spent) / 1000 };
    if (spent < SLICE_MS) continue;
    worked += spent;
    await setImmediate();
    begun = performance.now();
  }
}

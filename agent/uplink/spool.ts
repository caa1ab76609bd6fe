// The outbox on disk. While a server acknowledges at once nothing is written; a frame that is still owed when the next one
// comes goes to the journal, with the frames that it builds on. A disk that is full or failing costs nothing but its room.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peekFrame, SeqSet, type BacklogSchema, type GapMessage } from '#agent/contract';
import { Journal, type JournalLoss, type Place } from '#agent/journal';
import type { Log } from '../log.ts';
import { Outbox, type OwedFrame, type Run } from './outbox.ts';
import { frameRecord, gapRecord, owedRecord, parseSpoolRecord, schemaRecord, type Owed } from './records.ts';

/** What may wait in memory where there is no disk, or none that works. */
const MEMORY_BYTES = 16 << 20;
const SEGMENT_BYTES = 1 << 20;
/** So often what was written is synced: it is for the end of the machine, not that of the process. */
const SYNC_EVERY_MS = 5000;

export interface SpoolOptions {
  /** Undefined: in memory alone. */
  readonly folder: string | undefined;
  readonly capBytes: number;
  readonly instance: string;
  readonly log: Log;
  readonly monotonicMs: () => number;
}

export class Spool {
  readonly outbox: Outbox;
  readonly #options: SpoolOptions;
  #journal: Journal | undefined;
  #opening: Promise<Journal | undefined> | undefined;
  #working: Promise<void> | undefined;
  #schemaSegment = -1;
  #schema: BacklogSchema | undefined;
  #owed = '[[],[]]';
  #syncedMs = 0;
  #failing = false;
  #locked = false;

  constructor(options: SpoolOptions, onLost: ConstructorParameters<typeof Outbox>[0]) {
    this.#options = options;
    this.outbox = new Outbox(onLost);
  }

  get bytes(): number {
    return (this.#journal?.bytes ?? 0) + this.outbox.memoryBytes;
  }

  /** What earlier processes left. Nothing is created where there is nothing. */
  async load(): Promise<void> {
    const { folder, log } = this.#options;
    if (folder === undefined || !exists(folder)) return;
    const journal = await this.#open();
    if (!journal) return;
    try {
      await this.#restore(journal);
    } catch (error) {
      log.warn('what an earlier run left to be sent cannot be read', { folder, reason: String(error) });
    }
  }

  /** To be called after each new frame. Never throws and never waits for a disk. */
  tick(): void {
    if (this.#working) return;
    const stale = this.#stale();
    if (stale === undefined && !this.#journal) return;
    this.#working = this.#work(stale)
      .catch((error: unknown) => {
        this.#fail(String(error));
      })
      .finally(() => {
        this.#working = undefined;
      });
  }

  /** The bytes of a frame; undefined if the disk has lost them. */
  async bytesOf(frame: OwedFrame): Promise<Uint8Array | undefined> {
    if (frame.bytes) return frame.bytes;
    if (!frame.place || !this.#journal) return undefined;
    try {
      const [record] = await this.#journal.readAt([frame.place]);
      const parsed = record && parseSpoolRecord(record);
      return parsed?.kind === 'frame' ? parsed.bytes : undefined;
    } catch {
      return undefined; // the caller records it as damaged
    }
  }

  /** Whatever is owed goes to the disk, if there is one; within the time that a stop may take. */
  async close(): Promise<void> {
    await this.#working;
    const { outbox } = this;
    const owed = outbox.runs.some(({ schema, frames }) =>
      frames.some(({ seq }) => outbox.isPending(schema.instance, seq)),
    );
    try {
      if (owed || this.#journal) await this.#work(owed ? outbox.runs : undefined);
      await this.#journal?.close();
    } catch (error) {
      this.#fail(String(error));
    }
    const { folder } = this.#options;
    if (folder !== undefined && this.#locked) rmSync(join(folder, 'lock'), { force: true });
  }

  /** Runs with a frame that is owed, not on disk, and not the newest. */
  #stale(): readonly Run[] | undefined {
    const { outbox } = this;
    if (this.#options.folder === undefined) {
      outbox.fit(MEMORY_BYTES);
      return undefined;
    }
    const newest = outbox.runs.at(-1)?.frames.at(-1);
    const stale = outbox.runs.filter(({ schema, frames }) =>
      frames.some((frame) => frame !== newest && frame.bytes && outbox.isPending(schema.instance, frame.seq)),
    );
    return stale.length > 0 ? stale : undefined;
  }

  async #work(runs: readonly Run[] | undefined): Promise<void> {
    const journal = this.#journal ?? (runs ? await this.#open() : undefined);
    if (!journal) {
      this.outbox.fit(MEMORY_BYTES);
      return;
    }
    try {
      const written = runs ? this.#append(journal, runs) : [];
      this.#appendOwed(journal);
      await journal.write();
      for (const [frame, place] of written) this.outbox.settle(frame, place);
      await this.#release(journal);
      await this.#sync(journal);
      if (this.#failing) this.#options.log.info('the spool can be written again');
      this.#failing = false;
    } catch (error) {
      // What was appended is still in the outbox and is appended again.
      journal.forgetPending();
      this.#schemaSegment = -1;
      this.#owed = 'unknown';
      this.#fail(error instanceof Error ? error.message : String(error));
      this.outbox.fit(MEMORY_BYTES);
    }
  }

  #append(journal: Journal, runs: readonly Run[]): readonly (readonly [OwedFrame, Place])[] {
    const written: [OwedFrame, Place][] = [];
    for (const { schema, frames } of runs) {
      for (const frame of frames) {
        if (!frame.bytes) continue;
        const place = journal.append(frameRecord(schema.instance, frame.bytes));
        written.push([frame, place]);
        // Every segment can be read without the others.
        if (place.segment !== this.#schemaSegment || schema !== this.#schema) journal.append(schemaRecord(schema));
        this.#schemaSegment = place.segment;
        this.#schema = schema;
      }
    }
    return written;
  }

  /** Which frames are owed, whenever that has changed for frames on disk: a restart must not send again what arrived. */
  #appendOwed(journal: Journal): void {
    const { outbox } = this;
    const onDisk = outbox.runs.filter(({ frames }) => frames.some(({ place }) => place));
    const counts = onDisk.map(({ schema, frames }) => [
      frames[0]?.seq,
      frames.filter(({ seq }) => outbox.isPending(schema.instance, seq)).length,
    ]);
    const state = JSON.stringify([counts, outbox.gaps]);
    if (state === this.#owed) return;
    this.#owed = state;
    const instances = new Set([this.#options.instance, ...outbox.runs.map(({ schema }) => schema.instance)]);
    for (const instance of instances) {
      const pending = outbox.pendingOf(instance).ranges.map(([from, to]): [number, number] => [from, to]);
      journal.append(owedRecord({ instance, upTo: this.#lastOf(instance), pending }));
    }
    for (const gap of outbox.gaps) journal.append(gapRecord(gap));
  }

  #lastOf(instance: string): number {
    const run = this.outbox.runs.findLast(({ schema }) => schema.instance === instance);
    return run?.frames.at(-1)?.seq ?? this.outbox.pendingOf(instance).last ?? 0;
  }

  async #release(journal: Journal): Promise<void> {
    const kept = this.outbox.runs.flatMap(({ frames }) => frames.flatMap(({ place }) => place?.position ?? []));
    await journal.release(kept.reduce((least, position) => Math.min(least, position), journal.next));
  }

  async #sync(journal: Journal): Promise<void> {
    const nowMs = this.#options.monotonicMs();
    if (nowMs - this.#syncedMs < SYNC_EVERY_MS) return;
    this.#syncedMs = nowMs;
    await journal.commit();
  }

  #fail(reason: string): void {
    if (!this.#failing) this.#options.log.warn('the spool cannot be written; what is owed waits in memory', { reason });
    this.#failing = true;
  }

  async #open(): Promise<Journal | undefined> {
    this.#opening ??= this.#openOnce();
    this.#journal = await this.#opening;
    if (!this.#journal) this.#opening = undefined;
    return this.#journal;
  }

  async #openOnce(): Promise<Journal | undefined> {
    const { folder, capBytes, monotonicMs } = this.#options;
    if (folder === undefined) return undefined;
    try {
      if (!this.#locked) takeLock(folder);
      this.#locked = true;
      return await Journal.open({
        folder,
        segmentBytes: Math.min(SEGMENT_BYTES, Math.max(4096, Math.floor(capBytes / 4))),
        capBytes,
        nowMs: monotonicMs,
        onLoss: (loss) => {
          this.#lost(loss);
        },
      });
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** The journal let the oldest segment go. Damage shows as missing frames when it is read. */
  #lost({ reason, from, to, file, fromByte, toByte }: JournalLoss): void {
    if (reason === 'damaged') {
      this.#options.log.warn('a part of the spool is damaged', { file, from_byte: fromByte, to_byte: toByte });
      return;
    }
    const gone = ({ place }: OwedFrame): boolean =>
      place !== undefined && place.position >= from && place.position <= to;
    for (const run of [...this.outbox.runs]) if (run.frames.some(gone)) this.outbox.lose(run, 'cap');
  }

  async #restore(journal: Journal): Promise<void> {
    const found = new Restored();
    for await (const { place, bytes } of journal.read(1)) found.take(place, bytes);
    found.deliver(this.outbox);
    const frames = this.outbox.runs.reduce((sum, run) => sum + run.frames.length, 0);
    if (frames > 0) this.#options.log.info('an earlier run left readings to be sent', { readings: frames });
  }
}

interface FoundFrame extends OwedFrame {
  readonly key: boolean;
  readonly generation: number;
}

/** The records of a spool as they are read, sorted into runs. */
class Restored {
  readonly #schemas = new Map<string, BacklogSchema>();
  readonly #owed = new Map<string, Owed>();
  readonly #gaps = new Map<string, GapMessage>();
  readonly #frames = new Map<string, Map<number, FoundFrame>>();

  take(place: Place, bytes: Uint8Array): void {
    const record = parseSpoolRecord(bytes);
    if (record?.kind === 'schema') this.#schemas.set(keyOf(record.schema), record.schema);
    if (record?.kind === 'owed') this.#owed.set(record.owed.instance, record.owed);
    if (record?.kind === 'gap') this.#gaps.set(`${record.gap.instance} ${record.gap.fromSeq}`, record.gap);
    if (record?.kind !== 'frame') return;
    try {
      const { seq, key, generation, timeMs } = peekFrame(record.bytes);
      let frames = this.#frames.get(record.instance);
      if (!frames) this.#frames.set(record.instance, (frames = new Map<number, FoundFrame>()));
      frames.set(seq, { seq, key, generation, timeMs, length: record.bytes.length, bytes: undefined, place });
    } catch {
      // No frame: it is missing in what follows.
    }
  }

  deliver(outbox: Outbox): void {
    for (const gap of this.#gaps.values()) outbox.restoreGap(gap);
    for (const [instance, bySeq] of this.#frames) {
      const owed = this.#owed.get(instance);
      const pending = new SeqSet(owed?.pending);
      const isDone = (seq: number): boolean => owed !== undefined && seq <= owed.upTo && !pending.has(seq);
      const frames = [...bySeq.values()].toSorted((a, b) => a.seq - b.seq);
      const lost: { seq: number; timeMs: number }[] = [];
      let run: Run | undefined;
      let before: (typeof frames)[number] | undefined;
      const keep = (): void => {
        if (run) outbox.restore(run, isDone);
        run = undefined;
      };
      for (const frame of frames) {
        for (let seq = (before?.seq ?? frame.seq - 1) + 1; seq < frame.seq; seq++)
          if (!isDone(seq)) lost.push({ seq, timeMs: before?.timeMs ?? frame.timeMs });
        const schema = this.#schemas.get(keyOf({ instance, generation: frame.generation }));
        const follows = run !== undefined && before?.seq === frame.seq - 1 && run.schema === schema;
        if (frame.key || !follows) keep();
        if (frame.key && schema) run = { schema, frames: [] };
        if (run) run.frames.push(frame);
        else if (!isDone(frame.seq)) lost.push(frame);
        before = frame;
      }
      keep();
      for (const { seq } of lost) outbox.pendingOf(instance).add(seq);
      for (const stretch of stretchesOf(lost)) outbox.loseFrames(instance, stretch, 'damaged');
    }
  }
}

function stretchesOf<T extends { readonly seq: number }>(lost: readonly T[]): readonly (readonly T[])[] {
  const stretches: T[][] = [];
  for (const one of lost.toSorted((a, b) => a.seq - b.seq)) {
    const last = stretches.at(-1);
    if (last?.at(-1)?.seq === one.seq - 1) last.push(one);
    else stretches.push([one]);
  }
  return stretches;
}

const keyOf = ({ instance, generation }: { readonly instance: string; readonly generation: number }): string =>
  `${instance} ${generation}`;

function exists(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => name.endsWith('.segment'));
  } catch {
    return false; // nothing was ever written there
  }
}

/** Throws if another living agent uses the folder. */
function takeLock(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'lock');
  let holder = NaN;
  try {
    holder = Number(readFileSync(file, 'utf8'));
  } catch {
    // Nobody holds it.
  }
  if (Number.isInteger(holder) && holder > 0 && holder !== process.pid && isAlive(holder))
    throw new Error(`${folder} is used by the agent with process id ${holder}`);
  writeFileSync(file, String(process.pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

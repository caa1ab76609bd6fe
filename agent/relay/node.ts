// One node that is read over SSH: connects, keeps the loop going, reads after each round, and tries again when it breaks.
// While there is no answer nothing is sent: the server sees the node silent, as it sees one whose agent is gone.
import type { Inventory } from '#agent/contract';
import { SampleTime, type Clock } from '../clock.ts';
import { noGpuSources } from '../collectors/collector.ts';
import { InventoryKeeper } from '../inventory.ts';
import type { Log } from '../log.ts';
import { Snapshot } from '../snapshot.ts';
import { RemoteLoop } from '../sources/remote/loop.ts';
import { remoteCommand } from '../sources/remote/script.ts';
import { RemoteTree } from '../sources/remote-tree.ts';
import { BackOff } from '../ssh/back-off.ts';
import { RemoteCommands } from '../ssh/commands.ts';
import type { ConnectOptions, SshConnection, SshTarget } from '../ssh/connection.ts';
import { failureOf, type SshFailure } from '../ssh/failure.ts';
import type { Gate } from '../ssh/gate.ts';
import { loopChannelOf } from './channel.ts';
import type { RelayedNode } from './config.ts';
import { rehearse, RemoteReaders, SLOW_EVERY } from './readers.ts';

/** An answer may take so many periods. */
const PATIENCE_PERIODS = 3;
/** Each rehearsal may bring up new questions: class, device, port, counter. */
const MOST_REHEARSALS = 10;

/** Takes the samples of one node: agent/uplink.ts. */
export interface SampleSink {
  start(): void;
  sample(timeMs: number): void;
  describe(inventory: Inventory): void;
  stop(): void | Promise<void>;
}

export interface RelayNodeOptions {
  readonly node: RelayedNode;
  readonly intervalMs: number;
  /** How long an answer may take; three periods unless it is said. */
  readonly patienceMs?: number;
  readonly connect: (target: SshTarget, options: ConnectOptions) => Promise<SshConnection>;
  readonly gate: Gate;
  readonly sinkOf: (parts: { readonly snapshot: Snapshot; readonly inventory: () => Inventory }) => SampleSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

export class RelayNode {
  readonly #options: RelayNodeOptions;
  readonly #tree = new RemoteTree();
  readonly #snapshot = new Snapshot();
  readonly #commands = new RemoteCommands();
  readonly #inventory: InventoryKeeper;
  readonly #readers: RemoteReaders;
  readonly #sink: SampleSink;
  readonly #backOff: BackOff;
  readonly #time: SampleTime;
  #connection: SshConnection | undefined;
  #cancelWait: () => void = () => undefined;
  #breakWait: (why: SshFailure) => void = () => undefined;
  readonly #stopping = new AbortController();
  #isStopped = false;
  #hasBegun = false;
  #complaint: string | undefined;

  constructor(options: RelayNodeOptions) {
    const { node, intervalMs, clock, log } = options;
    this.#options = options;
    const tree = this.#tree;
    this.#inventory = new InventoryKeeper({ tree, clock, log, probe: undefined });
    this.#readers = new RemoteReaders({
      ...{ tree, intervalMs, clock, log, snapshot: this.#snapshot, commands: this.#commands },
      gpuSources: { ...noGpuSources, nvidiaSmi: node.nvidiaSmi },
    });
    this.#sink = options.sinkOf({ snapshot: this.#snapshot, inventory: () => this.#inventory.inventory });
    this.#backOff = new BackOff(options.random);
    this.#time = new SampleTime(clock);
  }

  get #patienceMs(): number {
    return this.#options.patienceMs ?? PATIENCE_PERIODS * this.#options.intervalMs;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Nodes do not begin all at once. */
  start(): void {
    this.#wait(this.#options.random() * this.#options.intervalMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopping.abort();
    this.#cancelWait();
    this.#inventory.stop();
    this.#commands.stopAll();
    this.#connection?.close();
    await Promise.all([this.#readers.stop(), this.#sink.stop()]);
  }

  #wait(ms: number): void {
    if (this.#isStopped) return;
    this.#cancelWait = this.#options.clock.after(ms, () => {
      void this.#serve();
    });
  }

  /** From one connection to its end; never throws. */
  async #serve(): Promise<void> {
    const { gate, connect, node } = this.#options;
    try {
      const { signal } = this.#stopping;
      const connection = await gate.run(() => connect(node.target, { signal }));
      this.#connection = connection;
      if (this.#isStopped) connection.close();
      else await this.#readThrough(connection);
    } catch (error) {
      this.#commands.use(undefined);
      this.#connection?.close();
      this.#connection = undefined;
      this.#retry(failureOf(error));
    }
  }

  async #readThrough(connection: SshConnection): Promise<void> {
    const { node, clock, intervalMs } = this.#options;
    connection.onClose((why) => {
      this.#breakWait(why);
    });
    const loop = await connection.exec(
      remoteCommand,
      (channel) =>
        new RemoteLoop({
          ...{ channel: loopChannelOf(channel), tree: this.#tree, clock },
          ...{ node: node.name, root: node.root },
        }),
    );
    await this.#learn(loop);
    this.#commands.use(connection);
    this.#begin();
    const startMs = clock.monotonicMs();
    for (let round = 0; ;) {
      this.#read(round % SLOW_EVERY === 0);
      if (this.#tree.questions.pending > 0) this.#readers.rediscover();
      // What was slept through is left out, never made up for.
      round = Math.max(round + 1, Math.ceil((clock.monotonicMs() - startMs) / intervalMs));
      await this.#until(startMs + round * intervalMs);
      await loop.round(round % SLOW_EVERY === 0, this.#patienceMs);
    }
  }

  /** All that the collectors want to know, before their first reading is shown. */
  async #learn(loop: RemoteLoop): Promise<void> {
    const { clock, intervalMs } = this.#options;
    const { questions } = this.#tree;
    await loop.round(true, this.#patienceMs);
    for (let rehearsal = 0; rehearsal < MOST_REHEARSALS; rehearsal++) {
      await rehearse({ tree: this.#tree, clock, intervalMs });
      if (questions.pending === 0) return;
      await loop.round(false, this.#patienceMs);
    }
  }

  /** The node answers. */
  #begin(): void {
    const { log } = this.#options;
    this.#backOff.succeeded();
    this.#complaint = undefined;
    log.info('reading over ssh', { every_ms: this.#options.intervalMs });
    this.#readers.rediscover();
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#inventory.start((found) => {
      this.#sink.describe(found);
    });
    this.#sink.start();
  }

  #read(full: boolean): void {
    const timeMs = this.#time.nowMs();
    this.#readers.tick(full);
    this.#sink.sample(timeMs);
  }

  #until(monotonicMs: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = clock.after(Math.max(0, monotonicMs - clock.monotonicMs()), resolve);
      this.#cancelWait = cancel;
      this.#breakWait = (why) => {
        cancel();
        reject(why);
      };
    });
  }

  #retry(failure: SshFailure): void {
    if (this.#isStopped) return;
    const delayMs = this.#backOff.next(failure.kind);
    const complaint = `${failure.kind} ${failure.message}`;
    if (complaint !== this.#complaint) {
      const { log } = this.#options;
      log.warn('the node cannot be read; trying again and again', { reason: failure.kind, message: failure.message });
    }
    this.#complaint = complaint;
    this.#wait(delayMs);
  }
}

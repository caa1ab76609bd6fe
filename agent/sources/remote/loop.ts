// The loop on one node: starts it over a channel, asks round by round, and gives up when an answer is late, garbled or cut.
import type { Clock } from '../../clock.ts';
import { SshFailure } from '../../ssh/failure.ts';
import type { RemoteTree } from '../remote-tree.ts';
import { FrameDecoder, type Round } from './frames.ts';

/** What a loop speaks through. */
export interface LoopChannel {
  write(text: string): void;
  onData(take: (chunk: Buffer) => void): void;
  /** Called once. The text is what the loop said on its error output. */
  onEnd(call: (said: string) => void): void;
  close(): void;
}

export interface RemoteLoopOptions {
  readonly channel: LoopChannel;
  readonly tree: RemoteTree;
  readonly clock: Clock;
  /** Name of the node, for messages. */
  readonly node: string;
  /** Below which directory of the node everything is read. */
  readonly root?: string | undefined;
}

interface Waiting {
  readonly id: number;
  readonly done: () => void;
  readonly fail: (failure: SshFailure) => void;
}

export class RemoteLoop {
  readonly #options: RemoteLoopOptions;
  readonly #decoder: FrameDecoder;
  #waiting: Waiting | undefined;
  #failure: SshFailure | undefined;

  constructor(options: RemoteLoopOptions) {
    const { channel, node, root, tree } = options;
    this.#options = options;
    this.#decoder = new FrameDecoder(node);
    tree.questions.restart();
    channel.onData((chunk) => {
      this.#take(chunk);
    });
    channel.onEnd((said) => {
      this.#fail(new SshFailure('closed', said === '' ? 'its loop ended' : `its loop ended: ${said.slice(0, 200)}`));
    });
    if (root !== undefined) channel.write(`r ${root}\n`);
  }

  /** One round, after which the tree shows what the node shows now. Throws SshFailure; then the loop is over. */
  async round(full: boolean, timeoutMs: number): Promise<void> {
    const { channel, tree, clock } = this.#options;
    if (this.#failure) throw this.#failure;
    const { id, text } = tree.questions.request(full);
    const cancel = clock.after(timeoutMs, () => {
      this.#fail(new SshFailure('timed_out', `no answer within ${timeoutMs / 1000} s`));
    });
    try {
      await new Promise<void>((done, fail) => {
        this.#waiting = { id, done, fail };
        channel.write(text);
      });
    } finally {
      cancel();
    }
  }

  close(): void {
    this.#fail(new SshFailure('closed', 'closed by us'));
  }

  #take(chunk: Buffer): void {
    if (this.#failure) return;
    let rounds: readonly Round[];
    try {
      rounds = this.#decoder.add(chunk);
    } catch (error) {
      this.#fail(new SshFailure('garbled', error instanceof Error ? error.message : String(error), { cause: error }));
      return;
    }
    for (const round of rounds) this.#finish(round);
  }

  #finish(round: Round): void {
    const { tree, root } = this.#options;
    const waiting = this.#waiting;
    if (waiting?.id !== round.id) {
      this.#fail(new SshFailure('garbled', `round ${round.id} was not asked for`));
      return;
    }
    // A recorded tree may be of another machine.
    if (root === undefined) tree.setMachine(this.#decoder.machine ?? '');
    tree.questions.apply(round);
    this.#waiting = undefined;
    waiting.done();
  }

  #fail(failure: SshFailure): void {
    if (this.#failure) return;
    this.#failure = failure;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#options.channel.close();
    waiting?.fail(failure);
  }
}

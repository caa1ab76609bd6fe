// A command runner without processes: the test plays the child that prints lines.
import type {
  CommandResult,
  CommandRunner,
  CommandStream,
  StreamEnd,
  StreamRequest,
} from '../../../../agent/command.ts';

export class PlayedChildren implements CommandRunner {
  readonly children: PlayedChild[] = [];
  /** A child that is killed lives on. */
  killsInVain = false;

  run(): Promise<CommandResult> {
    return Promise.reject(new Error('nothing is asked'));
  }

  stream(request: StreamRequest): PlayedChild {
    const child = new PlayedChild(this.children.length + 1, request);
    this.children.push(child);
    return child;
  }

  /** The child that was started last. */
  get child(): PlayedChild {
    const child = this.children.at(-1);
    if (!child) throw new Error('no child was started');
    return child;
  }

  stuckPid(): number | undefined {
    return this.killsInVain ? this.children.find(({ stopped }) => stopped)?.pid : undefined;
  }

  hangs(): boolean {
    return false;
  }

  running(): readonly { readonly kind: string; readonly pid: number }[] {
    return [];
  }

  stopAll(): void {
    for (const child of this.children) child.stop();
  }
}

export class PlayedChild implements CommandStream {
  readonly pid: number;
  readonly request: StreamRequest;
  stopped = false;

  constructor(pid: number, request: StreamRequest) {
    this.pid = pid;
    this.request = request;
  }

  print(lines: readonly string[]): void {
    for (const line of lines) this.request.onLine(line);
  }

  end(end: Partial<StreamEnd>): void {
    this.request.onEnd({ reason: 'exited', exitCode: 0, stderr: '', ...end });
  }

  stop(): void {
    this.stopped = true;
  }
}

// The loop of a node without the SSH in between: a shell of this machine, or a channel that tests play themselves.
import { spawn } from 'node:child_process';
import type { LoopChannel } from '../../../agent/sources/remote/loop.ts';
import { remoteScript } from '../../../agent/sources/remote/script.ts';

export interface LocalShell extends LoopChannel {
  kill(): void;
}

export function startLocalLoop(shell: readonly string[] = ['/bin/sh']): LocalShell {
  const [file = '', ...args] = shell;
  const child = spawn(file, [...args, '-c', remoteScript]);
  child.stdin.on('error', () => undefined);
  return {
    write: (text) => {
      child.stdin.write(text);
    },
    onData: (take) => {
      child.stdout.on('data', take);
    },
    onEnd: (call) => {
      child.once('close', () => {
        call('');
      });
    },
    close: () => {
      child.stdin.end();
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

/** What the node says is written by the test; what it was asked is kept. */
export class PlayedChannel implements LoopChannel {
  readonly written: string[] = [];
  isClosed = false;
  #take: (chunk: Buffer) => void = () => undefined;
  #end: (said: string) => void = () => undefined;

  write(text: string): void {
    this.written.push(text);
  }

  onData(take: (chunk: Buffer) => void): void {
    this.#take = take;
  }

  onEnd(call: (said: string) => void): void {
    this.#end = call;
  }

  close(): void {
    this.isClosed = true;
  }

  say(text: string): void {
    this.#take(Buffer.from(text));
  }

  end(said = ''): void {
    this.#end(said);
  }
}

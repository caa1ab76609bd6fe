// An SSH channel as the dialogue speaks through it.
import type { Duplex } from 'node:stream';
import type { Terminal } from './dialogue.ts';

export function terminalOf(channel: Duplex & { close(): void }): Terminal {
  channel.on('error', () => undefined);
  return {
    write: (text) => {
      if (channel.writable) channel.write(text);
    },
    onData: (take) => {
      channel.on('data', take);
    },
    onEnd: (call) => {
      channel.once('close', call);
    },
    close: () => {
      channel.close();
    },
  };
}

// An SSH channel as the loop of one node speaks through it.
import type { Channel } from 'ssh2';
import type { LoopChannel } from '../sources/remote/loop.ts';

const SAID_BYTES = 1024;

export function loopChannelOf(channel: Channel): LoopChannel {
  let said = '';
  channel.stderr.on('data', (chunk: Buffer) => {
    if (said.length < SAID_BYTES) said += chunk.toString('utf8');
  });
  channel.on('error', () => undefined);
  return {
    write: (text) => {
      if (channel.writable) channel.write(text);
    },
    onData: (take) => {
      channel.on('data', take);
    },
    onEnd: (call) => {
      channel.once('close', () => {
        call(said.trim());
      });
    },
    close: () => {
      channel.close();
    },
  };
}

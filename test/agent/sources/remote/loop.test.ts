// The loop's other end when the node's answers are late, cut, foreign or too long: it ends, and nothing half is taken.
import { describe, expect, it } from 'vitest';
import { absent } from '#agent/contract';
import { RemoteLoop } from '../../../../agent/sources/remote/loop.ts';
import { RemoteTree } from '../../../../agent/sources/remote-tree.ts';
import { ManualClock } from '../../../doubles/manual-clock.ts';
import { PlayedChannel } from '../../../doubles/ssh/local-loop.ts';

const HELLO = '\nwhyidle-relay 1 aarch64\n';

function begin() {
  const channel = new PlayedChannel();
  const tree = new RemoteTree();
  const clock = new ManualClock();
  const loop = new RemoteLoop({ channel, tree, clock, node: 'node01' });
  tree.text('proc/loadavg');
  return { channel, tree, clock, round: loop.round(false, 15_000), loop };
}

describe('a round', () => {
  it('asks for what is new, and gives what came', async () => {
    const { channel, tree, round } = begin();
    expect(channel.written.join('')).toBe('-\ns 1 f /proc/loadavg\nZ 1 s\n');
    channel.say(`Welcome to node01!${HELLO}f 9 1\n0.1 0.2 0\nZ 0 1\n\n`);
    await round;
    expect(tree.text('proc/loadavg')).toBe('0.1 0.2 0');
    expect(tree.arch).toBe('arm64');
  });

  it('comes in pieces of any size', async () => {
    const { channel, tree, round } = begin();
    for (const letter of `${HELLO}f 4 1\nZ\n0\n\nZ 0 1\n\n`) channel.say(letter);
    await round;
    expect(tree.text('proc/loadavg')).toBe('Z\n0\n');
  });

  it('asks in every round for what is asked in every round, else in full ones', async () => {
    const { channel, tree, round, loop } = begin();
    channel.say(`${HELLO}f 1 1\na\nZ 0 1\n\n`);
    await round;
    const asked = [false, true, true, true, false, false];
    for (const [index, asks] of asked.entries()) {
      if (asks) tree.text('proc/loadavg');
      const next = loop.round(false, 15_000);
      channel.say(`Z 0 ${index + 2}\n\n`);
      await next;
    }
    expect(channel.written.slice(1)).toEqual([
      'Z 2 f\n',
      'Z 3 f\n',
      '-\nf 1 f /proc/loadavg\nZ 4 s\n',
      'Z 5 f\n',
      'Z 6 f\n',
      '-\ns 1 f /proc/loadavg\nZ 7 s\n',
    ]);
  });

  it.each([
    ['ENOENT', 'not_present'],
    ['EACCES', 'forbidden'],
    ['EINVAL', 'unsupported'],
    ['EOTHER', 'malformed'],
  ] as const)('%s is %s', async (errno, reason) => {
    const { channel, tree, round } = begin();
    channel.say(`${HELLO}E 6 1\n${errno}\nZ 0 1\n\n`);
    await round;
    expect(tree.text('proc/loadavg')).toEqual(absent(reason));
  });
});

describe('a loop that cannot be believed is closed', () => {
  it('no answer in time', async () => {
    const { channel, clock, round, tree } = begin();
    const failed = expect(round).rejects.toMatchObject({ kind: 'timed_out' });
    channel.say(`${HELLO}f 9 1\n0.1`);
    await clock.advance(15_000);
    await failed;
    expect(channel.isClosed).toBe(true);
    expect(tree.text('proc/loadavg')).toEqual(absent('timed_out'));
  });

  it('cut in the middle of an answer', async () => {
    const { channel, round, tree } = begin();
    channel.say(`${HELLO}f 9 1\n0.1 0.2 0\nf 9 `);
    channel.end('killed');
    await expect(round).rejects.toMatchObject({ kind: 'closed', message: 'its loop ended: killed' });
    expect(tree.text('proc/loadavg')).toEqual(absent('timed_out'));
  });

  it.each([
    ['words', 'This account is currently not available.\n'],
    ['a size that is wrong', 'f 3 1\nabcdef\nZ 0 1\n\n'],
    ['a size that is too large', 'f 99999999 1\n'],
    ['a line without end', 'f'.repeat(100)],
    ['another round', 'Z 0 7\n\n'],
    ['bytes', '\u0000\u0001\n'],
  ])('%s', async (_, garbage) => {
    const { channel, round, loop } = begin();
    channel.say(HELLO + garbage);
    await expect(round).rejects.toMatchObject({ kind: 'garbled' });
    expect(channel.isClosed).toBe(true);
    await expect(loop.round(false, 15_000)).rejects.toMatchObject({ kind: 'garbled' });
  });

  it('no greeting, but talk without end', async () => {
    const { channel, round } = begin();
    channel.say('x'.repeat(70_000));
    await expect(round).rejects.toMatchObject({ kind: 'garbled' });
  });
});

describe('questions', () => {
  it('have a bound', () => {
    const tree = new RemoteTree();
    for (let index = 0; index < 20_010; index++) tree.text(`proc/${index}`);
    expect(tree.questions.size).toBe(20_000);
    expect(tree.questions.refused).toBe(10);
  });

  it('are forgotten when nobody asks any more', () => {
    const tree = new RemoteTree();
    tree.text('proc/gone');
    for (let round = 0; round < 401; round++) tree.questions.request(false);
    expect(tree.questions.size).toBe(1);
    tree.questions.request(false);
    expect(tree.questions.size).toBe(0);
  });
});

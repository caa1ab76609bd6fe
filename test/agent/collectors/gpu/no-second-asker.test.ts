import { describe, expect, it } from 'vitest';
import type { CommandRunner, StreamEnd } from '../../../../agent/command.ts';
import { withoutSecondAsker } from '../../../../agent/collectors/gpu/no-second-asker.ts';
import { done } from '../../../doubles/nvidia-smi/runner.ts';

const kinds = new Set(['gpu', 'nvidia-smi', 'nvidia-smi processes']);

/** One child of this kind runs as 77, or hangs, or hangs although it was killed. */
function play(child: 'runs' | 'hangs' | 'lives on') {
  const started: string[] = [];
  const commands: CommandRunner = {
    run: ({ kind }) => {
      started.push(kind);
      return Promise.resolve(done(''));
    },
    stream: ({ kind }) => {
      started.push(kind);
      return { pid: 78, stop: () => undefined };
    },
    stuckPid: (kind) => (child === 'lives on' && kind === 'nvidia-smi' ? 77 : undefined),
    hangs: (some) => child !== 'runs' && some.has('nvidia-smi'),
    running: () => (child === 'lives on' ? [] : [{ kind: 'nvidia-smi', pid: 77 }]),
    stopAll: () => undefined,
  };
  return { started, guarded: withoutSecondAsker(commands, kinds) };
}

const question = { file: 'nvidia-smi', args: [], timeoutMs: 1000 };

describe('nobody is started to ask a driver beside a child that hangs in it', () => {
  it.each(['hangs', 'lives on'] as const)('one that %s', async (child) => {
    const { started, guarded } = play(child);
    expect(await guarded.run({ ...question, kind: 'nvidia-smi processes' })).toEqual({ kind: 'stuck', pid: 77 });
    const end = await new Promise<StreamEnd>((onEnd) => {
      guarded.stream({ ...question, kind: 'gpu', onLine: () => undefined, onEnd });
    });
    expect(end.reason).toBe('stuck');
    expect(started).toEqual([]);
  });

  it('other programs are started all the same, and all where none hangs', async () => {
    const hanging = play('hangs');
    expect(await hanging.guarded.run({ ...question, kind: 'journalctl' })).toEqual(done(''));
    const healthy = play('runs');
    await healthy.guarded.run({ ...question, kind: 'nvidia-smi processes' });
    healthy.guarded.stream({ ...question, kind: 'gpu', onLine: () => undefined, onEnd: () => undefined });
    expect([hanging.started, healthy.started]).toEqual([['journalctl'], ['nvidia-smi processes', 'gpu']]);
  });
});

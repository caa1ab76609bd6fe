// One node of a relay with a sink that keeps what it is told: for tests that wait for the next sample.
import { silentLog } from '../../../agent/log.ts';
import { systemClock, type Clock } from '../../../agent/clock.ts';
import { RelayNode, type RelayNodeOptions } from '../../../agent/relay/node.ts';
import type { RelayedNode } from '../../../agent/relay/config.ts';
import { connectSsh } from '../../../agent/ssh/connection.ts';
import { Gate } from '../../../agent/ssh/gate.ts';

/** Longer than a busy machine takes. */
export const patienceMs = 9876;

/** The deadline of an answer passes at once, as long as this says so; the shortest back-off always does. */
export function hastyClock(isImpatient: () => boolean = () => false): Clock {
  return {
    ...systemClock,
    after: (ms, call) => systemClock.after(ms === 500 || (ms === patienceMs && isImpatient()) ? 1 : ms, call),
  };
}

export interface StartedNode {
  readonly node: RelayNode;
  /** Warnings, as they came. */
  readonly warnings: readonly string[];
  /** Resolves when so many samples more have come. */
  readonly samples: (count: number) => Promise<void>;
  /** Resolves with the next warning. */
  readonly warning: () => Promise<string>;
}

export function startRelayNode(relayed: RelayedNode, options: Partial<RelayNodeOptions> = {}): StartedNode {
  const warnings: string[] = [];
  const onSample = new Set<() => void>();
  const onWarning = new Set<(text: string) => void>();
  const node = new RelayNode({
    node: relayed,
    intervalMs: 50,
    patienceMs,
    connect: connectSsh,
    gate: new Gate(8),
    sinkOf: () => ({
      start: () => undefined,
      describe: () => undefined,
      stop: () => undefined,
      sample: () => {
        for (const call of onSample) call();
      },
    }),
    clock: systemClock,
    log: {
      ...silentLog,
      warn: (message, details) => {
        const text = `${message} ${JSON.stringify(details ?? {})}`;
        warnings.push(text);
        for (const call of onWarning) call(text);
        onWarning.clear();
      },
    },
    random: () => 0,
    ...options,
  });
  node.start();
  return {
    node,
    warnings,
    warning: () =>
      new Promise((resolve) => {
        onWarning.add(resolve);
      }),
    samples: (count) =>
      new Promise((resolve) => {
        let left = count;
        const call = (): void => {
          if (--left > 0) return;
          onSample.delete(call);
          resolve();
        };
        onSample.add(call);
      }),
  };
}

// While one child hangs in the driver, whether it was killed or not, no other is started to ask it: it would hang beside it.
import type { CommandRunner } from '../../command.ts';

/** `kinds` ask the same driver. */
export function withoutSecondAsker(commands: CommandRunner, kinds: ReadonlySet<string>): CommandRunner {
  const refuses = (kind: string): boolean => kinds.has(kind) && commands.hangs(kinds);
  const hangingPid = (): number => {
    const killed = [...kinds].map((kind) => commands.stuckPid(kind)).find((pid) => pid !== undefined);
    return killed ?? commands.running().find(({ kind }) => kinds.has(kind))?.pid ?? 0;
  };
  return {
    run: (request) =>
      refuses(request.kind) ? Promise.resolve({ kind: 'stuck', pid: hangingPid() }) : commands.run(request),
    stream: (request) => {
      if (!refuses(request.kind)) return commands.stream(request);
      queueMicrotask(() => {
        request.onEnd({ reason: 'stuck', exitCode: undefined, stderr: '' });
      });
      return { pid: undefined, stop: () => undefined };
    },
    stuckPid: (kind) => commands.stuckPid(kind),
    hangs: (some) => commands.hangs(some),
    running: () => commands.running(),
    stopAll: () => {
      commands.stopAll();
    },
  };
}

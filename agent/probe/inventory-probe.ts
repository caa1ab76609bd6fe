// Starts the inventory worker and hands over its one answer, checked.
import { Worker } from 'node:worker_threads';
import { inventorySchema } from '#agent/contract';
import * as v from 'valibot';
import { childEnvironment } from '../command/child.ts';
import type { FoundInventory, InventoryProbe } from '../inventory.ts';

const answerSchema = v.partial(inventorySchema);

export function createInventoryProbe(program: URL): InventoryProbe {
  return {
    start: (take, fail) => {
      const worker = new Worker(program, {
        stdout: true,
        stderr: true,
        // Its programs inherit what it has.
        env: childEnvironment(),
        resourceLimits: { maxOldGenerationSizeMb: 64 },
      });
      // A worker that hangs must not keep the agent from ending.
      worker.unref();
      let answered = false;
      const answer = (tell: () => void): void => {
        if (answered) return;
        answered = true;
        tell();
        void worker.terminate();
      };
      worker.once('message', (message: unknown) => {
        answer(() => {
          takeAnswer(message, take, fail);
        });
      });
      worker.once('error', (error: unknown) => {
        answer(() => {
          fail(error instanceof Error ? error.message : String(error));
        });
      });
      worker.once('exit', () => {
        answer(() => {
          fail('it ended without an answer');
        });
      });
      return { cancel: () => void worker.terminate() };
    },
  };
}

function takeAnswer(message: unknown, take: (found: FoundInventory) => void, fail: (reason: string) => void): void {
  const parsed = v.safeParse(answerSchema, message);
  if (parsed.success) take(parsed.output);
  else fail(`its answer is malformed: ${parsed.issues[0].message}`);
}

// The thread that the store runs in: messages in, messages out.
import { parentPort, workerData } from 'node:worker_threads';
import type { Log } from '../log.ts';
import type { QuerySeries } from './entries.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';
import { StoreCore } from './store-core.ts';

const port = parentPort;
if (!port) throw new Error('the store runs in a thread of its own');

const settings = workerData as WorkerSettings; // given by open-store.ts
const anchorMs = settings.nowMs - performance.now();
const send = (message: FromWorker): void => {
  port.postMessage(message, buffersOf(message));
};
const log: Log = {
  info: (message, details = {}) => {
    send({ kind: 'log', level: 'info', message, details });
  },
  warn: (message, details = {}) => {
    send({ kind: 'log', level: 'warn', message, details });
  },
};

try {
  const core = await StoreCore.open({ settings, nowMs: () => Math.round(anchorMs + performance.now()), log, send });
  port.on('message', (message: ToWorker) => {
    core.take(message);
  });
} catch (error) {
  send({ kind: 'unopened', message: error instanceof Error ? error.message : String(error) });
}

/** What is handed over instead of copied. */
function buffersOf(message: FromWorker): ArrayBuffer[] {
  switch (message.kind) {
    case 'opened':
      return [message.restored.buffer];
    case 'answer':
      return [...new Set(message.result.series.flatMap(columnsOf))];
    default:
      return [];
  }
}

function columnsOf({ times, mean, min, max, count }: QuerySeries): ArrayBuffer[] {
  return [times, mean, min, max, count].flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));
}

// What runs in the worker beside the journal and follows it. Each is opened here, by one line.
import { join } from 'node:path';
import type { Log } from '../log.ts';
import type { RemoteWriteTarget } from '../remote-write/config.ts';
import type { HistoryConsumer, RemoteWriteConsumer, SampleConsumer } from './consumer.ts';

const DAY_MS = 24 * 3_600_000;

/** Settings of the parts as the configuration has them; they travel to the worker as they are. */
export type PartsSettings = Readonly<Record<string, unknown>>;

export interface PartsContext {
  /** The data folder. */
  readonly folder: string;
  readonly settings: PartsSettings;
  /** The server's unjumping clock. */
  readonly nowMs: () => number;
  readonly log: Log;
}

export interface Parts {
  readonly history: HistoryConsumer | undefined;
  readonly remoteWrite: RemoteWriteConsumer | undefined;
}

export async function openParts(context: PartsContext): Promise<Parts> {
  return { history: await openHistory(context), remoteWrite: await openRemoteWrite(context) };
}

/** Without it there are the readings as they came, as far back as the journal keeps them. */
async function openHistory({ folder, settings, nowMs, log }: PartsContext): Promise<HistoryConsumer | undefined> {
  try {
    // Loaded here, because its native part may not load everywhere.
    const { History } = await import('../history/history.ts');
    return await History.open({
      folder: join(folder, 'history'),
      settings: {
        keepMs: numberOf(settings, 'history.keep', 30 * DAY_MS),
        keepHoursMs: numberOf(settings, 'history.keep_hours', 400 * DAY_MS),
        capBytes: numberOf(settings, 'history.cap', 20e9),
      },
      nowMs,
      log,
    });
  } catch (error) {
    log.warn('there is no history beyond the journal', {
      reason: error instanceof Error ? error.message : String(error),
    });
    return undefined;
  }
}

async function openRemoteWrite(context: PartsContext): Promise<RemoteWriteConsumer | undefined> {
  const targets = context.settings['remote_write'] as readonly RemoteWriteTarget[] | undefined; // as main.ts resolved them
  if (targets === undefined || targets.length === 0) return undefined;
  const { RemoteWrite } = await import('../remote-write/remote-write.ts');
  return RemoteWrite.open(targets, { ...context, folder: join(context.folder, 'remote-write') });
}

function numberOf(settings: PartsSettings, name: string, fallback: number): number {
  const value = settings[name];
  return typeof value === 'number' ? value : fallback;
}

export function consumersOf({ history, remoteWrite }: Parts): readonly SampleConsumer[] {
  return [history, remoteWrite].filter((part) => part !== undefined);
}

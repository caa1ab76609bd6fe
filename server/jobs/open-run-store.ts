// Opens the runs of jobs in the data folder. One that cannot be read is set aside: who runs now is known without it.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { RunStore } from './run-store.ts';

export function openRunStore(folder: string, log: Log): RunStore | undefined {
  const file = join(folder, 'jobs.sqlite');
  try {
    return new RunStore(file);
  } catch (error) {
    log.warn('the jobs of earlier days cannot be read and are set aside', { file, reason: String(error) });
  }
  try {
    renameSync(file, `${file}.damaged`);
    return new RunStore(file);
  } catch (error) {
    log.warn('jobs cannot be kept on disk; a restart will forget them', { file, reason: String(error) });
    return undefined;
  }
}

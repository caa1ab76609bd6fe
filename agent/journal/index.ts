// The journal: the agent's spool, the server's memory, the queue of remote write.
export { JournalError, type JournalErrorCode } from './error.ts';
export { realFiles, type JournalFile, type JournalFiles } from './files.ts';
export { Journal } from './journal.ts';
export { readSegment } from './reader.ts';
export type { JournalLoss, JournalRecord, JournalSettings, Place, SegmentInfo } from './types.ts';

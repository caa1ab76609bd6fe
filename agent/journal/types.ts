// What a journal is opened with and what it gives.
import type { JournalFiles } from './files.ts';

export interface JournalSettings {
  readonly folder: string;
  /** A segment is sealed before it grows beyond this; one record always fits. */
  readonly segmentBytes: number;
  /** Age after which a segment is sealed, at the next write or commit. */
  readonly segmentMs?: number;
  /** All segments together; the oldest are dropped before a new one would exceed it. */
  readonly capBytes?: number;
  readonly nowMs: () => number;
  /** Told of everything that is lost. The same loss may be told again after a crash in the middle of telling. */
  readonly onLoss: (loss: JournalLoss) => void;
  readonly onSealed?: (segment: SegmentInfo) => void;
  /** The file operations; the real ones where none are given. */
  readonly files?: JournalFiles;
}

export interface JournalLoss {
  readonly reason: 'cap' | 'damaged';
  /** Record numbers, inclusive; for damage the numbers that are missing. */
  readonly from: number;
  readonly to: number;
  readonly file: string;
  /** Where the bytes are or were; toByte is exclusive. */
  readonly fromByte: number;
  readonly toByte: number;
}

export interface Place {
  /** Record number: +1 each, never reused. */
  readonly position: number;
  /** Number of the first record of its segment. */
  readonly segment: number;
  /** Where the record begins in the segment's file. */
  readonly offset: number;
  /** Bytes of the record itself. */
  readonly length: number;
}

export interface JournalRecord {
  readonly position: number;
  readonly place: Place;
  /** A view of the chunk it was read with; it stays as it is. */
  readonly bytes: Uint8Array;
}

export interface SegmentInfo {
  readonly first: number;
  /** first - 1 while it is empty. */
  readonly last: number;
  /** Whole path. */
  readonly file: string;
  readonly bytes: number;
  readonly sealed: boolean;
  readonly createdMs: number;
}

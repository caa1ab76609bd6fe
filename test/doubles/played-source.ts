// A source of GPU readings that the test plays: it delivers, fails, falls silent or hangs when it is told to.
import type { AbsenceReason } from '#agent/contract';
import type { GpuSheet } from '../../agent/parse/gpu/sheet.ts';
import type { GpuSource, SourceName, SourceState } from '../../agent/sources/gpu-source.ts';

export class PlayedSource implements GpuSource {
  readonly name: SourceName;
  state: SourceState = { kind: 'starting' };
  /** How often it was asked to run, to rest, to end. */
  runs = 0;
  pauses = 0;
  stops = 0;

  constructor(name: SourceName) {
    this.name = name;
  }

  deliver(atMs: number, sheets: readonly GpuSheet[] = []): void {
    this.state = { kind: 'delivering', report: { atMs, sheets } };
  }

  fail(reason: AbsenceReason): void {
    this.state = { kind: 'failed', reason, message: '' };
  }

  keepRunning(): void {
    this.runs++;
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  pause(): void {
    this.pauses++;
    this.state = { kind: 'starting' };
  }

  stop(): void {
    this.stops++;
  }
}

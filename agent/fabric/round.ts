// What one round has gathered so far: when it began, what went wrong, who was silent.
import { parseSilence, type Silence } from '../parse/fabric/silent.ts';
import type { ToolResult } from './tool-runner.ts';

export class Round {
  readonly startedMs: number;
  readonly problems: string[] = [];
  readonly discoveries: Silence[] = [];
  readonly counts: Silence[] = [];

  constructor(startedMs: number) {
    this.startedMs = startedMs;
  }

  /** Notes what a tool said besides its listing; gives the listing, undefined if it failed. */
  take<T>(name: string, result: ToolResult<T>, asks: 'discovery' | 'counts'): T | undefined {
    if (result.kind === 'failed') {
      this.problems.push(`${name}: ${result.reason}`);
      return undefined;
    }
    const silence = parseSilence(result.stderr);
    this.discoveries.push(silence);
    if (asks === 'counts') this.counts.push(silence);
    return result.value;
  }
}

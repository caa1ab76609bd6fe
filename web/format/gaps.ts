// Readings that are lost, in words.
import type { GapReason } from '#agent/contract';
import type { QueryGap } from '#server/contract';
import { showAge } from './time.ts';

const reasons: Readonly<Record<GapReason, string>> = {
  cap: 'the agent had no more room for them',
  damaged: 'they were damaged on disk',
  refused: 'the server would not take them',
  paused: 'the agent stood still',
  not_running: 'the agent did not run',
  unknown: 'nobody knows why',
};

export function gapText({ from_ms, to_ms, readings, reason }: QueryGap): string {
  const what = readings > 0 ? `${readings} readings over ${showAge(to_ms - from_ms)}` : showAge(to_ms - from_ms);
  return `${what}, ${reasons[reason]}`;
}

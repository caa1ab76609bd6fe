// Time as the server lives it.

export interface Clock {
  /** The wall clock of this machine; may jump. */
  wallMs(): number;
  /** Wall clock at the start plus the monotonic time since, in whole milliseconds: never jumps, never runs backwards. */
  nowMs(): number;
}

export function systemClock(): Clock {
  const anchor = Date.now() - performance.now();
  return { wallMs: () => Date.now(), nowMs: () => Math.round(anchor + performance.now()) };
}

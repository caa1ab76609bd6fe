// Ages and times of day.

/** Tenths below 10 s, then whole seconds, minutes, hours, days. */
export function showAge(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  if (seconds < 172_800) return `${(seconds / 3600).toFixed(0)} h`;
  return `${(seconds / 86_400).toFixed(0)} d`;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export function showClock(ms: number): string {
  return clock.format(ms);
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

/** The time of day, with the day where a range is longer than one. */
export function showMoment(ms: number, rangeMs: number): string {
  return rangeMs > 23 * 3_600_000 ? day.format(ms) : clock.format(ms);
}

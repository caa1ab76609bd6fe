// Which tellings of an Xid are one and the same event. NVML, a line of the kernel log with the code, and one without it tell of
// the same thing within seconds of each other; two tellings by the same of them are two events.
import type { XidEvent } from '../../parse/gpu/xid-event.ts';

const WINDOW_MS = 5000;
/** Of a storm the newest count: all of them are looked through for each event. */
const MOST_INCIDENTS = 256;

interface Incident {
  readonly gpu: string;
  readonly xid: number;
  readonly atMs: number;
  pid: number | undefined;
  readonly told: Set<string>;
}

export class Incidents {
  /** The oldest first. */
  readonly #recent: Incident[] = [];

  /** The time is when we heard of it: the clocks of those who tell it differ. */
  isNew(gpu: string, event: XidEvent, atMs: number): boolean {
    while (this.#recent[0] && atMs - this.#recent[0].atMs > WINDOW_MS) this.#recent.shift();
    const source = event.implied === true ? 'implied' : event.source;
    const known = this.#recent.find(
      (one) => isSame(one, gpu, event) && (!one.told.has(source) || event.implied === true),
    );
    if (known) {
      known.told.add(source);
      known.pid ??= event.pid;
      return false;
    }
    this.#recent.push({ gpu, xid: event.xid, atMs, pid: event.pid, told: new Set([source]) });
    if (this.#recent.length > MOST_INCIDENTS) this.#recent.shift();
    return true;
  }
}

/** NVML does not tell the process. */
function isSame(one: Incident, gpu: string, { xid, pid }: XidEvent): boolean {
  return one.gpu === gpu && one.xid === xid && (one.pid === undefined || pid === undefined || one.pid === pid);
}

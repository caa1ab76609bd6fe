// Xids as NVML's event set delivers them, each once, waited for on a thread of its own so that it never holds a tick up.
// Authority: nvml.h, nvmlEventSetWait_v2, nvmlEventTypeXidCriticalError.
import type { NvmlLibrary } from './library.ts';
import type { XidLine } from './lines.ts';
import { FUNCTION_NOT_FOUND, NOT_SUPPORTED, SUCCESS, TIMEOUT } from './return-codes.ts';
import type { Roster } from './roster.ts';
import { eventData, readCount } from './structs.ts';

export const XID_EVENTS = 8;
const WAIT_MS = 1000;

export interface XidWatchOptions {
  readonly nvml: NvmlLibrary;
  readonly roster: Roster;
  readonly tell: (line: XidLine) => void;
  readonly wallMs: () => number;
  /** Waits after an answer that is neither an event nor the end of the wait. */
  readonly pause: (waitMs: number) => Promise<void>;
}

/** Ends only where the driver has no events. */
export async function watchXids({ nvml, roster, tell, wallMs, pause }: XidWatchOptions): Promise<void> {
  const memory = Buffer.alloc(8);
  if (nvml.bind('nvmlEventSetCreate')(memory) !== SUCCESS) return;
  const set = memory.readBigUInt64LE(0);
  const event = Buffer.alloc(eventData.size);
  const registered = new Set<bigint>();
  for (;;) {
    register({ nvml, roster, set, registered });
    const code = await waitForEvent(nvml, set, event);
    if (code === SUCCESS) tellIfXid(event, roster, { tell, wallMs });
    else if (code === FUNCTION_NOT_FOUND || code === NOT_SUPPORTED) return;
    // A lost GPU makes some drivers answer at once, again and again.
    else if (code !== TIMEOUT) await pause(WAIT_MS);
  }
}

async function waitForEvent(nvml: NvmlLibrary, set: bigint, event: Buffer): Promise<number> {
  const code = await nvml.callAside('nvmlEventSetWait_v2', set, event, WAIT_MS);
  return code === FUNCTION_NOT_FOUND ? nvml.callAside('nvmlEventSetWait', set, event, WAIT_MS) : code;
}

interface Registration {
  readonly nvml: NvmlLibrary;
  readonly roster: Roster;
  readonly set: bigint;
  readonly registered: Set<bigint>;
}

/** GPUs that came, or came back. One whose events are not supported is not asked again. */
function register({ nvml, roster, set, registered }: Registration): void {
  for (const { device } of roster.gpus) {
    if (device.loss !== undefined) registered.delete(device.handle);
    else if (!registered.has(device.handle)) {
      registered.add(device.handle);
      nvml.bind('nvmlDeviceRegisterEvents')(device.handle, XID_EVENTS, set);
    }
  }
}

function tellIfXid(event: Buffer, { gpus }: Roster, { tell, wallMs }: Pick<XidWatchOptions, 'tell' | 'wallMs'>): void {
  const handle = event.readBigUInt64LE(eventData.device);
  const xid = readCount(event, eventData.eventData);
  if (readCount(event, eventData.eventType) !== XID_EVENTS || typeof xid !== 'number') return;
  const identity = gpus.find(({ device }) => device.handle === handle)?.identity;
  tell({ xid, uuid: identity?.uuid ?? '', pciBusId: identity?.pci_bus_id ?? '', timeMs: wallMs() });
}

// What the sweeps of one subnet say over time. Totals are never judged where there is a history: only what is gained.
import type { FabricDevice, FabricSweep } from '#agent/contract';
import { keyOf } from './model.ts';
import { PortHistory } from './port-history.ts';
import { tickOf } from './ticks.ts';

/** A port that nobody has seen for so long is forgotten. */
const FORGOTTEN_MS = 7 * 86_400_000;
const MAX_SILENT = 1000;

export class FabricHistory {
  readonly #ports = new Map<string, PortHistory>();
  readonly #seenMs = new Map<string, number>();
  readonly #learned = new Map<string, number>();
  readonly #silent = new Map<string, number>();
  /** Names and kinds of devices that were there once, by GUID: a vanished one is still called by its name. */
  readonly #devices = new Map<string, FabricDevice>();
  #sweeps = 0;
  #nowMs = 0;

  /** How many have been taken. */
  get sweeps(): number {
    return this.#sweeps;
  }
  /** When the last one was taken: "now" of all that is judged. */
  get nowMs(): number {
    return this.#nowMs;
  }
  get ports(): ReadonlyMap<string, PortHistory> {
    return this.#ports;
  }

  port(key: string): PortHistory | undefined {
    return this.#ports.get(key);
  }

  device(guid: string): FabricDevice | undefined {
    return this.#devices.get(guid);
  }

  /** The tick of a device that its own counting proved. */
  learnedTick(guid: string): number | undefined {
    return this.#learned.get(guid);
  }

  /** Since when a device does not answer; by its GUID, else LID, else name. */
  silentSince(key: string): number | undefined {
    return this.#silent.get(key);
  }

  /** Takes one sweep. `atMs` is one clock for all sweeps where several hosts take turns. */
  add(sweep: FabricSweep, atMs: number = sweep.endedMs): void {
    if (this.#sweeps > 0 && atMs <= this.#nowMs) return;
    this.#sweeps++;
    this.#nowMs = atMs;
    const devices = new Map(sweep.devices.map((device) => [device.guid, device]));
    for (const device of sweep.devices) this.#devices.set(device.guid, device);
    for (const read of sweep.ports) this.#take(read, devices.get(read.guid), atMs);
    for (const [key, port] of this.#ports) if (this.#seenMs.get(key) !== atMs) this.#miss(key, port, atMs);
    this.#takeSilent(sweep, atMs);
  }

  #take(read: FabricSweep['ports'][number], device: FabricDevice | undefined, atMs: number): void {
    const key = keyOf(read.guid, read.port);
    const known = this.#ports.get(key);
    this.#seenMs.set(key, atMs);
    if (!known) {
      this.#ports.set(key, new PortHistory(read, atMs));
      return;
    }
    const tick = tickOf(device ?? { deviceId: null }, read, this.#learned.get(read.guid));
    const learned = known.take(read, atMs, tick);
    if (learned !== undefined) this.#learned.set(read.guid, learned);
  }

  #miss(key: string, port: PortHistory, atMs: number): void {
    port.miss(atMs);
    if (atMs - (this.#seenMs.get(key) ?? 0) < FORGOTTEN_MS) return;
    this.#ports.delete(key);
    this.#seenMs.delete(key);
  }

  #takeSilent({ silent }: FabricSweep, atMs: number): void {
    const now = new Set(silent.slice(0, MAX_SILENT).map(silentKey));
    for (const key of this.#silent.keys()) if (!now.has(key)) this.#silent.delete(key);
    for (const key of now) if (!this.#silent.has(key)) this.#silent.set(key, atMs);
  }
}

export function silentKey({ guid, lid, name }: FabricSweep['silent'][number]): string {
  return guid ?? (lid === null ? name : `lid ${lid}`);
}

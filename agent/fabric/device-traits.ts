// What all devices of one PCI number have in common and is asked once: how long a tick of PortXmitWait is, what they count.
import { hasWideErrors, perfQueryParser, tickBytesOf, type PerfSection } from '../parse/fabric/perfquery.ts';
import type { ToolRunner } from './tool-runner.ts';
import type { PortPlace, Topology } from './topology.ts';

interface Traits {
  readonly samples: PerfSection | undefined;
  readonly countsWait: boolean;
  readonly hasWideErrors: boolean;
}

/** Devices that could be of another kind than the last answer are asked again. */
const KINDS_PER_ROUND = 2;
const TIMEOUT_MS = 10_000;
const WAIT_SUPPORTED = 0x1000;

export class DeviceTraits {
  readonly #perfquery: string;
  readonly #tools: ToolRunner;
  readonly #kinds = new Map<string, Traits>();

  constructor(perfquery: string, tools: ToolRunner) {
    this.#perfquery = perfquery;
    this.#tools = tools;
  }

  countsWait(topology: Topology, guid: string): boolean {
    return this.#of(topology, guid)?.countsWait ?? false;
  }

  hasWideErrors(topology: Topology, guid: string): boolean {
    return this.#of(topology, guid)?.hasWideErrors ?? false;
  }

  tickBytes(topology: Topology, guid: string, widthLanes: number | null): number | null {
    const samples = this.#of(topology, guid)?.samples;
    return samples && widthLanes !== null ? tickBytesOf(samples, widthLanes) : null;
  }

  /** Asks one active port of each kind that nobody has asked yet. */
  async read(topology: Topology, active: readonly PortPlace[]): Promise<void> {
    const asked = new Map<string, PortPlace>();
    for (const place of active) {
      const kind = kindOf(topology, place.guid);
      if (kind !== undefined && !this.#kinds.has(kind) && !asked.has(kind)) asked.set(kind, place);
      if (asked.size === KINDS_PER_ROUND) break;
    }
    for (const [kind, place] of asked) this.#kinds.set(kind, await this.#ask(topology.lidOf(place), place.port));
  }

  async #ask(lid: number | null, port: number): Promise<Traits> {
    const section = (await this.#query(['-x'], lid, port)) ?? (await this.#query([], lid, port));
    return {
      samples: await this.#query(['-c'], lid, port),
      countsWait: ((section?.capabilityMask ?? 0) & WAIT_SUPPORTED) !== 0,
      hasWideErrors: section !== undefined && hasWideErrors(section),
    };
  }

  async #query(flags: readonly string[], lid: number | null, port: number): Promise<PerfSection | undefined> {
    if (lid === null) return undefined;
    const result = await this.#tools.run({
      ...{ file: this.#perfquery, args: [...flags, String(lid), String(port)], timeoutMs: TIMEOUT_MS },
      parser: perfQueryParser(),
      isWhole: (sections) => sections.length > 0,
    });
    return result.kind === 'read' ? result.value[0] : undefined;
  }

  #of(topology: Topology, guid: string): Traits | undefined {
    const kind = kindOf(topology, guid);
    return kind === undefined ? undefined : this.#kinds.get(kind);
  }
}

function kindOf(topology: Topology, guid: string): string | undefined {
  const device = topology.devices.get(guid);
  return device && device.deviceId !== null ? `${device.vendorId ?? 0}:${device.deviceId}` : undefined;
}

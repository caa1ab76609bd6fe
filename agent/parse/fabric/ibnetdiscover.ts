// ibnetdiscover's listing: one block per device with its attributes, its ports and their other ends. infiniband-diags.
// Names are the last thing to trust: they hold quotes, brackets and #, so that every line is anchored at both of its ends.
import type { FabricKind } from '#agent/contract';
import { ParseError } from '../parse-error.ts';
import { guidOf, lidOf, withoutReturn, type LineParser } from './line-parser.ts';
import { parseLinkRate, type LinkRate } from './link-rate.ts';

export interface DiscoveredDevice {
  readonly guid: string;
  readonly kind: FabricKind;
  readonly name: string;
  readonly lid: number | null;
  /** As printed; that of a switch may count an internal one. */
  readonly ports: number;
  readonly systemGuid: string | null;
  readonly vendorId: number | null;
  readonly deviceId: number | null;
}

/** A port with its other end; ports with nothing at the other end are not listed. */
export interface DiscoveredPort extends LinkRate {
  readonly guid: string;
  readonly port: number;
  readonly portGuid: string | null;
  readonly lid: number | null;
  readonly peer: { readonly guid: string; readonly port: number };
  readonly peerPortGuid: string | null;
  readonly peerName: string;
}

export interface Discovery {
  /** Where it was looked from. */
  readonly origin: { readonly guid: string; readonly portGuid: string } | null;
  readonly devices: readonly DiscoveredDevice[];
  readonly ports: readonly DiscoveredPort[];
}

const SOURCE = 'ibnetdiscover';
const origin = /^#\s*Initiated from node ([\da-f]{1,16}) port ([\da-f]{1,16})$/i;
const attribute = /^(vendid|devid|sysimgguid|switchguid|caguid|rtguid)=(0x[\da-f]+)(?:\([\da-f]+\))?$/i;
const head =
  /^(Switch|Ca|Rt)\s*(\d+)\s*"[SHR]-([\da-f]{16})"\s*#\s*"(.*)"(?:\s*(?:enhanced|base) port 0 lid (\d+) lmc \d+)?$/;
const link =
  /^\[(\d+)\](?:\[[^\]]*\])?(?:\(([\da-f]+)\))?\s*"[SHR]-([\da-f]{16})"\[(\d+)\](?:\[[^\]]*\])?(?:\(([\da-f]+)\))?\s*#\s*(?:lid (\d+) lmc \d+ )?"(.*)" lid \d+ (\S+)(?: .*)?$/;

export function discoveryParser(): LineParser<Discovery> {
  return new DiscoveryParser();
}

class DiscoveryParser implements LineParser<Discovery> {
  #origin: Discovery['origin'] = null;
  readonly #devices: DiscoveredDevice[] = [];
  readonly #ports: DiscoveredPort[] = [];
  #attributes = new Map<string, string>();
  #current: string | undefined;

  line(text: string): void {
    const line = withoutReturn(text).trimEnd();
    if (line === '') this.#closeBlock();
    else if (line.startsWith('#')) this.#comment(line);
    else if (/^(vendid|devid|\w+guid)=/.test(line)) this.#attribute(line);
    else if (/^(Switch|Ca|Rt)[\s\d]/.test(line)) this.#device(line);
    else if (line.startsWith('[')) this.#port(line);
  }

  end(): Discovery {
    return { origin: this.#origin, devices: this.#devices, ports: this.#ports };
  }

  #closeBlock(): void {
    this.#attributes = new Map();
    this.#current = undefined;
  }

  #comment(line: string): void {
    const [, guid, portGuid] = origin.exec(line) ?? [];
    if (guid !== undefined && portGuid !== undefined) this.#origin = { guid: guidOf(guid), portGuid: guidOf(portGuid) };
  }

  #attribute(line: string): void {
    const [, name, value] = attribute.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new ParseError(SOURCE, line, 'NAME=0xNUMBER');
    // A device's block begins with them; an empty line may have been lost.
    if (name === 'vendid') this.#closeBlock();
    this.#attributes.set(name, value);
  }

  #device(line: string): void {
    const [, type, ports, guid, name, lid] = head.exec(line) ?? [];
    if (type === undefined || guid === undefined || name === undefined)
      throw new ParseError(SOURCE, line, 'Switch|Ca|Rt PORTS "GUID" # "NAME"');
    this.#current = guid;
    const kind = kindOf(type, name);
    const systemGuid = this.#attributes.get('sysimgguid');
    this.#devices.push({
      ...{ guid, kind, name: name.trim(), ports: Number(ports) },
      lid: lid === undefined ? null : lidOf(lid),
      systemGuid: systemGuid === undefined ? null : guidOf(systemGuid),
      vendorId: this.#number('vendid'),
      deviceId: this.#number('devid'),
    });
  }

  #number(name: string): number | null {
    const value = this.#attributes.get(name);
    return value === undefined ? null : Number(value);
  }

  #port(line: string): void {
    const [, port, portGuid, peer, peerPort, peerPortGuid, lid, peerName, rateText] = link.exec(line) ?? [];
    const rate = rateText === undefined ? undefined : parseLinkRate(rateText);
    if (peer === undefined || peerName === undefined || !rate || this.#current === undefined)
      throw new ParseError(SOURCE, line, '[PORT] "GUID"[PORT] # "NAME" lid LID WIDTHxSPEED below a device');
    this.#ports.push({
      guid: this.#current,
      port: Number(port),
      portGuid: portGuid === undefined ? null : guidOf(portGuid),
      lid: lid === undefined ? null : lidOf(lid),
      peer: { guid: peer, port: Number(peerPort) },
      peerPortGuid: peerPortGuid === undefined ? null : guidOf(peerPortGuid),
      peerName: peerName.trim(),
      ...rate,
    });
  }
}

/** Whoever is at the end of a link has a block: one that is missing was cut off. */
export function isWholeDiscovery({ devices, ports }: Discovery): boolean {
  const guids = new Set(devices.map(({ guid }) => guid));
  return devices.length > 0 && ports.every(({ peer }) => guids.has(peer.guid));
}

function kindOf(type: string, name: string): FabricKind {
  if (type === 'Switch') return 'switch';
  if (type === 'Rt') return 'router';
  // A SHARP node is listed as an adapter; only its description tells.
  return /\bAggregation Node\b/.test(name) ? 'aggregation' : 'hca';
}

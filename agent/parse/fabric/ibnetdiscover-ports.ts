// `ibnetdiscover -p`: one line per port, and ibswitches/ibhosts: one line per device. infiniband-diags.
import { ParseError } from '../parse-error.ts';
import { guidOf, lidOf, withoutReturn, type LineParser } from './line-parser.ts';
import { parseLinkRate, type LinkRate } from './link-rate.ts';

export type NodeType = 'CA' | 'SW' | 'RT';

export interface PortEnd {
  readonly type: NodeType;
  readonly lid: number | null;
  readonly port: number;
  /** Of the port of an adapter, of a switch as a whole. */
  readonly guid: string;
  readonly name: string;
}

export interface ListedPort extends PortEnd, LinkRate {
  /** null where nothing is connected: the rate then means nothing. */
  readonly peer: PortEnd | null;
}

const end = String.raw`(CA|SW|RT)\s+(\d+)\s+(\d+)\s+(0x[\da-f]{16})`;
const connected = new RegExp(
  String.raw`^${end}\s+((?:\d+x|\?\?)\s+\S+)\s+-\s+${end}\s+\(\s*'(.*)'\s+-\s+'(.*)'\s*\)(?:\s.*)?$`,
);
const alone = new RegExp(String.raw`^${end}\s+((?:\d+x|\?\?)\s+\S+)\s+'(.*)'$`);

export function portListParser(): LineParser<readonly ListedPort[]> {
  const ports: ListedPort[] = [];
  return {
    line: (text) => {
      const line = withoutReturn(text).trimEnd();
      if (/^(CA|SW|RT)\s/.test(line)) ports.push(parsePort(line));
    },
    end: () => ports,
  };
}

function parsePort(line: string): ListedPort {
  const [, type, lid, port, guid, rateText, ...rest] = connected.exec(line) ?? alone.exec(line) ?? [];
  const rate = parseLinkRate((rateText ?? '').replace(/\s+/, ' '));
  if (type === undefined || guid === undefined || !rate)
    throw new ParseError('ibnetdiscover -p', line, "TYPE LID PORT GUID WIDTHx SPEED with a peer and names, or 'NAME'");
  if (rest.length === 1) return { ...endOf(type, lid, port, guid, rest[0]), ...rate, peer: null };
  const [peerType, peerLid, peerPort, peerGuid, name, peerName] = rest;
  return {
    ...endOf(type, lid, port, guid, name),
    ...rate,
    peer: endOf(peerType, peerLid, peerPort, peerGuid, peerName),
  };
}

function endOf(...[type = '', lid = '', port = '', guid = '', name = '']: readonly (string | undefined)[]): PortEnd {
  return {
    type: type === 'SW' ? 'SW' : type === 'RT' ? 'RT' : 'CA',
    ...{ lid: lidOf(lid), port: Number(port), guid: guidOf(guid), name: name.trim() },
  };
}

export interface ListedSwitch {
  readonly guid: string;
  readonly ports: number;
  readonly name: string;
  readonly lid: number | null;
}

const listed = /^Switch\s*: (0x[\da-f]{16}) ports (\d+) "(.*)" (?:enhanced|base) port 0 lid (\d+) lmc \d+$/;

/** `ibswitches`. */
export function switchListParser(): LineParser<readonly ListedSwitch[]> {
  const switches: ListedSwitch[] = [];
  return {
    line: (text) => {
      const line = withoutReturn(text).trimEnd();
      if (!line.startsWith('Switch')) return;
      const [, guid, ports, name, lid] = listed.exec(line) ?? [];
      if (guid === undefined || name === undefined || lid === undefined)
        throw new ParseError('ibswitches', line, 'Switch : GUID ports N "NAME" base port 0 lid LID lmc N');
      switches.push({ guid: guidOf(guid), ports: Number(ports), name: name.trim(), lid: lidOf(lid) });
    },
    end: () => switches,
  };
}

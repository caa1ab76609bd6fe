// iblinkinfo, one line per port, grouped by device or with everything on the line (-l). infiniband-diags.
// `( Could be 8X )` says what both ends support; it is a hint: tools and simulators offer more than a device does.
import { ParseError } from '../parse-error.ts';
import { guidOf, lidOf, withoutReturn, type LineParser } from './line-parser.ts';
import { laneSpeed } from './link-rate.ts';

export interface LinkLine {
  /** Of the switch, or of the port of an adapter; null where a grouped listing lost its header. */
  readonly guid: string | null;
  readonly name: string;
  readonly lid: number | null;
  readonly port: number;
  /** Numbered as the kernel does; null for a word that we do not know. */
  readonly state: number | null;
  readonly physicalState: number | null;
  readonly widthLanes: number | null;
  readonly laneBytesPerSecond: number | null;
  readonly couldBeLanes: number | null;
  readonly couldBeLaneBytesPerSecond: number | null;
  readonly peer: LinkPeer | null;
}

export interface LinkPeer {
  /** Only told on the line of -l. */
  readonly guid: string | null;
  readonly lid: number | null;
  readonly port: number;
  readonly name: string;
}

const SOURCE = 'iblinkinfo';
const states = new Map([
  ['Down', 1],
  ['Initialize', 2],
  ['Armed', 3],
  ['Active', 4],
]);
const physicalStates = new Map([
  ['Sleep', 1],
  ['Polling', 2],
  ['Disabled', 3],
  ['PortConfigurationTraining', 4],
  ['Training', 4],
  ['LinkUp', 5],
  ['LinkErrorRecovery', 6],
  ['ErrorRecovery', 6],
  ['PhyTest', 7],
]);

const ARROW = '==(';
const ARROW_END = ')==>';
const lineModeLeft = /^(0x[\da-f]{1,16})\s+"(.*)"\s+(\d+)\s+(\d+)\[[^\]]*\]\s*$/;
const groupedLeft = /^\s*(?:(0x[\da-f]{1,16})\s+)?(\d+)\s+(\d+)\[[^\]]*\]\s*$/;
/** The other end did not answer. */
const silentRight = /^\s*"Port not available"\s*$/;
const right = /^\s*(?:(0x[\da-f]{1,16})\s+)?(?:(\d+)\s+(\d+))?\[[^\]]*\]\s*"(.*)"\s*\((.*)\)\s*$/;
/** Width and speed of a port that did not answer are words: `undefined (0) Extended speed`. */
const body = /^(?:(\d+)X\s+)?(.*?)\s*([A-Za-z]+|\?+)\/\s*(\S.*)$/;
const groupHead = /^(CA|Switch|Router):\s+(?:(0x[\da-f]{1,16})\s+)?(.*):$/;

export function linkInfoParser(): LineParser<readonly LinkLine[]> {
  const links: LinkLine[] = [];
  let group: Group = { guid: null, name: '' };
  return {
    line: (text) => {
      const line = withoutReturn(text).trimEnd();
      if (line.includes(ARROW)) links.push(parseLink(line, group));
      else if (/^(CA|Switch|Router):/.test(line)) group = parseGroup(line);
      else if (/^0x[\da-f]+\s+"|\[.*\]\s*=/.test(line)) throw new ParseError(SOURCE, line, 'a port with its state');
    },
    end: () => links,
  };
}

interface Group {
  readonly guid: string | null;
  readonly name: string;
}

function parseGroup(line: string): Group {
  const [, , guid, name] = groupHead.exec(line) ?? [];
  if (name === undefined) throw new ParseError(SOURCE, line, 'CA|Switch|Router: NAME:');
  return { guid: guid === undefined ? null : guidOf(guid), name: name.trim() };
}

function parseLink(line: string, group: Group): LinkLine {
  const from = line.indexOf(ARROW);
  const to = line.indexOf(ARROW_END, from);
  const near = to < 0 ? undefined : parseNear(line.slice(0, from), group);
  const far = parseFar(line.slice(to + ARROW_END.length));
  const told = body.exec(line.slice(from + ARROW.length, to).trim());
  if (!near || !far || !told)
    throw new ParseError(SOURCE, line, 'LID PORT[] ==( WIDTH SPEED STATE/STATE)==> LID PORT[] "NAME" ( )');
  const [, width, speed = '', state = '', physicalState = ''] = told;
  return {
    ...near,
    state: states.get(state) ?? null,
    physicalState: physicalStates.get(physicalState.trim()) ?? null,
    widthLanes: width === undefined ? null : Number(width),
    laneBytesPerSecond: laneSpeed(speed),
    ...far,
  };
}

function parseNear(text: string, group: Group): Pick<LinkLine, 'guid' | 'name' | 'lid' | 'port'> | undefined {
  const [, lineGuid, lineName, lineLid, linePort] = lineModeLeft.exec(text) ?? [];
  if (lineGuid !== undefined && lineName !== undefined && lineLid !== undefined)
    return { guid: guidOf(lineGuid), name: lineName.trim(), lid: lidOf(lineLid), port: Number(linePort) };
  const [, guid, lid, port] = groupedLeft.exec(text) ?? [];
  if (lid === undefined) return undefined;
  return {
    guid: guid === undefined ? group.guid : guidOf(guid),
    name: group.name,
    lid: lidOf(lid),
    port: Number(port),
  };
}

type Far = Pick<LinkLine, 'peer' | 'couldBeLanes' | 'couldBeLaneBytesPerSecond'>;

function parseFar(text: string): Far | undefined {
  if (silentRight.test(text)) return { peer: null, ...parseHint('') };
  const [, guid, lid, port, name, hint] = right.exec(text) ?? [];
  if (name === undefined || hint === undefined) return undefined;
  if (lid === undefined || port === undefined) return { peer: null, ...parseHint(hint) };
  const peer = {
    guid: guid === undefined ? null : guidOf(guid),
    lid: lidOf(lid),
    port: Number(port),
    name: name.trim(),
  };
  return { peer, ...parseHint(hint) };
}

function parseHint(hint: string): Pick<LinkLine, 'couldBeLanes' | 'couldBeLaneBytesPerSecond'> {
  const [, lanes] = /Could be (\d+)X/.exec(hint) ?? [];
  const [, speed] = /Could be ([\d.]+ Gbps|[A-Z]{3}\d*)/.exec(hint) ?? [];
  return {
    couldBeLanes: lanes === undefined ? null : Number(lanes),
    couldBeLaneBytesPerSecond: speed === undefined ? null : laneSpeed(speed),
  };
}

// ibqueryerrors: without flags the error counters that are not 0, with --counters the data counters of all ports.
// infiniband-diags. The details that --details adds stand under each other's names, so that they are never taken from here.
import { ParseError } from '../parse-error.ts';
import { dataCounters, exceedsPlainWidth, isErrorCounter } from './counter-names.ts';
import { guidOf, withoutReturn, type LineParser } from './line-parser.ts';

export interface CountedPort {
  /** What was listed: errors are told by the GUID of an adapter's port, data by the GUID of the adapter. */
  readonly kind: 'errors' | 'data';
  readonly guid: string;
  readonly port: number;
  readonly name: string;
  /** Name → digits. */
  readonly counters: Readonly<Record<string, string>>;
  /** The device counts errors in 64 bits. */
  readonly hasWideErrors: boolean;
}

export interface ErrorSummary {
  readonly nodes: number;
  readonly badNodes: number;
  readonly ports: number;
  readonly badPorts: number;
  readonly failedQueries: number;
}

export interface QueriedErrors {
  readonly ports: readonly CountedPort[];
  /** undefined if the listing ended before it. */
  readonly summary: ErrorSummary | undefined;
}

const SOURCE = 'ibqueryerrors';
const head = /^(Errors|Data Counters) for (?:0x[\da-f]{1,16} )?"(.*)"$/;
const ports = /^\s*GUID (0x[\da-f]{1,16}) port (ALL|\d+):((?:\s*\[\w+ == \d+(?: \([^)]*\))?\])+)$/;
const counter = /\[(\w+) == (\d+)( \([^)]*\))?\]/g;

export function errorParser(): LineParser<QueriedErrors> {
  return new ErrorParser();
}

class ErrorParser implements LineParser<QueriedErrors> {
  readonly #ports: CountedPort[] = [];
  #kind: CountedPort['kind'] = 'errors';
  #name = '';
  #nodes: readonly [number, number] | undefined;
  #checked: readonly [number, number] | undefined;
  #failedQueries = 0;

  line(text: string): void {
    const line = withoutReturn(text).trimEnd();
    if (/^(Errors|Data Counters) for /.test(line)) this.#device(line);
    else if (/^\s*GUID /.test(line)) this.#port(line);
    else if (line.startsWith('##')) this.#summaryLine(line);
  }

  end(): QueriedErrors {
    return { ports: this.#ports, summary: this.#summary() };
  }

  #device(line: string): void {
    const [, kind, name] = head.exec(line) ?? [];
    if (name === undefined) throw new ParseError(SOURCE, line, 'Errors for GUID "NAME"');
    this.#kind = kind === 'Errors' ? 'errors' : 'data';
    this.#name = name.trim();
  }

  #port(line: string): void {
    const [, guid, port, list] = ports.exec(line) ?? [];
    if (guid === undefined || list === undefined)
      throw new ParseError(SOURCE, line, 'GUID 0xGUID port N: [NAME == N] …');
    // The sum of a switch, which stops counting before its ports do, and its own management port.
    if (port === 'ALL' || port === '0') return;
    this.#ports.push({
      kind: this.#kind,
      guid: guidOf(guid),
      port: Number(port),
      name: this.#name,
      ...readCounters(list),
    });
  }

  #summaryLine(line: string): void {
    const [, nodes, badNodes] = /^## Summary: (\d+) nodes checked, (\d+) bad nodes found$/.exec(line) ?? [];
    if (nodes !== undefined) this.#nodes = [Number(nodes), Number(badNodes)];
    const [, checked, badPorts] =
      /^##\s+(\d+) ports checked, (\d+) ports have errors beyond threshold$/.exec(line) ?? [];
    if (checked !== undefined) this.#checked = [Number(checked), Number(badPorts)];
    const [, failed] = /^##\s+(\d+) PMA query failures$/.exec(line) ?? [];
    if (failed !== undefined) this.#failedQueries = Number(failed);
  }

  #summary(): ErrorSummary | undefined {
    if (!this.#nodes || !this.#checked) return undefined;
    const [nodes, badNodes] = this.#nodes;
    const [checked, badPorts] = this.#checked;
    return { nodes, badNodes, ports: checked, badPorts, failedQueries: this.#failedQueries };
  }
}

function readCounters(list: string): Pick<CountedPort, 'counters' | 'hasWideErrors'> {
  const counters: Record<string, string> = {};
  let hasWideErrors = false;
  for (const [, name = '', digits = '', forPeople] of list.matchAll(counter)) {
    if (!isErrorCounter(name) && !dataCounters.has(name)) continue;
    counters[name] = digits;
    // Only the 64-bit form has the same number for people behind it; data counters always have.
    if (isErrorCounter(name) && (forPeople !== undefined || exceedsPlainWidth(name, digits))) hasWideErrors = true;
  }
  return { counters, hasWideErrors };
}

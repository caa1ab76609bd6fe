// ibstat: the adapters of this host with their ports. infiniband-diags.
import { ParseError } from '../parse-error.ts';
import { guidOf, lidOf, withoutReturn, type LineParser } from './line-parser.ts';

export interface LocalAdapter {
  readonly name: string;
  readonly type: string | undefined;
  readonly nodeGuid: string | undefined;
  /** The same in a virtual function and its parent: one physical port. */
  readonly systemGuid: string | undefined;
  readonly ports: readonly LocalPort[];
}

export interface LocalPort {
  readonly port: number;
  readonly state: string | undefined;
  readonly physicalState: string | undefined;
  readonly gigabitsPerSecond: number | undefined;
  readonly lid: number | null;
  readonly smLid: number | null;
  readonly guid: string | undefined;
  readonly linkLayer: string | undefined;
}

export function ibstatParser(): LineParser<readonly LocalAdapter[]> {
  const adapters: OpenAdapter[] = [];
  return {
    line: (text) => {
      const line = withoutReturn(text).trim();
      const adapter = adapters.at(-1);
      if (/^CA\b(?! type)/.test(line)) adapters.push({ name: adapterName(line), values: new Map(), ports: [] });
      else if (/^Port \d+:$/.test(line)) adapter?.ports.push({ port: Number(line.slice(5, -1)), values: new Map() });
      else keep(line, adapter?.ports.at(-1)?.values ?? adapter?.values);
    },
    end: () => adapters.map(finish),
  };
}

interface OpenAdapter {
  readonly name: string;
  readonly values: Map<string, string>;
  readonly ports: { readonly port: number; readonly values: Map<string, string> }[];
}

function adapterName(line: string): string {
  const [, name] = /^CA '(.*)'$/.exec(line) ?? [];
  if (name === undefined) throw new ParseError('ibstat', line, "CA 'NAME'");
  return name;
}

function keep(line: string, values: Map<string, string> | undefined): void {
  const [, name, value] = /^([^:]+): (.*)$/.exec(line) ?? [];
  if (name !== undefined && value !== undefined) values?.set(name, value);
}

function finish({ name, values, ports }: OpenAdapter): LocalAdapter {
  return {
    name,
    type: values.get('CA type'),
    nodeGuid: guidIn(values, 'Node GUID'),
    systemGuid: guidIn(values, 'System image GUID'),
    ports: ports.map((port) => finishPort(port.port, port.values)),
  };
}

function finishPort(port: number, values: ReadonlyMap<string, string>): LocalPort {
  const rate = values.get('Rate');
  return {
    port,
    state: values.get('State'),
    physicalState: values.get('Physical state'),
    gigabitsPerSecond: rate === undefined || !/^[\d.]+$/.test(rate) ? undefined : Number(rate),
    lid: lidOf(values.get('Base lid') ?? '0'),
    smLid: lidOf(values.get('SM lid') ?? '0'),
    guid: guidIn(values, 'Port GUID'),
    linkLayer: values.get('Link layer'),
  };
}

function guidIn(values: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = values.get(name);
  return value !== undefined && /^0x[\da-f]{1,16}$/i.test(value) ? guidOf(value) : undefined;
}

export interface SubnetManager {
  readonly lid: number | null;
  readonly guid: string;
  readonly priority: number;
  readonly state: string;
}

/** `sminfo`: who manages the subnet. */
export function parseSmInfo(text: string): SubnetManager {
  const [, lid = '', guid, priority, state] =
    /sm lid (\d+) sm guid (0x[\da-f]{1,16}), activity count \d+ priority (\d+) state \d+ (\w+)/.exec(text) ?? [];
  if (guid === undefined || state === undefined)
    throw new ParseError('sminfo', text, 'sm lid LID sm guid GUID … state N NAME');
  return { lid: lidOf(lid), guid: guidOf(guid), priority: Number(priority), state };
}

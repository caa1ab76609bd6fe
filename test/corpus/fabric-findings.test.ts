// Findings about recorded fabrics, by one look at each: what SOURCES.md and ibsim/README.md of ../shared/corpus/infiniband say is
// wrong with them, and nothing else.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FabricSweep } from '#agent/contract';
import { describe, expect, test } from 'vitest';
import { assembleSweep } from '../../agent/fabric/assemble.ts';
import { Topology } from '../../agent/fabric/topology.ts';
import { discoveryParser, type Discovery } from '../../agent/parse/fabric/ibnetdiscover.ts';
import { linkInfoParser, type LinkLine } from '../../agent/parse/fabric/iblinkinfo.ts';
import { parseLines } from '../../agent/parse/fabric/line-parser.ts';
import { judgeFabric } from '../../server/fabric/findings.ts';
import { FabricHistory } from '../../server/fabric/history.ts';
import { buildFabricModel } from '../../server/fabric/model.ts';
import { leftOut } from '../left-out.ts';

const corpus = join(import.meta.dirname, '../../../shared/corpus/infiniband');
const present = existsSync(corpus);
if (!present) leftOut('corpus/fabric-findings', 'the corpus is not here', { evenInCi: true });

const read = (file: string): string => readFileSync(join(corpus, file), 'utf8');

/** A link listing as the topology alone tells it: every link is active. */
function linesOf({ ports, devices }: Discovery): readonly LinkLine[] {
  const kinds = new Map(devices.map(({ guid, kind }) => [guid, kind]));
  return ports.map((port) => ({
    ...port,
    guid: kinds.get(port.guid) === 'switch' ? port.guid : port.portGuid,
    name: '',
    state: 4,
    physicalState: 5,
    couldBeLanes: null,
    couldBeLaneBytesPerSecond: null,
    peer: null,
  }));
}

function sweepOf(discovered: string, listed?: string): FabricSweep {
  const discovery = parseLines(discoveryParser(), read(discovered));
  return assembleSweep({
    ...{ subnet: 'fe80000000000000', startedMs: 0, endedMs: 1000, silent: [], problems: [] },
    topology: new Topology(discovery, 0),
    links: listed === undefined ? linesOf(discovery) : parseLines(linkInfoParser(), read(listed)),
    counts: new Map(),
    details: new Map(),
    tickBytes: () => null,
    hasWideErrors: () => false,
  });
}

function look(discovered: string, listed?: string) {
  const sweep = sweepOf(discovered, listed);
  const history = new FabricHistory();
  history.add(sweep);
  const model = buildFabricModel(sweep);
  return { model, findings: judgeFabric(model, history) };
}

const count = <T>(all: Iterable<T>, matches: (one: T) => boolean): number => [...all].filter(matches).length;

describe.skipIf(!present)('recorded fabrics', () => {
  const recorded = 'ibsim/recorded';

  test('a healthy fat tree: 4 leaves, 2 spines, 16 hosts; its hints of more speed mean nothing', () => {
    const { model, findings } = look(
      `${recorded}/fattree16.ibnetdiscover.txt`,
      `${recorded}/fattree16.iblinkinfo-l.txt`,
    );
    const tiers = [...model.devices.values()].map(({ tier }) => tier);
    expect(['leaf', 'spine', 'host', 'other'].map((tier) => count(tiers, (one) => one === tier))).toEqual([
      4, 2, 16, 0,
    ]);
    expect(['host', 'uplink'].map((tier) => count(model.links, (link) => link.tier === tier))).toEqual([16, 16]);
    expect(model.devices.get('506b4b0300c10240')?.host).toBe('gpu02');
    expect(findings).toEqual([]);
  });

  test('rails of four HGX-2: 32 adapters, and aggregation nodes that are no hosts', () => {
    const { model, findings } = look(
      `${recorded}/hgx2-rails.ibnetdiscover.txt`,
      `${recorded}/hgx2-rails.iblinkinfo.txt`,
    );
    const tiers = [...model.devices.values()].map(({ tier }) => tier);
    expect(['leaf', 'spine', 'host', 'other'].map((tier) => count(tiers, (one) => one === tier))).toEqual([
      4, 2, 32, 4,
    ]);
    expect(findings).toEqual([]);
  });

  test('a degraded fat tree: a host at one lane, an uplink at FDR; the unplugged host cannot be known', () => {
    const { findings } = look(
      `${recorded}/fattree16-degraded.ibnetdiscover.txt`,
      `${recorded}/fattree16-degraded.iblinkinfo.txt`,
    );
    expect(findings.map(({ kind, severity, ports }) => [kind, severity, ...ports.map(({ name }) => name)])).toEqual([
      ['degraded_speed', 'critical', expect.stringMatching(/^leaf/), expect.stringMatching(/^spine/)],
      ['degraded_width', 'warning', expect.stringMatching(/^gpu/), expect.stringMatching(/^leaf/)],
    ]);
  });

  test('the storage fabric of Selene: 160 switches, EDR servers that are a group, one factory name', () => {
    const { model, findings } = look('ibnetdiscover/selene-storage.txt');
    expect(count(model.devices.values(), ({ kind }) => kind === 'switch')).toBe(160);
    expect(count(model.links, ({ tier }) => tier === 'host')).toBe(1247);
    expect(count(model.links, ({ tier }) => tier === 'uplink')).toBe(2039);
    // Six switches lead to one or two spines less than the 122 of their kind and level; nothing is degraded.
    expect([...Map.groupBy(findings, ({ kind }) => kind)].map(([kind, { length }]) => [kind, length])).toEqual([
      ['missing_uplink', 6],
      ['naming', 1],
    ]);
  });

  test('a small laboratory: a switch that is cabled to itself, and adapters of several models', () => {
    const { model, findings } = look('ibnetdiscover/nvidia-lab-small.txt');
    expect(count(model.links, ({ tier }) => tier === 'loop')).toBe(2);
    expect(findings.map(({ text }) => text)).toEqual([]);
  });
});

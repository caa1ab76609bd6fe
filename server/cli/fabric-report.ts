// What `whyidle fabric` prints: JSON for programs, a page of text for people. The gravest finding comes first in both.
import type { FabricFinding } from '../fabric/finding.ts';
import type { FabricModel } from '../fabric/model.ts';
import { renderSpeed } from '../fabric/rates.ts';

export interface FabricReport {
  readonly model: FabricModel;
  readonly findings: readonly FabricFinding[];
}

export function renderFabricJson({ model, findings }: FabricReport): string {
  const report = {
    schema_version: 1,
    subnet: model.subnet,
    time: new Date(model.endedMs).toISOString(),
    nodes: model.devices.size,
    links: model.links.length,
    nodes_by_kind: Object.fromEntries(devicesByKind(model)),
    links_by_speed: Object.fromEntries(linksBySpeed(model)),
    silent: model.silent.map(({ guid, lid, name }) => ({ guid, lid, name })),
    problems: model.problems,
    findings: findings.map(({ kind, severity, ports, text }) => ({
      ...{ kind, severity, text },
      ports: ports.map(({ guid, port, node, name }) => ({ guid, port, node: node ?? name })),
    })),
  };
  return `${JSON.stringify(report)}\n`;
}

export function renderFabricText({ model, findings }: FabricReport): string {
  return [
    `Subnet ${model.subnet}, ${new Date(model.endedMs).toISOString().slice(0, 19)}Z`,
    `  nodes  ${renderCounts(model.devices.size, devicesByKind(model))}`,
    `  links  ${renderCounts(model.links.length, linksBySpeed(model))}`,
    ...model.problems.map((problem) => `  not read: ${problem}`),
    '',
    ...(findings.length === 0 ? ['Nothing is wrong with it.'] : findings.map(renderFinding)),
    '',
  ].join('\n');
}

function renderFinding({ kind, severity, text }: FabricFinding): string {
  return `${severity.padEnd(9)}${kind.padEnd(16)}${text}`;
}

function renderCounts(total: number, parts: ReadonlyMap<string, number>): string {
  return `${total}: ${[...parts].map(([name, count]) => `${count} ${name}`).join(', ')}`;
}

function devicesByKind({ devices }: FabricModel): ReadonlyMap<string, number> {
  return countBy([...devices.values()].map(({ kind }) => kind));
}

function linksBySpeed({ links }: FabricModel): ReadonlyMap<string, number> {
  return countBy(
    links.map(({ a, b }) =>
      renderSpeed(a.read.widthLanes ?? b.read.widthLanes, a.read.laneBytesPerSecond ?? b.read.laneBytesPerSecond),
    ),
  );
}

/** The most frequent first. */
function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = [...Map.groupBy(names, (name) => name)].map(([name, { length }]) => [name, length] as const);
  return new Map(counts.toSorted(([, one], [, other]) => other - one));
}

// Fabrics in words: the sentence on top, findings, one link. Pure.
import type { FabricEndView, FabricFindingView, FabricView, FindingKind, FindingSeverity, Hue } from '#server/contract';
import { counted, figureOf, showText } from '../../format/quantity.ts';
import { isDown, linkKey, type LinkEnd, type LinkRow } from './links.ts';

export const findingTitles: Readonly<Record<FindingKind, string>> = {
  bad_link: 'bad link',
  flap: 'link flaps',
  degraded_speed: 'too slow',
  degraded_width: 'too narrow',
  congestion: 'congested',
  port_down: 'port down',
  missing_rail: 'rail missing',
  missing_uplink: 'uplink missing',
  rail_imbalance: 'rails uneven',
  silent_node: 'does not answer',
  naming: 'naming',
  counters_reset: 'counters reset',
  saturated: 'counter at its ceiling',
};

/** What waits is amber, what is slowed pale, what is broken red; what is only to be known has no hue. */
export const findingHues: Readonly<Record<FindingKind, Hue>> = {
  bad_link: 'fault',
  flap: 'fault',
  degraded_speed: 'throttled',
  degraded_width: 'throttled',
  congestion: 'starved',
  port_down: 'fault',
  missing_rail: 'fault',
  missing_uplink: 'fault',
  rail_imbalance: 'starved',
  silent_node: 'unobserved',
  naming: 'free',
  counters_reset: 'free',
  saturated: 'free',
};

const severityRanks: Readonly<Record<FindingSeverity, number>> = { critical: 0, warning: 1, info: 2 };
export const severityRank = (severity: FindingSeverity | null): number =>
  severity === null ? 3 : severityRanks[severity];

/** The most severe first, of these the newest. */
export function sortFindings(findings: readonly FabricFindingView[]): readonly FabricFindingView[] {
  return findings.toSorted(
    (a, b) => severityRank(a.severity) - severityRank(b.severity) || (b.since_ms ?? 0) - (a.since_ms ?? 0),
  );
}

/** `96 of 96 host links active, 2 findings`. Host links that are gone from the sweep count as links that are not active. */
export function headlineOf({ findings }: Pick<FabricView, 'findings'>, rows: readonly LinkRow[]): string {
  const hosts = rows.filter(({ view }) => view.tier === 'host');
  const active = hosts.filter((row) => row.state === 'active').length;
  const told = findings.length === 0 ? 'no findings' : counted(findings.length, 'finding');
  return `${active} of ${counted(hosts.length + lostLinks(findings, rows), 'host link')} active, ${told}`;
}

/** Ports that are down and no link any more; of a host that lacks a rail without one, at least that rail. */
function lostLinks(findings: readonly FabricFindingView[], rows: readonly LinkRow[]): number {
  const linked = new Set(rows.flatMap(({ near, far }) => [linkKey(near.view), linkKey(far.view)]));
  const down = findings.filter(({ kind, ports }) => kind === 'port_down' && ports.some(({ node }) => node !== null));
  const gone = down.filter(({ ports }) => !ports.some((port) => linked.has(linkKey(port))));
  const explained = new Set([
    ...down.flatMap(nodesOf),
    ...rows.flatMap((row) => (isDown(row) && row.near.node !== null ? [row.near.node] : [])),
  ]);
  const lacking = findings.filter(
    (finding) => finding.kind === 'missing_rail' && !nodesOf(finding).some((node) => explained.has(node)),
  );
  return gone.length + lacking.length;
}

/** The nodes with an agent that a finding speaks of. */
export function nodesOf({ ports }: FabricFindingView): readonly string[] {
  return [...new Set(ports.flatMap(({ node }) => (node === null ? [] : [node])))];
}

/** The silent, the unread and the unknown: what the sentence does not speak of. */
export function coverageText({ coverage, topology_changes }: FabricView): string {
  const { silent, adapters, adapters_with_agent, ports, ports_with_counters } = coverage;
  return [
    silent === 0 ? 'every device answers' : `${counted(silent, 'device')} silent`,
    `agents on ${adapters_with_agent} of ${counted(adapters, 'adapter')}`,
    `counters of ${ports_with_counters} of ${counted(ports, 'port')}`,
    topology_changes === 0
      ? 'topology has not changed since the server started'
      : `topology changed ${topology_changes === 1 ? 'once' : `${topology_changes} times`} since the server started`,
  ].join(' · ');
}

export const stateText = ({ state }: LinkRow): string => (state === '' ? 'not read' : state);

/** `64 %`, or `2–8 %` where the length of a wait tick is not known. */
export function congestionText({
  congestion_ratio: low,
  congestion_ratio_upper: high,
}: Pick<FabricEndView, 'congestion_ratio' | 'congestion_ratio_upper'>): string | null {
  if (low === null) return null;
  return high === null ? `${figureOf(low * 100)} %` : `${figureOf(low * 100)}–${figureOf(high * 100)} %`;
}

/** `SymbolErrorCounter +41`, for each end that has some. */
export function errorsText({ near, far }: LinkRow): string {
  return [near, far]
    .map(({ view, name }) => ({
      name,
      grown: Object.entries(view.errors_grown).map(([counter, amount]) => `${counter} +${figureOf(amount)}`),
    }))
    .filter(({ grown }) => grown.length > 0)
    .map(({ name, grown }) => `${name}: ${grown.join(', ')}`)
    .join('; ');
}

/** A link in one line: both ends, rate, what goes each way, errors. */
export function describeLink(row: LinkRow): string {
  const { near, far, view } = row;
  const rate = view.data_rate_bytes_per_second;
  const parts = [
    `${near.name} to ${far.name}`,
    isDown(row) || row.state === '' ? stateText(row) : '',
    rate === null ? view.speed : `${view.speed}, ${figureOf((rate * 8) / 1e9)} Gb/s`,
    `${near.name} ${flowText(near)}`,
    `${far.name} ${flowText(far)}`,
    row.errors === 0 ? '' : `errors in the last hour: ${errorsText(row)}`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function flowText({ view }: LinkEnd): string {
  const sent = showText(view.transmitted_bytes_per_second, 'bytes_per_second');
  if (sent === null) return 'sends: not read';
  const share = view.utilization_ratio === null ? '' : ` (${figureOf(view.utilization_ratio * 100)} %)`;
  const waits = congestionText(view);
  return `sends ${sent}${share}${waits === null ? '' : `, waits ${waits}`}`;
}

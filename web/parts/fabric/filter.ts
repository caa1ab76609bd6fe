// The filter of links: tokens `node:`, `switch:`, `tier:`, `state:`, `speed:`, `finding:` and free text over both ends. A link
// must satisfy all of them; tokens that speak of GPUs are another page's.
import { findingKinds, linkTiers, type FabricFindingView } from '#server/contract';
import { linkKey, type LinkRow } from './links.ts';

const linkKeys = ['node', 'switch', 'tier', 'state', 'speed', 'finding'] as const;
type LinkKey = (typeof linkKeys)[number];

export interface LinkToken {
  readonly text: string;
  readonly kind: LinkKey | 'name' | 'elsewhere' | 'unknown';
  readonly value: string;
}

/** Kinds of findings by `guid/port`. */
export type FindingsByPort = ReadonlyMap<string, readonly string[]>;

export function findingsByPort(findings: readonly FabricFindingView[]): FindingsByPort {
  const all = findings.flatMap(({ kind, ports }) => ports.map((port) => ({ key: linkKey(port), kind })));
  return new Map([...Map.groupBy(all, ({ key }) => key)].map(([key, list]) => [key, list.map(({ kind }) => kind)]));
}

export function parseLinkFilter(text: string): readonly LinkToken[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(parseToken);
}

function parseToken(text: string): LinkToken {
  const [, key, value = ''] = /^([a-z]+):(.*)$/.exec(text) ?? [];
  if (key === undefined) return { text, kind: 'name', value: text };
  if (key === 'cause' || key === 'model') return { text, kind: 'elsewhere', value };
  const kind = linkKeys.find((one) => one === key);
  return { text, kind: kind !== undefined && isValue(kind, value) ? kind : 'unknown', value };
}

/** Closed lists are checked, so that a slip of the pen is told and does not hide everything. */
function isValue(kind: LinkKey, value: string): boolean {
  if (kind === 'tier') return linkTiers.some((tier) => tier === value);
  if (kind === 'finding') return value === 'any' || findingKinds.some((one) => one === value);
  return value !== '';
}

export function matchesLink(tokens: readonly LinkToken[], row: LinkRow, findings: FindingsByPort): boolean {
  return tokens.every((token) => matchesToken(token, row, findings));
}

function matchesToken({ kind, value }: LinkToken, row: LinkRow, findings: FindingsByPort): boolean {
  const ends = [row.near, row.far];
  switch (kind) {
    case 'node':
      return ends.some(({ device, node }) => contains(node ?? device?.host ?? '', value));
    case 'switch':
      return ends.some(({ device }) => device?.kind === 'switch' && contains(device.name, value));
    case 'tier':
      return row.view.tier === value;
    case 'state':
      return row.state === value || (value === 'unknown' && row.state === '');
    case 'speed':
      return contains(row.view.speed, value);
    case 'finding': {
      const found = ends.flatMap(({ view }) => findings.get(linkKey(view)) ?? []);
      return value === 'any' ? found.length > 0 : found.includes(value);
    }
    case 'name':
      return ends.some(({ name, node }) => contains(name, value) || contains(node ?? '', value));
    case 'elsewhere':
    case 'unknown':
      return true;
  }
}

function contains(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}

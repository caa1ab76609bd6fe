// The filter: tokens `node:`, `cause:`, `model:` and free text over node names; a GPU must satisfy all of them.
import { leafClasses, lossSegments, type DirectoryNode } from '#server/contract';

export interface FilterToken {
  readonly text: string;
  readonly kind: 'node' | 'cause' | 'model' | 'name' | 'elsewhere' | 'unknown';
  readonly value: string;
}

export interface GpuFacts {
  readonly node: DirectoryNode;
  readonly model: string;
  /** Index in leafClasses. */
  readonly class: number;
}

const CAUSE = 'cause:';
/** Tokens that speak of links of a fabric. */
const linkKeys: ReadonlySet<string> = new Set(['switch', 'tier', 'state', 'speed', 'finding']);

export const causeKeys: readonly string[] = [...lossSegments.map(({ key }) => key), 'productive'];

export function parseFilter(text: string): readonly FilterToken[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(parseToken);
}

export function matchesFilter(tokens: readonly FilterToken[], gpu: GpuFacts): boolean {
  return tokens.every((token) => matchesToken(token, gpu));
}

/** The filter text with one token added, or taken out if it is there. A GPU has one cause: a new one replaces the old. */
export function toggleToken(text: string, token: string): string {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const rest = words.filter((word) => word !== token);
  if (rest.length < words.length) return rest.join(' ');
  const kept = token.startsWith(CAUSE) ? rest.filter((word) => !word.startsWith(CAUSE)) : rest;
  return [...kept, token].join(' ');
}

function parseToken(text: string): FilterToken {
  const [, key, value = ''] = /^([a-z]+):(.*)$/.exec(text) ?? [];
  if (key === undefined) return { text, kind: 'name', value: text };
  if (linkKeys.has(key)) return { text, kind: 'elsewhere', value };
  const known = key === 'node' || key === 'model' || (key === 'cause' && causeKeys.includes(value));
  return { text, kind: known && value !== '' ? key : 'unknown', value };
}

function matchesToken(token: FilterToken, gpu: GpuFacts): boolean {
  switch (token.kind) {
    case 'node':
    case 'name':
      return contains(gpu.node.name, token.value);
    case 'model':
      return contains(gpu.model, token.value);
    case 'cause':
      return causeOf(gpu.class) === token.value;
    case 'elsewhere':
    case 'unknown':
      return true;
  }
}

/** Key of the loss segment of a class, or `productive`. */
export function causeOf(classIndex: number): string {
  const leaf = leafClasses[classIndex];
  return lossSegments.find(({ classes }) => leaf !== undefined && classes.includes(leaf))?.key ?? 'productive';
}

function contains(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}

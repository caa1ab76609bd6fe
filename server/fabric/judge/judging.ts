// What every rule is given, and the words they share: how ports, links and times are written.
import type { FabricFinding, FindingPort } from '../finding.ts';
import type { FabricHistory } from '../history.ts';
import type { FabricModel, ModelDevice, ModelLink, ModelPort } from '../model.ts';
import { shortName } from '../names.ts';
import type { PortHistory } from '../port-history.ts';

export interface Judging {
  readonly model: FabricModel;
  readonly history: FabricHistory;
  readonly nowMs: number;
  /** One sweep is all there is, and totals are told as information. */
  readonly totals: boolean;
}

export type Rule = (judging: Judging) => readonly FabricFinding[];

export const SECOND_MS = 1000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const ACTIVE = 4;

export const isActive = ({ read }: ModelPort): boolean => read.state === ACTIVE;

/** Active at the ends that say their state. */
export function isActiveLink({ a, b }: ModelLink): boolean {
  const states = [a.read.state, b.read.state].filter((state) => state !== null);
  return states.length > 0 && states.every((state) => state === ACTIVE);
}

export function historyOf({ history }: Judging, port: ModelPort): PortHistory | undefined {
  return history.port(port.key);
}

export function portOf({ device, port }: ModelPort): FindingPort {
  return { ...deviceOf(device), port };
}

export function deviceOf({ guid, node, name }: Pick<ModelDevice, 'guid' | 'node' | 'name'>): FindingPort {
  return { guid, port: 0, node, name: nameOf({ guid, name }) };
}

export function nameOf({ guid, name }: { readonly guid: string; readonly name: string }): string {
  return shortName(name) || guid;
}

export const renderPort = ({ device, port }: ModelPort): string => `${nameOf(device)} port ${port}`;

export const renderLink = ({ a, b }: ModelLink): string => `${renderPort(a)} to ${renderPort(b)}`;

export const idOfLink = ({ a, b }: ModelLink): string => [a.key, b.key].toSorted().join('-');

/** `since 14:32 UTC`, with its day where that is another one. */
export function renderSince(sinceMs: number | null, nowMs: number): string {
  if (sinceMs === null) return '';
  const iso = new Date(sinceMs).toISOString();
  const [day, time] = [iso.slice(0, 10), iso.slice(11, 16)];
  return ` since ${day === new Date(nowMs).toISOString().slice(0, 10) ? '' : `${day} `}${time} UTC`;
}

export const renderPercent = (ratio: number): string => `${Math.round(ratio * 100)} %`;

export function renderRate(bytesPerSecond: number): string {
  return bytesPerSecond >= 1e9
    ? `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`
    : `${Math.round(bytesPerSecond / 1e6)} MB/s`;
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** The earliest of times, where there is one. */
export function earliest(times: readonly (number | null | undefined)[]): number | null {
  const known = times.filter((time) => time !== null && time !== undefined);
  return known.length === 0 ? null : Math.min(...known);
}

/** The value that most have, and how many. */
export function modeOf<T>(values: readonly T[]): { readonly value: T; readonly count: number } | undefined {
  const counts = Map.groupBy(values, (value) => value);
  let best: { value: T; count: number } | undefined;
  for (const [value, { length }] of counts) if (length > (best?.count ?? 0)) best = { value, count: length };
  return best;
}

// What a node does not have, and why: the agent's own statements and every series that is absent now.
import { deviceOf, isReason, PRESENT } from '#agent/contract';
import type { Unavailable } from '#server/contract';
import type { FleetNode } from './node.ts';

/** Each statement once. */
export function readAbsences(node: FleetNode): readonly Unavailable[] {
  const found = new Map<string, Unavailable>();
  for (const series of node.schema.published) {
    const one = series.id === 'unavailable' ? stated(node, series.index, series.labels) : derived(node, series);
    if (one) found.set(JSON.stringify([one.area, one.device, one.name, one.reason]), one);
  }
  return [...found.values()];
}

/** Areas that are wholly missing. */
export function wholeAreas(absences: readonly Unavailable[]): readonly Unavailable[] {
  return absences.filter(({ device, name }) => device === '' && name === '');
}

function stated(node: FleetNode, index: number, labels: readonly string[]): Unavailable | undefined {
  const [area = '', device = '', name = '', reason = ''] = labels;
  return node.decoder.states[index] === PRESENT && isReason(reason) ? { area, device, name, reason } : undefined;
}

function derived(node: FleetNode, series: FleetNode['schema']['published'][number]): Unavailable | undefined {
  const { id, row, labels, index } = series;
  const reason = node.reason(index);
  return reason && row.kind !== 'info'
    ? { area: row.area, device: deviceOf(row, labels), name: id, reason }
    : undefined;
}

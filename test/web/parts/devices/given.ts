// One message about a node, written by hand: series with a level, or why there is none, and a rate; and what the server derives.
import { absenceReasons, type AgentMetricId } from '#agent/contract';
import type { DerivedEntry, NodeTick, SchemaEntry } from '#server/contract';
import { NodeValues, SeriesIndex } from '../../../../web/live/node-values.ts';

export type Given = readonly [
  metric: AgentMetricId,
  labels: readonly string[],
  level: number | (typeof absenceReasons)[number],
  rate?: number,
];

const bytes = (numbers: Float64Array | Float32Array): Uint8Array => new Uint8Array(numbers.buffer);

export function given(rows: readonly Given[], derived: readonly DerivedEntry[] = []) {
  const tick = {
    levels: bytes(Float64Array.from(rows, ([, , level]) => (typeof level === 'number' ? level : 0))),
    states: Uint8Array.from(rows, ([, , level]) => (typeof level === 'number' ? 0 : 1 + absenceReasons.indexOf(level))),
    rates: bytes(Float32Array.from(rows, ([, , , rate]) => rate ?? NaN)),
    derived,
  } as unknown as NodeTick; // all that is read of it here
  const index = new SeriesIndex(rows.map(([id, labels]): SchemaEntry => [id, labels]));
  return { index, values: new NodeValues(index, tick) };
}

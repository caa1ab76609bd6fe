// What a viewer of one node is sent: its series once, the last minutes on arrival, then every second all values.
import { derivedMetricIds } from '#agent/contract';
import {
  linesOf,
  nodeCharts,
  valueOf,
  type Alert,
  type ChartLine,
  type DerivedEntry,
  type Incident,
  type NodeDirectory,
  type NodeHistory,
  type NodeTick,
  type SchemaEntry,
} from '#server/contract';
import type { Derived } from '../derived/derived.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { viewOf, type FleetNode } from '../fleet/node.ts';
import type { NodeSchema } from '../fleet/schema.ts';
import { summarizeGpu, summarizeNode } from '../fleet/summary.ts';

export function buildNodeDirectory(node: FleetNode): NodeDirectory {
  return { node: node.name, generation: node.generation, inventory: node.inventory, series: entriesOf(node.schema) };
}

export interface NodeTickSources {
  readonly fleet: Fleet;
  readonly alerts: readonly Alert[];
  readonly incidents: readonly Incident[];
  readonly derived: Derived | undefined;
}

export function buildNodeTick(
  node: FleetNode,
  { fleet, alerts, incidents, derived }: NodeTickSources,
  nowMs: number,
): NodeTick {
  const { published } = node.schema;
  return {
    generation: node.generation,
    time_ms: node.lastSampleMs ?? 0,
    summary: summarizeNode(fleet, node, nowMs),
    gpus: fleet.gpusOf(node).map((gpu) => summarizeGpu(gpu, nowMs)),
    alerts: alerts.filter((alert) => alert.node === node.name),
    incidents: incidents.filter(({ nodes, culprit }) => nodes.includes(node.name) || culprit?.node === node.name),
    levels: bytesOf(Float64Array.from(published, (series) => node.level(series))),
    states: Uint8Array.from(published, ({ index }) => node.decoder.states[index] ?? 0),
    rates: bytesOf(Float32Array.from(published, (series) => node.rate(series))),
    derived: derived && node.isUp(nowMs) ? derivedOf(derived, node) : [],
  };
}

function derivedOf(derived: Derived, node: FleetNode): readonly DerivedEntry[] {
  return derivedMetricIds.flatMap((id) =>
    derived
      .seriesOf(node, id)
      .flatMap(({ labels, value }): readonly DerivedEntry[] => (Number.isNaN(value) ? [] : [[id, labels, value]])),
  );
}

/** Replays the kept frames. Lines are told apart by their names, so that a line goes on over a change of the schema. */
export function buildNodeHistory(node: FleetNode): NodeHistory {
  const target = chartLines(node.schema).map((lines) => lines.map(({ name }) => ({ name, values: [] as number[] })));
  const times: number[] = [];
  let lines: ReadonlyMap<string, ChartLine>[] = [];
  let schema: NodeSchema | undefined;
  node.history.replay((current, decoder, timeMs) => {
    if (current !== schema) lines = chartLines(current).map((list) => new Map(list.map((line) => [line.name, line])));
    schema = current;
    const view = viewOf(current, decoder, (timeMs - (times.at(-1) ?? NaN)) / 1000);
    for (const [at, chart] of target.entries()) {
      for (const { name, values } of chart) {
        const line = lines[at]?.get(name);
        values.push(line ? valueOf(line, view) : NaN);
      }
    }
    times.push(timeMs);
  });
  return {
    node: node.name,
    generation: node.generation,
    times: bytesOf(Float64Array.from(times)),
    charts: nodeCharts.map(({ id }, at) => ({ id, lines: target[at]?.length ?? 0 })),
    values: bytesOf(Float32Array.from(target.flatMap((chart) => chart.flatMap(({ values }) => values)))),
  };
}

function chartLines(schema: NodeSchema): readonly (readonly ChartLine[])[] {
  const entries = entriesOf(schema);
  return nodeCharts.map((spec) => linesOf(spec, entries));
}

function entriesOf({ published }: NodeSchema): readonly SchemaEntry[] {
  return published.map(({ id, labels }) => [id, labels] as const);
}

function bytesOf(numbers: Float64Array | Float32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

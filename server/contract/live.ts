// What server and browsers say to each other over the socket.io namespace /live.
//   browser -> watch {view:'fleet'} | {view:'node', node}, ack(WatchReply). A browser watches one view at a time.
//   server  -> hello · fleet_directory, fleet (1 Hz) · node_directory, node_history, node (1 Hz)
// Numbers per series or GPU travel as little-endian typed arrays in Uint8Arrays, at most ten of them in one message:
// socket.io refuses more.
import type { AgentMetricId, DerivedMetricId, Inventory } from '#agent/contract';
import type { Alert, FleetSummary, GpuSummary, NodeSummary } from './api.ts';
import type { Incident } from './incidents.ts';
import type { SchemaEntry } from './chart-lines.ts';

export type Watch = { readonly view: 'fleet' } | { readonly view: 'node'; readonly node: string };
export type WatchReply = { readonly ok: true } | { readonly ok: false; readonly message: string };

export interface LiveHello {
  readonly server_version: string;
  readonly cluster: string;
  readonly server_time_ms: number;
}

/** Who is where: sent when it changes. GPUs are numbered densely in this order. */
export interface FleetDirectory {
  readonly generation: number;
  readonly nodes: readonly DirectoryNode[];
}

export interface DirectoryNode {
  readonly name: string;
  readonly product: string;
  readonly gpus: readonly { readonly gpu: string; readonly uuid: string; readonly name: string }[];
}

export const INCIDENTS_SHOWN = 50;

export interface FleetTick {
  readonly generation: number;
  readonly summary: FleetSummary;
  readonly nodes: readonly NodeSummary[];
  readonly alerts: readonly Alert[];
  /** Open ones, those that cost most first; at most INCIDENTS_SHOWN. */
  readonly incidents: readonly Incident[];
  /** CELL_BYTES per GPU, in the directory's order. */
  readonly cells: Uint8Array;
}

/** class u8 (index in leafClasses) · busy u8 (percent) · power u16 (W) · temperature u8 (°C) · memory u8 (percent) · flags u8 · spare */
export const CELL_BYTES = 8;
export const CELL_ABSENT_U8 = 255;
export const CELL_ABSENT_U16 = 65535;
export const CELL_FLAG_CHANGED = 1;
export const CELL_FLAG_ALERT = 2;

export interface Cell {
  readonly class: number;
  readonly busyPercent: number | null;
  readonly powerWatts: number | null;
  readonly temperatureCelsius: number | null;
  readonly memoryPercent: number | null;
  /** The class changed in the last 30 s. */
  readonly changed: boolean;
  readonly alert: boolean;
}

export function writeCell(cells: Uint8Array, gpu: number, cell: Cell): void {
  const at = gpu * CELL_BYTES;
  const power = cell.powerWatts === null ? CELL_ABSENT_U16 : clamp(cell.powerWatts, CELL_ABSENT_U16 - 1);
  cells[at] = cell.class;
  cells[at + 1] = small(cell.busyPercent);
  cells[at + 2] = power & 255;
  cells[at + 3] = power >> 8;
  cells[at + 4] = small(cell.temperatureCelsius);
  cells[at + 5] = small(cell.memoryPercent);
  cells[at + 6] = (cell.changed ? CELL_FLAG_CHANGED : 0) | (cell.alert ? CELL_FLAG_ALERT : 0);
}

export function readCell(cells: Uint8Array, gpu: number): Cell {
  const at = gpu * CELL_BYTES;
  const power = (cells[at + 2] ?? 255) | ((cells[at + 3] ?? 255) << 8);
  const flags = cells[at + 6] ?? 0;
  return {
    class: cells[at] ?? 0,
    busyPercent: orNull(cells[at + 1]),
    powerWatts: power === CELL_ABSENT_U16 ? null : power,
    temperatureCelsius: orNull(cells[at + 4]),
    memoryPercent: orNull(cells[at + 5]),
    changed: (flags & CELL_FLAG_CHANGED) !== 0,
    alert: (flags & CELL_FLAG_ALERT) !== 0,
  };
}

const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, Math.round(value)));
const small = (value: number | null): number => (value === null ? CELL_ABSENT_U8 : clamp(value, CELL_ABSENT_U8 - 1));
const orNull = (value: number | undefined): number | null =>
  value === undefined || value === CELL_ABSENT_U8 ? null : value;

/** The series of one node; sent when they change. */
export interface NodeDirectory {
  readonly node: string;
  readonly generation: number;
  readonly inventory: Inventory;
  readonly series: readonly SchemaEntry[];
}

/** The last minutes of every chart line (server/contract/charts), oldest first. */
export interface NodeHistory {
  readonly node: string;
  readonly generation: number;
  /** Float64Array of wall-clock milliseconds. */
  readonly times: Uint8Array;
  /** Charts in the order of `values`, with how many lines each has. */
  readonly charts: readonly { readonly id: string; readonly lines: number }[];
  /** One Float32Array: line after line, chart after chart, each as long as `times`; NaN where there is no value. */
  readonly values: Uint8Array;
}

export interface NodeTick {
  readonly generation: number;
  readonly time_ms: number;
  readonly summary: NodeSummary;
  readonly gpus: readonly GpuSummary[];
  readonly alerts: readonly Alert[];
  /** Open ones of this node. */
  readonly incidents: readonly Incident[];
  /** Float64Array: level in base units per series; read only where the state is 0. */
  readonly levels: Uint8Array;
  /** One byte per series: 0 = present, else 1 + index of the reason. */
  readonly states: Uint8Array;
  /** Float32Array: gain per second of counters; NaN for others and where not known. */
  readonly rates: Uint8Array;
  /** What the server derives for the node's devices; without what is not known now. */
  readonly derived: readonly DerivedEntry[];
}

/** One derived series: label values in the row's order, value in base units. */
export type DerivedEntry = readonly [metric: DerivedMetricId, labels: readonly string[], value: number];

export interface ServerToBrowser {
  hello: (message: LiveHello) => void;
  fleet_directory: (message: FleetDirectory) => void;
  fleet: (message: FleetTick) => void;
  node_directory: (message: NodeDirectory) => void;
  node_history: (message: NodeHistory) => void;
  node: (message: NodeTick) => void;
}

export interface BrowserToServer {
  watch: (message: Watch, reply: (reply: WatchReply) => void) => void;
}

/** Finds a series of a node by metric and label values. */
export function seriesIndex(series: readonly SchemaEntry[], metric: AgentMetricId, labels: readonly string[]): number {
  return series.findIndex(([id, values]) => id === metric && labels.every((label, at) => values[at] === label));
}

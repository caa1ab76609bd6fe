// Bytes and errors of the PCIe link. Authority: nvml.h, fields 173-182, 197, 198, nvmlDeviceGetPcieThroughput.
import { column, type Cell, type Group } from './columns.ts';
import { askTypedField, countCell, type Field } from './fields.ts';
import { Question, type Device } from './question.ts';

const TX_FIELD = 197;
const RX_FIELD = 198;

/** In the order of the fields, the first being 173. */
const errorKinds = [
  'correctable',
  'naks_received',
  'receiver',
  'bad_tlp',
  'naks_sent',
  'bad_dllp',
  'non_fatal',
  'fatal',
  'unsupported_request',
  'lcrc',
] as const;

/** Counts of 32 bits, carried on over their end. They outlive the columns, which are found anew from time to time. */
export class Wraps {
  readonly #last = new Map<number, number>();
  readonly #carried = new Map<number, number>();

  extend(fieldId: number, value: number): number {
    const last = this.#last.get(fieldId) ?? 0;
    const carried = (this.#carried.get(fieldId) ?? 0) + (value < last ? 2 ** 32 : 0);
    this.#last.set(fieldId, value);
    this.#carried.set(fieldId, carried);
    return carried + value;
  }
}

/**
 * Whether the driver counts, so that its 20 ms sample is not needed. A count of 32 bits that the link can go through
 * more than once between two looks is none.
 */
export function countsPcieBytes(device: Device, intervalMs: number): boolean {
  const field = askTypedField(device, TX_FIELD);
  if (!field?.isUint32) return field !== undefined;
  const most = mostBytesPerSecond(device);
  return most !== undefined && (most * intervalMs) / 1000 < 2 ** 32;
}

/** Without `wraps` a count of 32 bits is none. */
export function pcieByteFields(wraps: Wraps | undefined): readonly Field[] {
  const cell =
    (fieldId: number) =>
    (raw: number | string, isUint32: boolean): Cell => {
      if (!isUint32 || typeof raw === 'string') return countCell(raw);
      return wraps ? wraps.extend(fieldId, raw) : 'unsupported';
    };
  return [
    { column: column('gpu_pcie_tx_bytes_total'), fieldId: TX_FIELD, cell: cell(TX_FIELD) },
    { column: column('gpu_pcie_rx_bytes_total'), fieldId: RX_FIELD, cell: cell(RX_FIELD) },
  ];
}

export const pcieErrorFields: readonly Field[] = errorKinds.map((kind, index) => ({
  column: column('gpu_pcie_errors_total', { kind }),
  fieldId: 173 + index,
  cell: countCell,
}));

/** Each direction blocks for 20 ms: never read for all GPUs in one tick. */
export function pcieRateGroups(device: Device): readonly Group[] {
  return [
    pcieRateGroup(device, 'gpu_pcie_tx_bytes_per_second', 0),
    pcieRateGroup(device, 'gpu_pcie_rx_bytes_per_second', 1),
  ];
}

function pcieRateGroup(
  device: Device,
  id: 'gpu_pcie_tx_bytes_per_second' | 'gpu_pcie_rx_bytes_per_second',
  direction: number,
): Group {
  const memory = Buffer.alloc(4);
  const get = device.nvml.bind('nvmlDeviceGetPcieThroughput');
  const question = new Question(device, () => get(device.handle, direction, memory));
  const most = mostBytesPerSecond(device);
  return {
    columns: [column(id)],
    read: (cells, at) => {
      cells[at] = question.ask() ?? rateCell(memory.readUInt32LE(0) * 1000, most);
    },
  };
}

/** Drivers now and then give rates that no link of theirs can carry. */
function rateCell(rate: number, most: number | undefined): Cell {
  return most !== undefined && rate > most * 1.05 ? 'malformed' : rate;
}

/** Megabytes per second and lane, by generation. */
const perLane = [0, 250, 500, 985, 1969, 3938, 7563];

function mostBytesPerSecond(device: Device): number | undefined {
  const { nvml, handle } = device;
  const generation = Buffer.alloc(4);
  const width = Buffer.alloc(4);
  const getGeneration = nvml.bind('nvmlDeviceGetMaxPcieLinkGeneration');
  const getWidth = nvml.bind('nvmlDeviceGetMaxPcieLinkWidth');
  if (!device.try(() => getGeneration(handle, generation)) || !device.try(() => getWidth(handle, width)))
    return undefined;
  const megabytes = perLane[generation.readUInt32LE(0)];
  return megabytes === undefined ? undefined : megabytes * width.readUInt32LE(0) * 1_000_000;
}

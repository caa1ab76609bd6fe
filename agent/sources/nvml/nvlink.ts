// NVLinks of a GPU: bytes, state, speed, errors. Which fields tell them depends on the generation, found out once.
// Authority: nvml.h, fields 84-89, 91, 132-139, 164, 202, 204, 215, nvmlNvLinkErrorCounter_t.
import { column, type Cell, type Group } from './columns.ts';
import { askField, countCell, countOf, FieldBatch, numberCell, type Field } from './fields.ts';
import { Question, type Device } from './question.ts';
import { readCount } from './structs.ts';

const LINK_COUNT_FIELD = 91;
const SPEED_FIELD = 164;
const COMMON_SPEED_FIELD = 90;
/** NVLink 5 counts recoveries here, in place of the error counter. */
const RECOVERY_EVENTS_FIELD = 215;
/** NVL72 has 18; more than this is no count of links. */
const MOST_LINKS = 36;

const errorCounters = [
  { kind: 'replay', counter: 0 },
  { kind: 'recovery', counter: 1 },
  { kind: 'crc_flit', counter: 2 },
  { kind: 'crc_data', counter: 3 },
  { kind: 'ecc', counter: 4 },
] as const;

export function linksOf(device: Device): readonly number[] {
  const told = askField(device, LINK_COUNT_FIELD);
  const count = typeof told === 'number' && told <= MOST_LINKS ? told : countByState(device);
  return Array.from({ length: count }, (_, link) => link);
}

/** Drivers before the field: the first link that does not exist is answered with an error. */
function countByState(device: Device): number {
  const memory = Buffer.alloc(4);
  const get = device.nvml.bind('nvmlDeviceGetNvLinkState');
  let link = 0;
  while (link < MOST_LINKS && device.try(() => get(device.handle, link, memory))) link++;
  return link;
}

interface Counted {
  readonly tx: number;
  readonly rx: number;
  readonly cell: (raw: number | string) => Cell;
}
const inKibibytes: Counted = { tx: 138, rx: 139, cell: countOf(1024) };
const inBytes: Counted = { tx: 202, rx: 204, cell: countCell };

export function nvlinkByteFields(device: Device, links: readonly number[]): readonly Field[] {
  const [first = 0] = links;
  const isNvlink5 =
    askField(device, inKibibytes.tx, first) === undefined && askField(device, inBytes.tx, first) !== undefined;
  const { tx, rx, cell } = isNvlink5 ? inBytes : inKibibytes;
  return links.flatMap((link) => [
    { column: column('gpu_nvlink_tx_bytes_total', { link: String(link) }), fieldId: tx, scopeId: link, cell },
    { column: column('gpu_nvlink_rx_bytes_total', { link: String(link) }), fieldId: rx, scopeId: link, cell },
  ]);
}

export function nvlinkSpeedFields(device: Device, links: readonly number[]): readonly Field[] {
  const [first = 0] = links;
  const perLink = askField(device, SPEED_FIELD, first) !== undefined;
  const hasOwn = !perLink && askField(device, ownSpeedField(first)) !== undefined;
  return links.map((link) => ({
    column: column('gpu_nvlink_speed_bytes_per_second', { link: String(link) }),
    fieldId: perLink ? SPEED_FIELD : hasOwn ? ownSpeedField(link) : COMMON_SPEED_FIELD,
    scopeId: perLink ? link : 0,
    cell: numberCell((megabytes) => megabytes * 1_000_000),
  }));
}

/** Each link has a field of its own; those of the first six were there first. */
function ownSpeedField(link: number): number {
  return link < 6 ? 84 + link : link < 12 ? 132 + link - 6 : COMMON_SPEED_FIELD;
}

export function nvlinkStateGroups(device: Device, links: readonly number[]): readonly Group[] {
  const get = device.nvml.bind('nvmlDeviceGetNvLinkState');
  return links.map((link) => {
    const memory = Buffer.alloc(4);
    const question = new Question(device, () => get(device.handle, link, memory));
    return {
      columns: [column('gpu_nvlink_up', { link: String(link) })],
      read: (cells, at) => {
        cells[at] = question.ask() ?? (memory.readUInt32LE(0) === 0 ? 0 : 1);
      },
    };
  });
}

export function nvlinkErrorGroups(device: Device, links: readonly number[]): readonly Group[] {
  const [first] = links;
  if (first === undefined) return [];
  const counters = errorCounters.filter(({ counter }) => countsErrors(device, first, counter));
  if (counters.length > 0) return links.flatMap((link) => counters.map((counter) => errorGroup(device, link, counter)));
  if (askField(device, RECOVERY_EVENTS_FIELD, first) === undefined) return [];
  return [
    new FieldBatch(
      device,
      links.map((link) => ({
        column: column('gpu_nvlink_errors_total', { link: String(link), kind: 'recovery' }),
        fieldId: RECOVERY_EVENTS_FIELD,
        scopeId: link,
        cell: countCell,
      })),
    ),
  ];
}

function countsErrors(device: Device, link: number, counter: number): boolean {
  const memory = Buffer.alloc(8);
  const get = device.nvml.bind('nvmlDeviceGetNvLinkErrorCounter');
  return device.try(() => get(device.handle, link, counter, memory));
}

function errorGroup(device: Device, link: number, { kind, counter }: (typeof errorCounters)[number]): Group {
  const memory = Buffer.alloc(8);
  const get = device.nvml.bind('nvmlDeviceGetNvLinkErrorCounter');
  const question = new Question(device, () => get(device.handle, link, counter, memory));
  return {
    columns: [column('gpu_nvlink_errors_total', { link: String(link), kind })],
    read: (cells, at) => {
      cells[at] = question.ask() ?? countCell(readCount(memory, 0));
    },
  };
}

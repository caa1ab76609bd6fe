// Records of the kernel log → Xids and SXids. Documentation/ABI/testing/dev-kmsg; systemd.journal-fields(7); the driver's messages.
import { canonicalPciAddress } from '../pci.ts';
import type { SxidEvent, XidEvent } from './xid-event.ts';

export interface KmsgRecord {
  readonly sequence: number;
  /** Since boot, by the kernel's own clock. */
  readonly sinceBootMs: number;
  readonly text: string;
}

export interface JournalRecord {
  readonly cursor: string | undefined;
  /** Wall clock. */
  readonly timeMs: number;
  readonly text: string;
}

export interface KernelRecord {
  /** Wall clock. */
  readonly timeMs: number;
  readonly text: string;
}

export type KernelEvent =
  { readonly kind: 'xid'; readonly event: XidEvent } | { readonly kind: 'sxid'; readonly event: SxidEvent };

const XID_OFF_THE_BUS = 79;
/** How many records may come between the lines of one message that was printed as several. */
const PATIENCE = 16;

const kmsg = /^\d{1,9},(\d{1,20}),(\d{1,20}),[^;\n]{0,200};([^\n]*)/;
const address = String.raw`[\da-f]{4,8}:[\da-f]{2}:[\da-f]{2}(?:\.[\da-f])?`;
// Anchored: what others put into the log behind their own prefix is no word of the driver.
const xidLine = new RegExp(
  String.raw`^\s{0,80}NVRM: Xid \((?:PCI:)?(${address})(?: [^)]{0,60})?\): (\d{1,6})(?!\d)(?:, pid=(\d{1,10})\b)?`,
  'i',
);
const sxidLine = new RegExp(
  String.raw`^\s{0,80}nvidia-nvswitch(\d{1,4}): SXid \((?:PCI:)?${address}\): (\d{1,6}), (Fatal|Non-fatal)\b`,
  'i',
);
const gpuLine = new RegExp(String.raw`^\s{0,80}NVRM: The NVIDIA GPU (${address})\s`, 'i');
const fallenLine = new RegExp(
  String.raw`^\s{0,80}NVRM: GPU (?:at )?(?:PCI:)?(${address}):? (?:GPU )?has fallen off the bus`,
  'i',
);
const fallenEnd = /^\s{0,80}NVRM: fallen off the bus/i;

/** `prio,seq,usec,flags;text`; undefined for a line of properties (it begins with a blank) and for what is no record. */
export function parseKmsgRecord(line: string): KmsgRecord | undefined {
  const [, sequence, microseconds, text] = kmsg.exec(line) ?? [];
  if (sequence === undefined || microseconds === undefined || text === undefined) return undefined;
  return { sequence: Number(sequence), sinceBootMs: Number(microseconds) / 1000, text: unescape(text) };
}

/** One line of `journalctl -o json`; undefined where it holds no message or no time. */
export function parseJournalRecord(line: string): JournalRecord | undefined {
  const fields = objectOf(line);
  const message = textOf(fields?.['MESSAGE']);
  const microseconds = Number(textOf(fields?.['__REALTIME_TIMESTAMP']) ?? Number.NaN);
  if (message === undefined || !Number.isFinite(microseconds)) return undefined;
  const identifier = textOf(fields?.['SYSLOG_IDENTIFIER']) ?? 'kernel';
  return {
    cursor: textOf(fields?.['__CURSOR']),
    timeMs: microseconds / 1000,
    // Of messages that a program wrote into the kernel's log, the journal cuts off what stands before the first colon.
    text: identifier === 'kernel' ? message : `${identifier}: ${message}`,
  };
}

/** Turns records into events, in their order: one message may have been printed as several records. */
export class KernelEventReader {
  #fallen: { readonly pciBusId: string; left: number } | undefined;

  /** Undefined for everything that is neither an Xid nor an SXid. */
  read({ text, timeMs }: KernelRecord): KernelEvent | undefined {
    const [first = '', ...more] = text.split('\n', 8);
    const told = parseEvent(first, timeMs);
    if (told) return told;
    this.#follow(first);
    const pciBusId = [first, ...more].some((line) => fallenEnd.test(line)) ? this.#fallen?.pciBusId : undefined;
    if (pciBusId === undefined) return undefined;
    this.#fallen = undefined;
    return { kind: 'xid', event: offTheBus(pciBusId, timeMs) };
  }

  #follow(line: string): void {
    const [, gpu] = gpuLine.exec(`${line}\n`) ?? [];
    const pciBusId = gpu === undefined ? undefined : pciAddressOf(gpu);
    if (pciBusId !== undefined) this.#fallen = { pciBusId, left: PATIENCE };
    else if (this.#fallen && --this.#fallen.left < 0) this.#fallen = undefined;
  }
}

function parseEvent(line: string, timeMs: number): KernelEvent | undefined {
  const [, gpu, xid, pid] = xidLine.exec(line) ?? [];
  const pciBusId = gpu === undefined ? undefined : pciAddressOf(gpu);
  if (pciBusId !== undefined && xid !== undefined) {
    const event = { pciBusId, uuid: '', xid: Number(xid), timeMs, pid: pid === undefined ? undefined : Number(pid) };
    return { kind: 'xid', event: { ...event, source: 'kernel_log' } };
  }
  return parseSxid(line, timeMs) ?? parseFallen(line, timeMs);
}

/** Lines with `Severity` or `Data {` in place of the third word tell more of an event that stands before them. */
function parseSxid(line: string, timeMs: number): KernelEvent | undefined {
  const [, nvswitch, sxid, severity] = sxidLine.exec(line) ?? [];
  if (nvswitch === undefined || sxid === undefined) return undefined;
  const fatal = severity?.toLowerCase() === 'fatal';
  return { kind: 'sxid', event: { nvswitch: String(Number(nvswitch)), sxid: Number(sxid), fatal, timeMs } };
}

function parseFallen(line: string, timeMs: number): KernelEvent | undefined {
  const [, gpu] = fallenLine.exec(line) ?? [];
  const pciBusId = gpu === undefined ? undefined : pciAddressOf(gpu);
  return pciBusId === undefined ? undefined : { kind: 'xid', event: offTheBus(pciBusId, timeMs) };
}

function offTheBus(pciBusId: string, timeMs: number): XidEvent {
  return { pciBusId, uuid: '', xid: XID_OFF_THE_BUS, timeMs, pid: undefined, source: 'kernel_log', implied: true };
}

/** The driver leaves the function out: a GPU is function 0. */
function pciAddressOf(text: string): string | undefined {
  return canonicalPciAddress(text.includes('.') ? text : `${text}.0`);
}

/** The kernel writes control characters, backslashes and all beyond ASCII as bytes, `\x0a`. */
function unescape(text: string): string {
  return text.replaceAll(/\\x([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** The journal writes text that is not printable as a list of bytes, and a field that occurs twice as a list of texts. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value;
  if (items.every((item) => typeof item === 'number')) return new TextDecoder().decode(Uint8Array.from(items));
  return typeof items[0] === 'string' ? items[0] : undefined;
}

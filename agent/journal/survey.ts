// What an opened folder holds: every segment looked at, damage set aside under another name, nothing refused.
import { dirname, join } from 'node:path';
import { errorCode, journalError } from './error.ts';
import type { JournalFile, JournalFiles } from './files.ts';
import {
  encodeSeal,
  FORMAT_VERSION,
  isNearlySeal,
  parseHeader,
  parseSeal,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentNumber,
} from './format.ts';
import { walk } from './scan.ts';
import type { JournalLoss, SegmentInfo } from './types.ts';

/** What is set aside for whoever wants to look at it, all together. */
const MAX_SET_ASIDE_BYTES = 16 << 20;
/** Behind damage nobody knows which numbers were given out. */
const NUMBERS_SKIPPED = 1_000_000;

export interface Survey {
  readonly segments: readonly SegmentInfo[];
  /** The next record's number. */
  readonly next: number;
}

interface Context {
  readonly files: JournalFiles;
  readonly folder: string;
  readonly onLoss: (loss: JournalLoss) => void;
  setAsideBytes: number;
  skip: boolean;
}

/** Throws JournalError only if the folder itself cannot be read. */
export async function survey(
  folder: string,
  files: JournalFiles,
  onLoss: (loss: JournalLoss) => void,
): Promise<Survey> {
  const names = await listed(folder, files);
  const context: Context = {
    files,
    folder,
    onLoss,
    setAsideBytes: 0,
    skip: names.some((name) => name.includes('.damaged')),
  };
  const segments: SegmentInfo[] = [];
  const numbers = names.flatMap((name) => segmentNumber(name) ?? []).toSorted((a, b) => a - b);
  for (const first of numbers) {
    const name = names.find((one) => segmentNumber(one) === first) ?? '';
    const found = await look(context, join(folder, name), first);
    if (found) segments.push(found);
  }
  const last = Math.max(0, ...segments.map((segment) => segment.last), ...numbers.map((first) => first - 1));
  return { segments, next: last + 1 + (context.skip ? NUMBERS_SKIPPED : 0) };
}

async function listed(folder: string, files: JournalFiles): Promise<readonly string[]> {
  try {
    await files.makeFolder(folder);
    return await files.list(folder);
  } catch (error) {
    throw journalError(`use the folder ${folder}`, error);
  }
}

async function look(context: Context, file: string, first: number): Promise<SegmentInfo | undefined> {
  let opened: JournalFile | undefined;
  try {
    opened = await context.files.open(file, 'write');
    return await examine(context, opened, { file, first });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') await setWholeAside(context, file, first);
    return undefined;
  } finally {
    await opened?.close().catch(() => undefined);
  }
}

async function examine(
  context: Context,
  opened: JournalFile,
  { file, first }: { readonly file: string; readonly first: number },
): Promise<SegmentInfo | undefined> {
  const { bytes, modifiedMs } = await opened.stat();
  const head = Buffer.alloc(Math.min(bytes, SEGMENT_HEADER_BYTES));
  await opened.read(head, 0);
  const header = parseHeader(head);
  const foreign = header && (header.version !== FORMAT_VERSION || header.first !== first);
  if (foreign) {
    await setWholeAside(context, file, first);
    return undefined;
  }
  const createdMs = header?.createdMs ?? modifiedMs;
  const sealed = await sealOf(opened, bytes);
  // A seal is written once everything before it is on the disk.
  if (sealed !== undefined && sealed >= first && header)
    return { first, last: sealed, file, bytes, sealed: true, createdMs };
  const end = await scan(context, opened, { file, first, bytes });
  if (end.last < first) {
    if (header && !end.damaged) await context.files.remove(file);
    else await setWholeAside(context, file, first);
    return undefined;
  }
  const whole = await seal(opened, end);
  return { first, last: end.last, file, bytes: end.end + (whole ? SEAL_BYTES : 0), sealed: whole, createdMs };
}

async function sealOf(opened: JournalFile, bytes: number): Promise<number | undefined> {
  if (bytes < SEGMENT_HEADER_BYTES + SEAL_BYTES) return undefined;
  const tail = Buffer.alloc(SEAL_BYTES);
  await opened.read(tail, bytes - SEAL_BYTES);
  return parseSeal(tail);
}

interface Scanned {
  readonly last: number;
  /** Behind the last whole record. */
  readonly end: number;
  readonly damaged: boolean;
}

/** The whole file at once: segments are as large as memory is cheap. */
async function scan(
  context: Context,
  opened: JournalFile,
  { file, first, bytes }: { readonly file: string; readonly first: number; readonly bytes: number },
): Promise<Scanned> {
  const all = Buffer.allocUnsafe(bytes);
  const length = await opened.read(all, 0);
  const content = all.subarray(0, length);
  let last = first - 1;
  let end = Math.min(SEGMENT_HEADER_BYTES, length);
  let damage: { readonly fromByte: number; readonly toByte: number; readonly after: number } | undefined;
  let damaged = false;
  const settle = async (upTo: number): Promise<void> => {
    if (!damage) return;
    const { fromByte, toByte, after } = damage;
    damage = undefined;
    damaged = true;
    await setAside(context, file, content.subarray(fromByte, toByte), fromByte);
    context.onLoss({ reason: 'damaged', from: after + 1, to: upTo, file, fromByte, toByte });
  };
  for (const found of walk(content, end, false)) {
    if (found.kind === 'damage') {
      const { fromByte, toByte } = found;
      if (toByte === length && isNearlySeal(content.subarray(fromByte, toByte), last)) continue;
      damage = { fromByte, toByte, after: last };
      continue;
    }
    const { number } = found.record;
    await settle(number - 1);
    last = Math.max(last, number);
    end = found.record.end;
  }
  if (damage) context.skip = true;
  // How many records a torn tail held nobody knows; at least one was begun.
  await settle(last + 1);
  return { last, end, damaged };
}

/** False if the disk does not take it: then the file stays as it is and is scanned again the next time. */
async function seal(opened: JournalFile, { last, end }: Scanned): Promise<boolean> {
  try {
    await opened.truncate(end);
    await opened.write([encodeSeal(last)], end);
    await opened.sync();
    return true;
  } catch {
    return false;
  }
}

async function setAside(context: Context, file: string, bytes: Uint8Array, fromByte: number): Promise<void> {
  if (context.setAsideBytes + bytes.length > MAX_SET_ASIDE_BYTES) return;
  context.setAsideBytes += bytes.length;
  try {
    const aside = await context.files.open(`${file}.damaged-${fromByte}-${fromByte + bytes.length}`, 'keep');
    await aside.write([bytes], 0);
    await aside.close();
  } catch {
    // Nobody needs it but the curious.
  }
}

async function setWholeAside(context: Context, file: string, first: number): Promise<void> {
  context.skip = true;
  try {
    await context.files.rename(file, `${file}.damaged`);
    await context.files.syncFolder(dirname(file));
  } catch {
    // It stays where it is and is looked at again the next time.
  }
  context.onLoss({ reason: 'damaged', from: first, to: first, file, fromByte: 0, toByte: 0 });
}

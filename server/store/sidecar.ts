// The index of a sealed segment as a file beside it: `NUMBER.index`. It says nothing that the segment does not say, so a
// missing or damaged one is made again. Layout: blocks, one per node (JSON head, columns of its chains) · directory (JSON:
// node, offset, length, CRC) · summary (JSON) · trailer.
//   trailer  magic 8 · version 2 · length of the directory 4, its CRC 4 · of the summary 4, its CRC 4 · CRC of these 4
import { open, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { readPlaces, type ChainHead } from './frame-places.ts';
import type { NodeFrames, SegmentIndex, SegmentSummary, SegmentView, SessionHead } from './segment-index.ts';

/** The sidecar is missing, damaged, or of another version: the segment has to be read. */
export class SidecarError extends Error {
  override readonly name = 'SidecarError';
}

const MAGIC = Buffer.from('whyidleX', 'latin1');
const VERSION = 1;
const TRAILER_BYTES = 30;

interface BlockHead {
  readonly sessions: readonly SessionHead[];
  /** With the length of its columns, which follow in this order. */
  readonly chains: readonly (ChainHead & { readonly bytes: number })[];
}
type DirectoryEntry = readonly [node: string, offset: number, length: number, crc: number];

export function sidecarFile(segmentFile: string): string {
  return segmentFile.replace(/\.segment$/, '.index');
}

/** Not synced: what a power cut leaves of it is found out and made again. */
export async function writeSidecar(segmentFile: string, index: SegmentIndex): Promise<void> {
  const file = sidecarFile(segmentFile);
  await writeFile(`${file}.tmp`, encodeSidecar(index), { mode: 0o600 });
  await rename(`${file}.tmp`, file);
}

export async function removeSidecar(segmentFile: string): Promise<void> {
  await unlink(sidecarFile(segmentFile)).catch(() => undefined);
}

export function encodeSidecar(index: SegmentIndex): Buffer {
  const parts: Uint8Array[] = [];
  const directory: DirectoryEntry[] = [];
  let offset = 0;
  for (const { node, sessions, chains } of index.blocks()) {
    const head: BlockHead = {
      sessions,
      chains: chains.map((chain) => ({ ...chain.head(), bytes: chain.columns.length })),
    };
    const block = encodeBlock(
      head,
      chains.map((chain) => chain.columns),
    );
    directory.push([node, offset, block.length, crc32(block)]);
    parts.push(block);
    offset += block.length;
  }
  const directoryBytes = Buffer.from(JSON.stringify(directory));
  const summaryBytes = Buffer.from(JSON.stringify(index.summary));
  return Buffer.concat([...parts, directoryBytes, summaryBytes, encodeTrailer(directoryBytes, summaryBytes)]);
}

export class Sidecar implements SegmentView {
  readonly summary: SegmentSummary;
  readonly #file: string;
  readonly #directoryPlace: { readonly offset: number; readonly length: number; readonly crc: number };
  #directory: WeakRef<ReadonlyMap<string, DirectoryEntry>> | undefined;

  private constructor(
    file: string,
    summary: SegmentSummary,
    directoryPlace: { offset: number; length: number; crc: number },
  ) {
    this.#file = file;
    this.summary = summary;
    this.#directoryPlace = directoryPlace;
  }

  /** Throws SidecarError. */
  static async open(segmentFile: string, segment: { readonly first: number; readonly last: number }): Promise<Sidecar> {
    const file = sidecarFile(segmentFile);
    const bytes = await sizeOf(file);
    const trailer = await readAt(file, bytes - TRAILER_BYTES, TRAILER_BYTES);
    if (!trailer.subarray(0, 8).equals(MAGIC) || crc32(trailer.subarray(0, 26)) !== trailer.readUInt32LE(26))
      throw new SidecarError(`${file} has no trailer`);
    if (trailer.readUInt16LE(8) !== VERSION) throw new SidecarError(`${file} is of another version`);
    const [length, summaryLength] = [trailer.readUInt32LE(10), trailer.readUInt32LE(18)];
    const summaryOffset = bytes - TRAILER_BYTES - summaryLength;
    const summaryBytes = await readChecked(file, {
      offset: summaryOffset,
      length: summaryLength,
      crc: trailer.readUInt32LE(22),
    });
    const summary = JSON.parse(summaryBytes.toString()) as SegmentSummary; // written by us, checked by its CRC
    if (summary.first !== segment.first || summary.last !== segment.last)
      throw new SidecarError(`${file} belongs to another segment`);
    return new Sidecar(file, summary, { offset: summaryOffset - length, length, crc: trailer.readUInt32LE(14) });
  }

  async nodes(): Promise<readonly string[]> {
    return [...(await this.#entries()).keys()];
  }

  /** Throws SidecarError. */
  async node(name: string): Promise<NodeFrames | undefined> {
    const entry = (await this.#entries()).get(name);
    if (!entry) return undefined;
    const [, offset, length, crc] = entry;
    return decodeBlock(name, await readChecked(this.#file, { offset, length, crc }));
  }

  async #entries(): Promise<ReadonlyMap<string, DirectoryEntry>> {
    const kept = this.#directory?.deref();
    if (kept) return kept;
    const bytes = await readChecked(this.#file, this.#directoryPlace);
    const list = JSON.parse(bytes.toString()) as readonly DirectoryEntry[]; // written by us, checked by its CRC
    const entries = new Map(list.map((entry) => [entry[0], entry]));
    this.#directory = new WeakRef(entries);
    return entries;
  }
}

function encodeBlock(head: BlockHead, columns: readonly Uint8Array[]): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, ...columns]);
}

function decodeBlock(node: string, block: Buffer): NodeFrames {
  const columnsAt = 4 + block.readUInt32LE(0);
  const head = JSON.parse(block.subarray(4, columnsAt).toString()) as BlockHead; // written by us, checked by its CRC
  let at = columnsAt;
  const chains = head.chains.map((chain) => {
    const columns = block.subarray(at, (at += chain.bytes));
    return { head: chain, places: () => readPlaces(columns, chain.count) };
  });
  return { node, sessions: head.sessions, chains };
}

function encodeTrailer(directory: Buffer, summary: Buffer): Buffer {
  const bytes = Buffer.alloc(TRAILER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(VERSION, 8);
  bytes.writeUInt32LE(directory.length, 10);
  bytes.writeUInt32LE(crc32(directory), 14);
  bytes.writeUInt32LE(summary.length, 18);
  bytes.writeUInt32LE(crc32(summary), 22);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 26)), 26);
  return bytes;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    throw new SidecarError(`${file} cannot be read`, { cause: error });
  }
}

async function readChecked(
  file: string,
  { offset, length, crc }: { readonly offset: number; readonly length: number; readonly crc: number },
): Promise<Buffer> {
  const bytes = await readAt(file, offset, length);
  if (crc32(bytes) !== crc) throw new SidecarError(`${file} is damaged at byte ${offset}`);
  return bytes;
}

async function readAt(file: string, offset: number, length: number): Promise<Buffer> {
  if (offset < 0) throw new SidecarError(`${file} is too short`);
  try {
    const handle = await open(file, 'r');
    try {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await handle.read(bytes, 0, length, offset);
      if (bytesRead < length) throw new SidecarError(`${file} is too short`);
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof SidecarError) throw error;
    throw new SidecarError(`${file} cannot be read`, { cause: error });
  }
}

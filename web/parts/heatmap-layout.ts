// Where each GPU is on the heatmap: blocks of a node, eight cells a line, as many blocks a row as fit. Pure.
import type { DirectoryNode } from '#server/contract';

export const CELLS_PER_LINE = 8;
const HEADER = 18;
const GAP = 2;
const BLOCK_GAP_X = 18;
const BLOCK_GAP_Y = 10;
/** Left of the blocks, where groups are named. */
const LABEL = 84;
/** From this height on a cell shows its number or letter. */
export const READABLE = 20;

export interface Block {
  readonly node: DirectoryNode;
  /** Dense id of its first GPU. */
  readonly firstGpu: number;
  readonly x: number;
  readonly y: number;
}

export interface GroupLabel {
  readonly title: string;
  readonly gpus: number;
  readonly y: number;
}

export interface Layout {
  readonly blocks: readonly Block[];
  /** Empty if nothing is grouped. */
  readonly labels: readonly GroupLabel[];
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly blockWidth: number;
  readonly columns: number;
  readonly width: number;
  readonly height: number;
}

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Grouping {
  /** The group of a node; undefined = no groups. */
  readonly groupOf?: (node: DirectoryNode) => string;
  /** Height of a cell on wide screens. */
  readonly tall?: boolean;
}

type Member = Pick<Block, 'node' | 'firstGpu'>;

/** Nodes without a GPU have no place on it. */
export function layOut(nodes: readonly DirectoryNode[], width: number, { groupOf, tall }: Grouping = {}): Layout {
  const members = membersOf(nodes);
  const gpus = members.reduce((sum, { node }) => sum + node.gpus.length, 0);
  const cellHeight = cellHeightFor(gpus, tall ?? false);
  const left = groupOf ? LABEL : 0;
  const columns = columnsFor(width - left, cellHeight);
  const blockWidth = Math.max(CELLS_PER_LINE, (width - left - (columns - 1) * BLOCK_GAP_X) / columns);
  const cellWidth = (blockWidth - (CELLS_PER_LINE - 1) * GAP) / CELLS_PER_LINE;
  const groups = Map.groupBy(members, ({ node }) => groupOf?.(node) ?? '');
  const blocks: Block[] = [];
  const labels: GroupLabel[] = [];
  let y = 0;
  for (const [title, list] of groups) {
    if (groupOf) labels.push({ title, gpus: list.reduce((sum, { node }) => sum + node.gpus.length, 0), y });
    for (let start = 0; start < list.length; start += columns) {
      const row = list.slice(start, start + columns);
      for (const [column, member] of row.entries())
        blocks.push({ ...member, x: left + column * (blockWidth + BLOCK_GAP_X), y });
      const lines = Math.max(...row.map(({ node }) => linesOf(node)));
      y += HEADER + lines * (cellHeight + GAP) - GAP + BLOCK_GAP_Y;
    }
  }
  return { blocks, labels, cellWidth, cellHeight, blockWidth, columns, width, height: Math.max(0, y - BLOCK_GAP_Y) };
}

function membersOf(nodes: readonly DirectoryNode[]): readonly Member[] {
  let firstGpu = 0;
  const members: Member[] = [];
  for (const node of nodes) {
    if (node.gpus.length > 0) members.push({ node, firstGpu });
    firstGpu += node.gpus.length;
  }
  return members;
}

/** By fleet size: with a number inside, down to 8 px. */
function cellHeightFor(gpus: number, tall: boolean): number {
  if (gpus <= 512) return tall ? 40 : 26;
  return gpus <= 2048 ? 14 : 8;
}

function columnsFor(width: number, cellHeight: number): number {
  const readable = cellHeight >= READABLE;
  const least = CELLS_PER_LINE * (readable ? 22 : cellHeight) + BLOCK_GAP_X;
  return Math.max(1, Math.min(Math.floor((width + BLOCK_GAP_X) / least), readable ? 4 : 32));
}

export function cellOf(layout: Layout, block: Block, at: number): Rectangle {
  return {
    x: block.x + (at % CELLS_PER_LINE) * (layout.cellWidth + GAP),
    y: block.y + HEADER + Math.floor(at / CELLS_PER_LINE) * (layout.cellHeight + GAP),
    width: layout.cellWidth,
    height: layout.cellHeight,
  };
}

export interface Place {
  readonly block: Block;
  /** Position within the node. */
  readonly at: number;
  /** Dense id. */
  readonly gpu: number;
}

/** The GPU under a point; the block alone (`at` −1) for its header; undefined between them. */
export function hit(layout: Layout, x: number, y: number): Place | undefined {
  const block = layout.blocks.find(
    (one) =>
      x >= one.x &&
      x < one.x + layout.blockWidth &&
      y >= one.y &&
      y < one.y + HEADER + linesOf(one.node) * (layout.cellHeight + GAP),
  );
  if (!block) return undefined;
  if (y < block.y + HEADER) return { block, at: -1, gpu: -1 };
  const column = Math.floor((x - block.x) / (layout.cellWidth + GAP));
  const line = Math.floor((y - block.y - HEADER) / (layout.cellHeight + GAP));
  const at = line * CELLS_PER_LINE + Math.min(column, CELLS_PER_LINE - 1);
  return at < block.node.gpus.length ? { block, at, gpu: block.firstGpu + at } : undefined;
}

/** Where a key leads from a GPU: along the cells as they are drawn, or to the next one above or below. */
export function step(layout: Layout, gpu: number | undefined, key: string): number | undefined {
  const order = layout.blocks.flatMap(({ node, firstGpu }) => node.gpus.map((_, at) => firstGpu + at));
  const at = gpu === undefined ? -1 : order.indexOf(gpu);
  if (gpu === undefined || at < 0) return order[0];
  switch (key) {
    case 'ArrowLeft':
      return order[Math.max(0, at - 1)];
    case 'ArrowRight':
      return order[Math.min(order.length - 1, at + 1)];
    case 'ArrowUp':
      return findBeyond(layout, gpu, -1) ?? gpu;
    case 'ArrowDown':
      return findBeyond(layout, gpu, 1) ?? gpu;
    case 'Home':
      return order[0];
    case 'End':
      return order.at(-1);
    default:
      return gpu;
  }
}

/** The nearest cell above (-1) or below (1) in the same column of the picture. */
function findBeyond(layout: Layout, gpu: number, direction: 1 | -1): number | undefined {
  const from = placeOf(layout, gpu);
  if (!from) return undefined;
  const here = cellOf(layout, from.block, from.at);
  const beyond = layout.blocks
    .filter(({ x }) => x === from.block.x)
    .flatMap((block) => block.node.gpus.map((_, at) => ({ gpu: block.firstGpu + at, box: cellOf(layout, block, at) })))
    .filter(({ box }) => Math.abs(box.x - here.x) < 1 && direction * (box.y - here.y) > 1)
    .toSorted((a, b) => direction * (a.box.y - b.box.y));
  return beyond[0]?.gpu;
}

export function placeOf(layout: Layout, gpu: number): Place | undefined {
  const block = layout.blocks.find((one) => gpu >= one.firstGpu && gpu < one.firstGpu + one.node.gpus.length);
  return block && { block, at: gpu - block.firstGpu, gpu };
}

function linesOf(node: DirectoryNode): number {
  return Math.max(1, Math.ceil(node.gpus.length / CELLS_PER_LINE));
}

// Where each GPU is on the heatmap: blocks of a node, eight cells a line, as many blocks a row as fit. Pure.
import type { DirectoryNode } from '#server/contract';

export const CELLS_PER_LINE = 8;
const HEADER = 18;
const GAP = 2;
const BLOCK_GAP_X = 18;
const BLOCK_GAP_Y = 10;

export interface Block {
  readonly node: DirectoryNode;
  /** Dense id of its first GPU. */
  readonly firstGpu: number;
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly blocks: readonly Block[];
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

/** Cell height by fleet size: 26 px with a number inside, down to 8 px. */
function cellHeightFor(gpus: number): number {
  if (gpus <= 512) return 26;
  return gpus <= 2048 ? 14 : 8;
}

export function layOut(nodes: readonly DirectoryNode[], width: number): Layout {
  const gpus = nodes.reduce((sum, node) => sum + node.gpus.length, 0);
  const cellHeight = cellHeightFor(gpus);
  const least = CELLS_PER_LINE * (cellHeight < 26 ? cellHeight : 22) + BLOCK_GAP_X;
  const columns = Math.max(1, Math.min(Math.floor((width + BLOCK_GAP_X) / least), cellHeight < 26 ? 32 : 4));
  const blockWidth = Math.max(CELLS_PER_LINE, (width - (columns - 1) * BLOCK_GAP_X) / columns);
  const cellWidth = (blockWidth - (CELLS_PER_LINE - 1) * GAP) / CELLS_PER_LINE;
  const blocks: Block[] = [];
  let firstGpu = 0;
  let y = 0;
  for (let start = 0; start < nodes.length; start += columns) {
    const row = nodes.slice(start, start + columns);
    for (const [column, node] of row.entries()) {
      blocks.push({ node, firstGpu, x: column * (blockWidth + BLOCK_GAP_X), y });
      firstGpu += node.gpus.length;
    }
    const lines = Math.max(...row.map((node) => linesOf(node)));
    y += HEADER + lines * (cellHeight + GAP) - GAP + BLOCK_GAP_Y;
  }
  return { blocks, cellWidth, cellHeight, blockWidth, columns, width, height: Math.max(0, y - BLOCK_GAP_Y) };
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

/** Where an arrow key leads from a GPU. */
export function step(layout: Layout, gpu: number, key: string): number {
  const total = layout.blocks.reduce((sum, { node }) => sum + node.gpus.length, 0);
  const move =
    { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -CELLS_PER_LINE, ArrowDown: CELLS_PER_LINE, Home: -total, End: total }[
      key
    ] ?? 0;
  return Math.max(0, Math.min(total - 1, gpu + move));
}

export function placeOf(layout: Layout, gpu: number): Place | undefined {
  const block = layout.blocks.find((one) => gpu >= one.firstGpu && gpu < one.firstGpu + one.node.gpus.length);
  return block && { block, at: gpu - block.firstGpu, gpu };
}

function linesOf(node: DirectoryNode): number {
  return Math.max(1, Math.ceil(node.gpus.length / CELLS_PER_LINE));
}

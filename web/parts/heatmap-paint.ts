// Paints the heatmap: hue is the family, the letter the cause, texture what nobody knows.
import { CELL_BYTES, leafClasses, leaves, readCell, type Cell, type Hue } from '#server/contract';
import type { Palette } from '../charts/colours.ts';
import { cellOf, READABLE, type Block, type Layout, type Rectangle } from './heatmap-layout.ts';
import { fillStepOf, stepOf, valueModes, type ColourMode, type Scale } from './heatmap-modes.ts';

export interface HeatmapPicture {
  readonly layout: Layout;
  readonly cells: Uint8Array;
  readonly palette: Palette;
  readonly mode: ColourMode;
  readonly scale: Scale;
  /** Dense ids to keep bright; undefined = all. */
  readonly kept: ReadonlySet<number> | undefined;
  readonly selected: number | undefined;
  /** The values are not those of now: every cell is hatched. */
  readonly stale: boolean;
  /** What stands beside a node's name. */
  readonly noteOf: (node: string) => string;
}

const DIMMED = 0.25;
/** Shares of the hue over the background. */
const fillShares = [0.16, 0.38, 0.6, 0.8, 1] as const;
/** From this share on, text is that for the hue. */
const SOLID = 0.8;

export function paintHeatmap(context: CanvasRenderingContext2D, picture: HeatmapPicture): void {
  const { layout, kept } = picture;
  context.clearRect(0, 0, layout.width, layout.height);
  context.textBaseline = 'middle';
  paintLabels(context, picture);
  for (const block of layout.blocks) {
    const dense = block.node.gpus.map((_, at) => block.firstGpu + at);
    context.globalAlpha = kept && !dense.some((gpu) => kept.has(gpu)) ? DIMMED : 1;
    paintHeader(context, picture, block);
    context.font = `600 ${layout.cellHeight >= READABLE ? 11 : 9}px ${picture.palette.font}`;
    context.textAlign = 'center';
    for (const [at, gpu] of dense.entries()) {
      context.globalAlpha = kept && !kept.has(gpu) ? DIMMED : 1;
      paintCell(context, picture, gpu, cellOf(layout, block, at));
    }
  }
  context.globalAlpha = 1;
}

function paintLabels(context: CanvasRenderingContext2D, { layout, palette }: HeatmapPicture): void {
  context.textAlign = 'left';
  for (const { title, gpus, y } of layout.labels) {
    context.font = `600 12px ${palette.font}`;
    context.fillStyle = palette.ink;
    context.fillText(title, 0, y + 8, 76);
    context.font = `400 12px ${palette.font}`;
    context.fillStyle = palette.ink3;
    context.fillText(`${gpus} GPUs`, 0, y + 24, 76);
  }
}

/** Name, note, and how the node's GPUs are shared out. */
function paintHeader(context: CanvasRenderingContext2D, picture: HeatmapPicture, block: Block): void {
  const { layout, palette } = picture;
  const { name } = block.node;
  const y = block.y + 8;
  context.textAlign = 'left';
  context.font = `500 ${layout.cellHeight >= READABLE ? 12 : 10}px ${palette.font}`;
  context.fillStyle = palette.ink2;
  context.fillText(name, block.x, y, layout.blockWidth);
  let left = block.x + Math.min(layout.blockWidth, context.measureText(name).width) + 6;
  const note = picture.noteOf(name);
  if (note !== '') {
    context.font = `400 11px ${palette.font}`;
    context.fillStyle = palette.ink3;
    context.fillText(note, left, y, Math.max(1, block.x + layout.blockWidth - left));
    left += context.measureText(note).width + 6;
  }
  const width = block.x + layout.blockWidth - left;
  if (width > 24 && !picture.stale) paintMiniBar(context, picture, block, { x: left, y: y - 2, width, height: 3 });
}

function paintMiniBar(
  context: CanvasRenderingContext2D,
  { cells, palette }: HeatmapPicture,
  { node, firstGpu }: Block,
  box: Rectangle,
): void {
  const hues = node.gpus.map(
    (_, at) => leaves[leafClasses[cells[(firstGpu + at) * CELL_BYTES] ?? 0] ?? 'unobserved'].hue,
  );
  const order: readonly Hue[] = ['productive', 'starved', 'held', 'throttled', 'fault', 'phase', 'free', 'unobserved'];
  let x = box.x;
  for (const hue of order) {
    const width = (box.width * hues.filter((one) => one === hue).length) / hues.length;
    const thin = hue === 'phase' || hue === 'free' || hue === 'unobserved';
    context.fillStyle = palette.hue[hue];
    if (width > 0)
      context.fillRect(x, thin ? box.y + box.height - 1 : box.y, Math.max(1, width - 1), thin ? 1 : box.height);
    x += width;
  }
}

function paintCell(context: CanvasRenderingContext2D, picture: HeatmapPicture, gpu: number, box: Rectangle): void {
  const { palette, mode, stale } = picture;
  const cell = readCell(picture.cells, gpu);
  const leaf = leafClasses[cell.class] ?? 'unobserved';
  const hue: Hue = stale ? 'unobserved' : leaves[leaf].hue;
  if (hue === 'unobserved') hatch(context, palette, box);
  else if (mode === 'state') paintState(context, palette, { box, hue, cell, glyph: leaves[leaf].glyph });
  else paintValue(context, palette, box, { value: valueModes[mode].value(cell), scale: picture.scale });
  if (cell.changed && !stale) outline(context, palette.ink, box, { width: 1, inset: 0.5 });
  if (cell.alert) dot(context, palette, box);
  if (picture.selected === gpu) outline(context, palette.ink, box, { width: 2, inset: -1 });
}

interface StateCell {
  readonly box: Rectangle;
  readonly hue: Hue;
  readonly cell: Cell;
  readonly glyph: string;
}

function paintState(context: CanvasRenderingContext2D, palette: Palette, { box, hue, cell, glyph }: StateCell): void {
  const colour = palette.hue[hue];
  switch (hue) {
    case 'productive': {
      const share = fillShares[fillStepOf(cell.busyPercent)] ?? 1;
      fill(context, colour, box, share);
      outline(context, colour, box, { width: 1, inset: 0.5 });
      const ink = share >= SOLID ? palette.onHue.productive : palette.ink;
      text(context, ink, box, cell.busyPercent === null ? '' : String(cell.busyPercent));
      break;
    }
    case 'phase':
      outline(context, colour, box, { width: 1.5, inset: 0.75 });
      text(context, palette.ink, box, glyph);
      break;
    case 'free':
    case 'unobserved':
      outline(context, colour, box, { width: 1, inset: 0.5 });
      break;
    case 'starved':
    case 'held':
    case 'throttled':
    case 'fault':
      fill(context, colour, box, 1);
      text(context, palette.onHue[hue], box, glyph);
      break;
  }
}

function paintValue(
  context: CanvasRenderingContext2D,
  palette: Palette,
  box: Rectangle,
  { value, scale }: { readonly value: number | null; readonly scale: Scale },
): void {
  if (value === null) {
    hatch(context, palette, box);
    return;
  }
  const at = stepOf(value, scale);
  fill(context, palette.sequence[at] ?? palette.edge, box, 1);
  text(context, palette.onSequence[at] ?? palette.ink, box, String(value));
}

function fill(context: CanvasRenderingContext2D, colour: string, box: Rectangle, share: number): void {
  const before = context.globalAlpha;
  context.globalAlpha = before * share;
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, 2);
  context.fill();
  context.globalAlpha = before;
}

function outline(
  context: CanvasRenderingContext2D,
  colour: string,
  box: Rectangle,
  { width, inset }: { readonly width: number; readonly inset: number },
): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.roundRect(box.x + inset, box.y + inset, box.width - 2 * inset, box.height - 2 * inset, 2);
  context.stroke();
}

function text(context: CanvasRenderingContext2D, colour: string, box: Rectangle, content: string): void {
  if (content === '' || box.height < 12 || box.width < 14) return;
  context.fillStyle = colour;
  context.fillText(content, box.x + box.width / 2, box.y + box.height / 2 + 0.5);
}

function hatch(context: CanvasRenderingContext2D, palette: Palette, box: Rectangle): void {
  const colour = palette.hue.unobserved;
  context.save();
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, 2);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let offset = -box.height; offset < box.width; offset += 6) {
    context.moveTo(box.x + offset, box.y + box.height);
    context.lineTo(box.x + offset + box.height, box.y);
  }
  context.stroke();
  context.restore();
  outline(context, colour, box, { width: 1, inset: 0.5 });
}

function dot(context: CanvasRenderingContext2D, palette: Palette, box: Rectangle): void {
  context.beginPath();
  context.arc(box.x + box.width - 1.5, box.y + 1.5, 3.5, 0, 2 * Math.PI);
  context.fillStyle = palette.ink;
  context.fill();
  context.strokeStyle = palette.background;
  context.lineWidth = 1.5;
  context.stroke();
}

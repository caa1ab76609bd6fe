// Paints the heatmap: hue is the family, the letter the cause, texture what nobody knows.
import { leafClasses, leaves, readCell, type Cell, type Hue } from '#server/contract';
import type { Palette } from '../charts/colours.ts';
import { cellOf, type Layout, type Rectangle } from './heatmap-layout.ts';

export type ColourMode = 'state' | 'busy' | 'power' | 'temperature' | 'memory';

export interface HeatmapPicture {
  readonly layout: Layout;
  readonly cells: Uint8Array;
  readonly palette: Palette;
  readonly mode: ColourMode;
  /** Dense ids to keep bright; undefined = all. */
  readonly kept: ReadonlySet<number> | undefined;
  readonly selected: number | undefined;
  /** The values are not those of now: every cell is hatched. */
  readonly stale: boolean;
}

/** What a colour mode shows: the value of a cell and the ends of its scale. */
export const modeScales: Readonly<
  Record<
    Exclude<ColourMode, 'state'>,
    {
      readonly title: string;
      readonly unit: string;
      readonly from: number;
      readonly to: number;
      readonly value: (cell: Cell) => number | null;
    }
  >
> = {
  busy: { title: 'busy', unit: '%', from: 0, to: 100, value: (cell) => cell.busyPercent },
  power: { title: 'power', unit: 'W', from: 0, to: 400, value: (cell) => cell.powerWatts },
  temperature: { title: 'temperature', unit: '°C', from: 20, to: 90, value: (cell) => cell.temperatureCelsius },
  memory: { title: 'memory', unit: '%', from: 0, to: 100, value: (cell) => cell.memoryPercent },
};

export function paintHeatmap(context: CanvasRenderingContext2D, picture: HeatmapPicture): void {
  const { layout, palette } = picture;
  context.clearRect(0, 0, layout.width, layout.height);
  context.textBaseline = 'middle';
  for (const block of layout.blocks) {
    paintHeader(context, picture, block.x, block.y, block.node.name);
    context.font = `600 ${layout.cellHeight >= 20 ? 11 : 9}px ${palette.font}`;
    context.textAlign = 'center';
    for (let at = 0; at < block.node.gpus.length; at++) {
      const gpu = block.firstGpu + at;
      context.globalAlpha = picture.kept && !picture.kept.has(gpu) ? 0.25 : 1;
      paintCell(context, picture, gpu, cellOf(layout, block, at));
    }
    context.globalAlpha = 1;
  }
}

function paintHeader(
  context: CanvasRenderingContext2D,
  { layout, palette }: HeatmapPicture,
  x: number,
  y: number,
  name: string,
): void {
  context.font = `500 ${layout.cellHeight >= 20 ? 12 : 10}px ${palette.font}`;
  context.textAlign = 'left';
  context.fillStyle = palette.ink2;
  context.fillText(name, x, y + 8, layout.blockWidth);
}

function paintCell(context: CanvasRenderingContext2D, picture: HeatmapPicture, gpu: number, box: Rectangle): void {
  const { palette, mode, stale } = picture;
  const cell = readCell(picture.cells, gpu);
  const leaf = leafClasses[cell.class] ?? 'unobserved';
  const hue: Hue = stale ? 'unobserved' : leaves[leaf].hue;
  if (hue === 'unobserved') hatch(context, palette, box);
  else if (mode === 'state') paintState(context, palette, { box, hue, cell, glyph: leaves[leaf].glyph });
  else paintValue(context, palette, box, modeScales[mode].value(cell), modeScales[mode]);
  if (cell.changed && !stale) outline(context, palette.ink, box, 1, 0.5);
  if (cell.alert) dot(context, palette, box);
  if (picture.selected === gpu) outline(context, palette.ink, box, 2, -1);
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
      const share = fillShare(cell.busyPercent);
      fill(context, colour, box, share);
      outline(context, colour, box, 1, 0.5);
      text(
        context,
        share >= 0.8 ? palette.onHue.productive : palette.ink,
        box,
        cell.busyPercent === null ? '' : String(cell.busyPercent),
      );
      break;
    }
    case 'phase':
      outline(context, colour, box, 1.5, 0.75);
      text(context, palette.ink, box, glyph);
      break;
    case 'free':
    case 'unobserved':
      outline(context, colour, box, 1, 0.5);
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

/** Five steps over the background. */
function fillShare(busyPercent: number | null): number {
  const shares = [0.16, 0.38, 0.6, 0.8, 1];
  return shares[Math.min(4, Math.floor((busyPercent ?? 0) / 20))] ?? 1;
}

function paintValue(
  context: CanvasRenderingContext2D,
  palette: Palette,
  box: Rectangle,
  value: number | null,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  if (value === null) {
    hatch(context, palette, box);
    return;
  }
  const share = Math.max(0, Math.min(0.999, (value - from) / (to - from)));
  fill(context, palette.sequence[Math.floor(share * 9)] ?? palette.edge, box, 1);
  text(context, palette.background, box, String(value));
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
  width: number,
  inset: number,
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
  outline(context, colour, box, 1, 0.5);
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

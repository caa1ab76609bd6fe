// Paints a fabric: links by a step of the sequential palette, dashed where they are not active, dotted where nobody reads them.
import type { Palette } from '../../charts/colours.ts';
import { isDown, type LinkRow } from './links.ts';
import { stepOf, thicknessOf, type LinkMode } from './scale.ts';
import { BOX_HEIGHT, type Box, type FabricLayout, type Wire } from './shapes.ts';

export interface FabricPicture {
  readonly layout: FabricLayout;
  readonly rows: readonly LinkRow[];
  readonly palette: Palette;
  readonly mode: LinkMode;
  /** Links to keep bright; undefined = all. */
  readonly kept: ReadonlySet<string> | undefined;
  readonly selected: string | undefined;
  /** Devices that findings speak of. */
  readonly marked: ReadonlySet<string>;
  /** What is drawn is not of now. */
  readonly stale: boolean;
}

const DIMMED = 0.2;
const STALE = 0.55;
/** So many links leave no room for thick ones. */
const CROWDED = 600;
const TEXT_ROOM = 12;
/** Digits at the end of a name say enough where it has no room. */
const TAIL = /\d+$/;

interface Look {
  readonly colour: string;
  readonly dash: readonly number[];
}

export function paintFabric(context: CanvasRenderingContext2D, picture: FabricPicture): void {
  const { layout, rows, kept } = picture;
  context.clearRect(0, 0, layout.width, layout.height);
  context.textBaseline = 'middle';
  const bright = (link: number): boolean => kept === undefined || kept.has(rows[link]?.key ?? '');
  const alpha = picture.stale ? STALE : 1;
  // The quiet first, so that what stands out lies above it.
  const wires = layout.wires.toSorted((a, b) => rankOf(picture, a) - rankOf(picture, b));
  for (const wire of wires) {
    context.globalAlpha = bright(wire.link) ? alpha : DIMMED;
    paintWire(context, picture, wire);
  }
  paintSquares(context, picture, (link) => (bright(link) ? alpha : DIMMED));
  context.globalAlpha = alpha;
  context.setLineDash([]);
  for (const box of layout.boxes) paintBox(context, picture, box);
  paintLabels(context, picture);
  context.globalAlpha = 1;
}

function rankOf({ rows, mode, selected }: FabricPicture, { link }: Wire): number {
  const row = rows[link];
  if (!row) return -1;
  return row.key === selected ? 100 : isDown(row) ? 50 : (stepOf(row.view, mode) ?? -1);
}

function lookOf(row: LinkRow, { palette, mode }: FabricPicture): Look {
  if (isDown(row)) return { colour: palette.hue.fault, dash: [5, 4] };
  const step = stepOf(row.view, mode);
  if (step === null) return { colour: palette.hue.free, dash: [1, 3] };
  return { colour: palette.sequence[step] ?? palette.edge, dash: [] };
}

function paintWire(context: CanvasRenderingContext2D, picture: FabricPicture, wire: Wire): void {
  const row = picture.rows[wire.link];
  if (!row) return;
  const { colour, dash } = lookOf(row, picture);
  const selected = row.key === picture.selected;
  const width = thicknessOf(row.view) * (picture.rows.length > CROWDED ? 0.5 : 1);
  if (selected) strokeWire(context, wire, { colour: picture.palette.ink, width: width * 2 + 3, dash: [] });
  strokeWire(context, wire, { colour, width: selected ? width * 2 : width, dash });
}

function strokeWire(context: CanvasRenderingContext2D, wire: Wire, look: Look & { readonly width: number }): void {
  const { upper, lower, bend } = wire;
  context.strokeStyle = look.colour;
  context.lineWidth = look.width;
  context.setLineDash([...look.dash]);
  context.beginPath();
  context.moveTo(lower.x, lower.y);
  context.bezierCurveTo(lower.x, bend, upper.x, bend, upper.x, upper.y);
  context.stroke();
}

/** Full where the link is active, an outline where it is not or nobody knows. */
function paintSquares(
  context: CanvasRenderingContext2D,
  picture: FabricPicture,
  alphaOf: (link: number) => number,
): void {
  context.setLineDash([]);
  for (const { link, x, y, size } of picture.layout.squares) {
    const row = picture.rows[link];
    if (!row) continue;
    const { colour, dash } = lookOf(row, picture);
    context.globalAlpha = alphaOf(link);
    context.fillStyle = colour;
    context.strokeStyle = colour;
    context.lineWidth = 1;
    if (dash.length === 0) context.fillRect(x, y, size, size);
    else context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
    if (row.key !== picture.selected) continue;
    context.strokeStyle = picture.palette.ink;
    context.strokeRect(x - 1.5, y - 1.5, size + 3, size + 3);
  }
}

function paintBox(context: CanvasRenderingContext2D, { palette, marked }: FabricPicture, box: Box): void {
  const { guid, name, x, y, width } = box;
  context.fillStyle = palette.background;
  context.strokeStyle = marked.has(guid) ? palette.ink : palette.edge;
  context.lineWidth = marked.has(guid) ? 2 : 1;
  context.beginPath();
  context.roundRect(x, y, width, BOX_HEIGHT, 2);
  context.fill();
  context.stroke();
  context.font = `600 12px ${palette.font}`;
  context.fillStyle = palette.ink;
  context.textAlign = 'center';
  context.fillText(fitting(context, name, width - TEXT_ROOM), x + width / 2, y + BOX_HEIGHT / 2);
}

function paintLabels(context: CanvasRenderingContext2D, { layout, palette }: FabricPicture): void {
  context.font = `400 11px ${palette.font}`;
  context.fillStyle = palette.ink3;
  context.textAlign = 'left';
  for (const { text, y } of layout.titles) {
    context.fillStyle = palette.background;
    context.fillRect(0, y - 8, context.measureText(text).width + 6, 16);
    context.fillStyle = palette.ink3;
    context.fillText(text, 0, y);
  }
  context.textAlign = 'center';
  context.fillStyle = palette.ink2;
  for (const { text, x, y, width } of layout.hosts) context.fillText(fitting(context, text, width - 2), x, y);
}

/** The whole name, its number, or nothing. */
function fitting(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  const tail = TAIL.exec(text)?.[0] ?? '';
  return tail !== '' && context.measureText(tail).width <= width ? tail : '';
}

// What is under a point of the map, and where a key leads from a link. Pure.
import { BOX_HEIGHT, type Box, type FabricLayout, type Point, type Wire } from './shapes.ts';

/** How near a pointer must be. */
const REACH = 5;
const SAMPLES = 20;

export type Hit = { readonly kind: 'box'; readonly box: Box } | { readonly kind: 'link'; readonly link: number };

/** What is under a point: a host's port, a switch, else the nearest link. */
export function hit({ boxes, squares, wires }: FabricLayout, x: number, y: number): Hit | undefined {
  const square = squares.find((one) => inside({ x, y }, one, one.size, one.size));
  if (square) return { kind: 'link', link: square.link };
  const box = boxes.find((one) => inside({ x, y }, one, one.width, BOX_HEIGHT));
  if (box) return { kind: 'box', box };
  let found: Hit | undefined;
  let best = REACH;
  for (const wire of wires) {
    if (y < Math.min(wire.upper.y, wire.bend) - REACH || y > wire.lower.y + REACH) continue;
    const distance = distanceTo(wire, { x, y });
    if (distance < best) [found, best] = [{ kind: 'link', link: wire.link }, distance];
  }
  return found;
}

function inside({ x, y }: Point, corner: Point, width: number, height: number): boolean {
  return x >= corner.x - 1 && x <= corner.x + width + 1 && y >= corner.y - 1 && y <= corner.y + height + 1;
}

/** To the nearest of some points along the curve, measured across it. */
function distanceTo(wire: Wire, point: Point): number {
  let best = Infinity;
  let last = along(wire, 0);
  for (let step = 1; step <= SAMPLES; step++) {
    const next = along(wire, step / SAMPLES);
    best = Math.min(best, toSegment(point, last, next));
    last = next;
  }
  return best;
}

function along({ upper, lower, bend }: Wire, t: number): Point {
  const s = 1 - t;
  const [a, b, c, d] = [s ** 3, 3 * s * s * t, 3 * s * t * t, t ** 3];
  return {
    x: (a + b) * lower.x + (c + d) * upper.x,
    y: a * lower.y + (b + c) * bend + d * upper.y,
  };
}

function toSegment({ x, y }: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - from.x) * dx + (y - from.y) * dy) / length));
  return Math.hypot(x - from.x - t * dx, y - from.y - t * dy);
}

/** The link that a key leads to: left and right along a row of wires, up and down to the nearest one of the next row. */
export function stepLink({ wires }: FabricLayout, current: number | undefined, key: string): number | undefined {
  const at = wires.find(({ link }) => link === current);
  const sorted = wires.toSorted((a, b) => a.row - b.row || a.lower.x - b.lower.x || a.link - b.link);
  if (!at) return (key === 'End' ? sorted.at(-1) : sorted[0])?.link;
  const row = sorted.filter((wire) => wire.row === at.row);
  switch (key) {
    case 'ArrowLeft':
      return (row[row.indexOf(at) - 1] ?? at).link;
    case 'ArrowRight':
      return (row[row.indexOf(at) + 1] ?? at).link;
    case 'Home':
      return row[0]?.link;
    case 'End':
      return row.at(-1)?.link;
    case 'ArrowUp':
      return nearest(at, sorted.findLast((wire) => wire.row < at.row)?.row, sorted);
    default:
      return nearest(at, sorted.find((wire) => wire.row > at.row)?.row, sorted);
  }
}

function nearest(at: Wire, row: number | undefined, wires: readonly Wire[]): number {
  const candidates = wires.filter((wire) => wire.row === row);
  return candidates.reduce(
    (best, wire) => (Math.abs(wire.lower.x - at.lower.x) < Math.abs(best.lower.x - at.lower.x) ? wire : best),
    candidates[0] ?? at,
  ).link;
}

// One curve per link between the boxes and squares of a fabric. Pure.
import { linkKey, type LinkEnd, type LinkRow } from './links.ts';
import { BOX_HEIGHT, type Box, type Square, type Wire } from './shapes.ts';

const HOST_ROW = 1000;
const ARC = 28;

/** An end before it knows where on its box it hangs. */
interface Loose {
  readonly box: Box | undefined;
  readonly square: Square | undefined;
  readonly y: number;
  readonly centre: number;
}

export function joinBoxes(
  rows: readonly LinkRow[],
  boxes: readonly Box[],
  squares: readonly Square[],
): readonly Wire[] {
  const boxByGuid = new Map(boxes.map((box) => [box.guid, box]));
  const squareByKey = new Map(squares.map((square) => [square.key, square]));
  const pairs = rows.flatMap((row, link) => {
    const ends = [row.near, row.far].map((end) => loosen(end, boxByGuid, squareByKey));
    const [a, b] = ends;
    if (!a || !b) return [];
    const [lower, upper] = a.y >= b.y ? [a, b] : [b, a];
    return [{ link, lower, upper }];
  });
  const anchors = anchorsOf(pairs);
  return pairs.map(({ link, lower, upper }) => wireOf(link, lower, upper, anchors));
}

function loosen(
  { view }: LinkEnd,
  boxes: ReadonlyMap<string, Box>,
  squares: ReadonlyMap<string, Square>,
): Loose | undefined {
  const box = boxes.get(view.guid);
  const square = squares.get(linkKey(view));
  if (box) return { box, square: undefined, y: box.y, centre: box.x + box.width / 2 };
  return square && { box: undefined, square, y: square.y, centre: square.x + square.size / 2 };
}

interface Pair {
  readonly link: number;
  readonly lower: Loose;
  readonly upper: Loose;
}

/** Along each side of a box its links are in the order of where they lead, so that they cross as little as can be. */
function anchorsOf(pairs: readonly Pair[]): ReadonlyMap<string, number> {
  const hung = pairs.flatMap(({ link, lower, upper }) => {
    const level = lower.y === upper.y;
    return [
      { box: lower.box, side: 'top', key: `${link}/lower`, towards: upper.centre, link },
      { box: upper.box, side: level ? 'top' : 'bottom', key: `${link}/upper`, towards: lower.centre, link },
    ];
  });
  const anchors = new Map<string, number>();
  for (const side of Map.groupBy(hung, (one) => `${one.box?.guid ?? ''} ${one.side}`).values()) {
    const sorted = side.toSorted((a, b) => a.towards - b.towards || a.link - b.link);
    for (const [at, { box, key }] of sorted.entries())
      if (box) anchors.set(key, box.x + ((at + 1) / (sorted.length + 1)) * box.width);
  }
  return anchors;
}

function wireOf(link: number, lower: Loose, upper: Loose, anchors: ReadonlyMap<string, number>): Wire {
  const level = lower.y === upper.y;
  const from = { x: anchors.get(`${link}/lower`) ?? lower.centre, y: lower.y };
  const to = {
    x: anchors.get(`${link}/upper`) ?? upper.centre,
    y: upper.box && !level ? upper.y + BOX_HEIGHT : upper.y,
  };
  return {
    link,
    row: lower.box ? lower.box.row : HOST_ROW,
    lower: from,
    upper: to,
    bend: level ? from.y - ARC : (from.y + to.y) / 2,
  };
}

// What the map of a fabric consists of; pixels of the page.

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A switch, or what else is no host. */
export interface Box {
  readonly guid: string;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Rows are counted from the top. */
  readonly row: number;
}

export const BOX_HEIGHT = 32;

/** The port of a host. */
export interface Square {
  /** `guid/port` of the host's end. */
  readonly key: string;
  /** Of its link in the rows. */
  readonly link: number;
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

export interface HostLabel {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface Wire {
  /** Of its link in the rows. */
  readonly link: number;
  /** Row of boxes that its lower end hangs from; host links come last. */
  readonly row: number;
  readonly upper: Point;
  readonly lower: Point;
  /** Height of both control points: in the middle, or above where both ends stand in one row. */
  readonly bend: number;
}

export interface FabricLayout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly squares: readonly Square[];
  readonly hosts: readonly HostLabel[];
  readonly wires: readonly Wire[];
  readonly titles: readonly { readonly text: string; readonly y: number }[];
}

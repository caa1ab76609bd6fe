// The time under the pointer, shared by all charts of a page.

class Hover {
  /** Share of the charts' width; NaN while there is none. */
  share = $state(NaN);
}

export const hover = new Hover();

// Colours for canvases: tokens resolved through a probe element, since a canvas cannot read light-dark().
import type { Hue } from '#server/contract';

export interface Palette {
  readonly ink: string;
  readonly ink2: string;
  readonly ink3: string;
  readonly background: string;
  readonly line: string;
  readonly line2: string;
  readonly edge: string;
  readonly hue: Readonly<Record<Hue, string>>;
  readonly onHue: Readonly<Record<Hue, string>>;
  /** Nine steps; more is farther from the background. */
  readonly sequence: readonly string[];
  readonly font: string;
}

/** Reads the tokens as they are now; ask again after a change of theme. */
export function readPalette(): Palette {
  const probe = document.createElement('i');
  document.body.append(probe);
  const read = (token: string): string => {
    probe.style.color = `var(--${token})`;
    return getComputedStyle(probe).color;
  };
  const palette: Palette = {
    ink: read('ink'),
    ink2: read('ink-2'),
    ink3: read('ink-3'),
    background: read('bg'),
    line: read('line'),
    line2: read('line-2'),
    edge: read('edge'),
    hue: {
      productive: read('productive'),
      starved: read('starved'),
      held: read('held'),
      throttled: read('throttled'),
      fault: read('fault'),
      phase: read('productive'),
      free: read('free'),
      unobserved: read('free'),
    },
    onHue: {
      productive: read('on-productive'),
      starved: read('on-starved'),
      held: read('on-held'),
      throttled: read('on-throttled'),
      fault: read('on-fault'),
      phase: read('ink'),
      free: read('ink-3'),
      unobserved: read('ink-3'),
    },
    sequence: Array.from({ length: 9 }, (_, step) => read(`seq-${step + 1}`)),
    font: getComputedStyle(document.body).fontFamily,
  };
  probe.remove();
  return palette;
}

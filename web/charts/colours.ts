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
  /** Text on each of them. */
  readonly onSequence: readonly string[];
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
  const ink = read('ink');
  const background = read('bg');
  const sequence = Array.from({ length: 9 }, (_, step) => read(`seq-${step + 1}`));
  const palette: Palette = {
    ink,
    ink2: read('ink-2'),
    ink3: read('ink-3'),
    background,
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
    sequence,
    onSequence: sequence.map((colour) => (contrast(colour, ink) >= contrast(colour, background) ? ink : background)),
    font: getComputedStyle(document.body).fontFamily,
  };
  probe.remove();
  return palette;
}

/** Contrast ratio of two colours as WCAG 2.2 defines it. */
export function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** Of a computed colour, `rgb(31, 120, 200)`. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [...colour.matchAll(/[\d.]+/g)].map(([digits]) => {
    const value = Number(digits) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

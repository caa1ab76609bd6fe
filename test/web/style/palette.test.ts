// The palette is computed, not guessed: states are told apart by every kind of eye and stand out from the background.
// CIEDE2000: Sharma, Wu, Dalal 2005. Dichromacy: Machado, Oliveira, Fernandes 2009, severity 1,
// applied to encoded values as its authors' tables are. Contrast: WCAG 2.1.
import { describe, expect, it } from 'vitest';
import css from '../../../web/style/tokens.css?raw';

type Triple = readonly [number, number, number];
type Theme = 'light' | 'dark';

const states = ['productive', 'starved', 'held', 'throttled', 'fault', 'free'] as const;

const eyes: Readonly<Record<string, readonly [Triple, Triple, Triple]>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

describe.each(['light', 'dark'] as const)('%s', (theme) => {
  const background = tokenColour('bg', theme);

  it.each(Object.keys(eyes))('any two states differ for a %s eye', (eye) => {
    const seen = states.map((state) => labOf(seenBy(eye, tokenColour(state, theme))));
    const differences = seen.flatMap((one, at) => seen.slice(at + 1).map((other) => ciede2000(one, other)));
    expect(Math.min(...differences)).toBeGreaterThanOrEqual(18);
  });

  it.each(Object.keys(eyes))('each step of the sequence is farther from the background for a %s eye', (eye) => {
    const seen = (token: string): Triple => seenBy(eye, tokenColour(token, theme));
    const steps = Array.from({ length: 9 }, (_, step) => contrast(seen(`seq-${step + 1}`), seen('bg')));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(3);
  });

  it.each(states)('%s stands out from the background', (state) => {
    expect(contrast(tokenColour(state, theme), background)).toBeGreaterThanOrEqual(3);
  });

  it.each(['productive', 'starved', 'held', 'throttled', 'fault'])('text on %s can be read', (state) => {
    expect(contrast(tokenColour(`on-${state}`, theme), tokenColour(state, theme))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['ink', 'ink-2', 'ink-3', 'starved-text', 'fault-text', 'live'])('%s can be read', (token) => {
    expect(contrast(tokenColour(token, theme), background)).toBeGreaterThanOrEqual(4.5);
  });
});

/** Encoded RGB of a token, 0–1. */
function tokenColour(token: string, theme: Theme): Triple {
  const match = new RegExp(`--${token}:\\s*light-dark\\(\\s*#([\\da-f]{6}),\\s*#([\\da-f]{6})\\s*\\)`).exec(css);
  const hex = match?.[theme === 'light' ? 1 : 2];
  if (hex === undefined) throw new Error(`no colour --${token}`);
  const channel = (at: number): number => Number.parseInt(hex.slice(at, at + 2), 16) / 255;
  return [channel(0), channel(2), channel(4)];
}

function linear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function linearColour([red, green, blue]: Triple): Triple {
  return [linear(red), linear(green), linear(blue)];
}

function seenBy(eye: string, colour: Triple): Triple {
  const matrix = eyes[eye] ?? eyes['normal'];
  if (!matrix) throw new Error(`no eye ${eye}`);
  const clamp = (value: number): number => Math.max(0, Math.min(1, value));
  return [clamp(dot(matrix[0], colour)), clamp(dot(matrix[1], colour)), clamp(dot(matrix[2], colour))];
}

function dot(a: Triple, b: Triple): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function contrast(a: Triple, b: Triple): number {
  const luminance = (colour: Triple): number => dot([0.2126, 0.7152, 0.0722], linearColour(colour)) + 0.05;
  return Math.max(luminance(a), luminance(b)) / Math.min(luminance(a), luminance(b));
}

/** CIE L*a*b*, D65. */
function labOf(encoded: Triple): Triple {
  const colour = linearColour(encoded);
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27) * (t / 116) + 16 / 116);
  const x = f(dot([0.4124564, 0.3575761, 0.1804375], colour) / 0.95047);
  const y = f(dot([0.2126729, 0.7151522, 0.072175], colour));
  const z = f(dot([0.0193339, 0.119192, 0.9503041], colour) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function ciede2000([l1, a1, b1]: Triple, [l2, a2, b2]: Triple): number {
  const chromaMean = (Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(chromaMean ** 7 / (chromaMean ** 7 + 25 ** 7)));
  const c1 = Math.hypot(a1 * (1 + g), b1);
  const c2 = Math.hypot(a2 * (1 + g), b2);
  const h1 = hueOf(a1 * (1 + g), b1);
  const h2 = hueOf(a2 * (1 + g), b2);
  const turn = c1 * c2 === 0 ? 0 : ((h2 - h1 + 540) % 360) - 180;
  const deltaH = 2 * Math.sqrt(c1 * c2) * Math.sin(radians(turn) / 2);
  const lMean = (l1 + l2) / 2;
  const cMean = (c1 + c2) / 2;
  const hMean = c1 * c2 === 0 ? h1 + h2 : (h1 + turn / 2 + 360) % 360;
  const t =
    1 -
    0.17 * Math.cos(radians(hMean - 30)) +
    0.24 * Math.cos(radians(2 * hMean)) +
    0.32 * Math.cos(radians(3 * hMean + 6)) -
    0.2 * Math.cos(radians(4 * hMean - 63));
  const sl = 1 + (0.015 * (lMean - 50) ** 2) / Math.sqrt(20 + (lMean - 50) ** 2);
  const sc = 1 + 0.045 * cMean;
  const sh = 1 + 0.015 * cMean * t;
  const rotation =
    -2 *
    Math.sqrt(cMean ** 7 / (cMean ** 7 + 25 ** 7)) *
    Math.sin(radians(60 * Math.exp(-(((hMean - 275) / 25) ** 2))));
  const dl = (l2 - l1) / sl;
  const dc = (c2 - c1) / sc;
  const dh = deltaH / sh;
  return Math.sqrt(dl ** 2 + dc ** 2 + dh ** 2 + rotation * dc * dh);
}

function hueOf(a: number, b: number): number {
  return ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

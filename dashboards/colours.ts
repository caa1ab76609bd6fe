// The hues of verdicts for Grafana, which has one colour for both themes: legible on white and on near-black.
import type { Hue } from '#server/contract';

export const hueColours: Readonly<Record<Hue, string>> = {
  productive: '#1f78c8',
  starved: '#e08600',
  held: '#a05ad0',
  throttled: '#a39a2e',
  fault: '#d3122a',
  phase: '#7fb2ea',
  free: '#8a949f',
  unobserved: '#5f6b78',
};

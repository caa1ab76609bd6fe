// What the heatmap's colours can mean: the state, or a value of the GPU on a scale.
import { CELL_BYTES, readCell, type Cell } from '#server/contract';

export const colourModes = ['state', 'busy', 'power', 'temperature', 'memory'] as const;
export type ColourMode = (typeof colourModes)[number];
export type ValueMode = Exclude<ColourMode, 'state'>;

export interface Scale {
  readonly from: number;
  readonly to: number;
}

interface ValueDetails {
  readonly unit: string;
  readonly value: (cell: Cell) => number | null;
}

export const valueModes: Readonly<Record<ValueMode, ValueDetails>> = {
  busy: { unit: '%', value: ({ busyPercent }) => busyPercent },
  power: { unit: 'W', value: ({ powerWatts }) => powerWatts },
  temperature: { unit: '°C', value: ({ temperatureCelsius }) => temperatureCelsius },
  memory: { unit: '%', value: ({ memoryPercent }) => memoryPercent },
};

/** Tops of the power scale: what the fleet's GPUs may draw. */
const powerTops = [75, 150, 300, 400, 500, 700, 1000, 1500] as const;

/** The ends of a mode's scale; that of power follows the largest value on show. */
export function scaleOf(mode: ValueMode, cells: Uint8Array): Scale {
  switch (mode) {
    case 'busy':
    case 'memory':
      return { from: 0, to: 100 };
    case 'temperature':
      return { from: 20, to: 90 };
    case 'power': {
      const most = largest(cells, valueModes.power.value);
      return { from: 0, to: powerTops.find((top) => top >= most) ?? most };
    }
  }
}

/** Which of nine steps a value falls in. */
export function stepOf(value: number, { from, to }: Scale): number {
  return Math.floor(Math.max(0, Math.min(0.999, (value - from) / (to - from))) * 9);
}

/** Which of five steps of fill a productive cell has. */
export function fillStepOf(busyPercent: number | null): number {
  return Math.min(4, Math.floor((busyPercent ?? 0) / 20));
}

function largest(cells: Uint8Array, valueOf: ValueDetails['value']): number {
  let most = 0;
  for (let gpu = 0; gpu * CELL_BYTES < cells.length; gpu++) {
    const value = valueOf(readCell(cells, gpu));
    if (value !== null && value > most) most = value;
  }
  return most;
}

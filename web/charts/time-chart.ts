// The one place that touches Chart.js: a chart over time with everything off that costs or moves.
import {
  Chart,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  type ChartConfiguration,
  type ChartDataset,
} from 'chart.js';

Chart.register(LineController, LineElement, PointElement, LinearScale, Filler);

export interface TimePoint {
  /** Wall-clock milliseconds. */
  readonly x: number;
  /** NaN breaks the line. */
  readonly y: number;
}

export interface ChartLineData {
  readonly colour: string;
  readonly width: number;
  readonly points: readonly TimePoint[];
  /** What is filled with `fillColour`: down to zero, or to the line before. */
  readonly fill?: 'origin' | 'before';
  readonly fillColour?: string;
}

export interface TimeChartOptions {
  /** Values on top of each other. */
  readonly stacked?: boolean;
  /** Colour of the lines across. */
  readonly grid: string;
}

export interface TimeChart {
  /** Draws lines; `max` is the top of the scale where it is fixed. */
  setData(lines: readonly ChartLineData[], max: number | undefined): void;
  /** The times at both ends; drawn with the next data. */
  setWindow(from: number, to: number): void;
  /** Moves the crosshair to a share of the width, without drawing the chart again; NaN hides it. */
  setHover(share: number): void;
  resize(width: number, height: number): void;
  destroy(): void;
}

type LineChartConfiguration = ChartConfiguration<'line', TimePoint[]>;

export function createTimeChart(canvas: HTMLCanvasElement, hair: HTMLElement, options: TimeChartOptions): TimeChart {
  const chart = new Chart(canvas, configure(options));
  let width = 0;
  return {
    setData: (lines, max) => {
      const { y } = chart.options.scales ?? {};
      if (y) Object.assign(y, { max });
      chart.data.datasets = lines.map(datasetOf);
      chart.update('none');
    },
    setWindow: (from, to) => {
      const { x } = chart.options.scales ?? {};
      if (x) Object.assign(x, { min: from, max: to });
    },
    setHover: (share) => {
      hair.hidden = Number.isNaN(share);
      if (!hair.hidden) hair.style.transform = `translateX(${(share * width).toFixed(1)}px)`;
    },
    resize: (newWidth, height) => {
      width = newWidth;
      chart.resize(newWidth, height);
    },
    destroy: () => {
      chart.destroy();
    },
  };
}

function datasetOf({ colour, width, points, fill, fillColour }: ChartLineData): ChartDataset<'line', TimePoint[]> {
  return {
    data: [...points],
    borderColor: colour,
    borderWidth: width,
    backgroundColor: fillColour ?? colour,
    fill: fill === undefined ? false : fill === 'origin' ? 'origin' : '-1',
  };
}

/** Exported for the test that keeps animation, parsing and events off. */
export function configure({ stacked = false, grid }: TimeChartOptions): LineChartConfiguration {
  return {
    type: 'line',
    data: { datasets: [] },
    options: {
      animation: false,
      parsing: false,
      normalized: true,
      responsive: false,
      maintainAspectRatio: false,
      spanGaps: false,
      events: [],
      layout: { padding: { top: 2, bottom: 1 } },
      elements: { point: { radius: 0, hitRadius: 0 }, line: { tension: 0, borderJoinStyle: 'round' } },
      scales: {
        x: { type: 'linear', display: false },
        y: {
          type: 'linear',
          stacked,
          min: 0,
          border: { display: false },
          grid: { color: grid, drawTicks: false },
          // Lines at the bottom, the middle and the top.
          ticks: { display: false, count: 3 },
        },
      },
    },
  };
}

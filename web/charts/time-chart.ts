// The one place that touches Chart.js: a chart over time with everything off that costs or moves.
import {
  Chart,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  type ChartConfiguration,
} from 'chart.js';

Chart.register(LineController, LineElement, PointElement, LinearScale, Filler);

export interface ChartLineData {
  readonly colour: string;
  readonly width: number;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface TimeChartOptions {
  /** Areas on top of each other instead of lines. */
  readonly stacked?: boolean;
  /** Fixed top of the scale. */
  readonly max?: number;
  readonly grid: string;
}

export interface TimeChart {
  /** Draws the lines between two times (wall-clock milliseconds). */
  draw(lines: readonly ChartLineData[], from: number, to: number): void;
  resize(width: number, height: number): void;
  destroy(): void;
}

export function createTimeChart(canvas: HTMLCanvasElement, options: TimeChartOptions): TimeChart {
  const chart = new Chart(canvas, configure(options));
  return {
    draw: (lines, from, to) => {
      const { x } = chart.options.scales ?? {};
      if (x) Object.assign(x, { min: from, max: to });
      chart.data.datasets = lines.map(({ colour, width, points }, index) => ({
        data: [...points],
        borderColor: colour,
        borderWidth: width,
        backgroundColor: colour,
        fill: options.stacked ? (index === 0 ? 'origin' : '-1') : false,
      }));
      chart.update('none');
    },
    resize: (width, height) => {
      chart.resize(width, height);
    },
    destroy: () => {
      chart.destroy();
    },
  };
}

/** Exported for the test that keeps animation and parsing off. */
export function configure({
  stacked = false,
  max,
  grid,
}: TimeChartOptions): ChartConfiguration<'line', { x: number; y: number }[]> {
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
          ...(max === undefined ? {} : { max }),
          border: { display: false },
          grid: { color: grid, drawTicks: false },
          ticks: { display: false, maxTicksLimit: 3 },
        },
      },
    },
  };
}

// The node that is watched, as the server last told it.
import type { NodeDirectory, NodeHistory, NodeTick } from '#server/contract';
import { ChartStore } from './chart-store.ts';
import { NodeValues, SeriesIndex } from './node-values.ts';
import { RecentLevels } from './recent-levels.ts';

export class NodeState {
  directory: NodeDirectory | undefined = $state.raw();
  series: SeriesIndex | undefined = $state.raw();
  tick: NodeTick | undefined = $state.raw();
  values: NodeValues | undefined = $state.raw();
  charts: ChartStore | undefined = $state.raw();
  /** Counts changes of the points in `charts`, which are plain arrays. */
  version = $state(0);
  #recent = new RecentLevels();

  clear(): void {
    this.directory = undefined;
    this.series = undefined;
    this.tick = undefined;
    this.values = undefined;
    this.charts = undefined;
  }

  introduce(directory: NodeDirectory): void {
    this.directory = directory;
    this.series = new SeriesIndex(directory.series);
    this.#recent = new RecentLevels();
    this.charts = new ChartStore(directory.series);
  }

  fill(history: NodeHistory): void {
    if (history.generation !== this.directory?.generation) return;
    this.charts?.fill(history);
    this.version++;
  }

  /** False if the values are not those of the series we know. */
  take(tick: NodeTick): boolean {
    if (!this.series || tick.generation !== this.directory?.generation) return false;
    this.tick = tick;
    this.values = new NodeValues(this.series, tick, this.#recent);
    // A node that is down repeats its last sample: its lines stop there.
    if (tick.summary.up) this.charts?.add(tick.time_ms, this.values);
    this.version++;
    return true;
  }
}

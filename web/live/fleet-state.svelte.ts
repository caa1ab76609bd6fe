// The fleet as the server last told it. Large data is replaced, never mutated.
import type { FleetDirectory, FleetTick } from '#server/contract';
import { bytesOf } from './bytes.ts';
import { Trend } from './trend.ts';

export class FleetState {
  directory: FleetDirectory | undefined = $state.raw();
  tick: FleetTick | undefined = $state.raw();
  /** Counts ticks, for those who draw from `trend`. */
  version = $state(0);
  readonly trend = new Trend();

  /** False if the cells are not those of the directory we have. */
  take(tick: FleetTick): boolean {
    if (tick.generation !== this.directory?.generation) return false;
    this.tick = { ...tick, cells: bytesOf(tick.cells) };
    this.trend.add(tick.summary);
    this.version++;
    return true;
  }
}

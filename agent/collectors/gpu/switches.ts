// NVSwitches, as far as a dcgm-exporter tells of them.
import type { DcgmSwitch } from '../../parse/gpu/dcgm-page.ts';
import type { GaugeSeries, SeriesGroup, Snapshot } from '../../snapshot.ts';

export class Switches {
  readonly #snapshot: Snapshot;
  readonly #group: SeriesGroup;
  #shown = '';
  #temperatures: readonly GaugeSeries<'celsius'>[] = [];

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#group = snapshot.group();
  }

  show(switches: readonly DcgmSwitch[]): void {
    const shown = switches.map(({ nvswitch }) => nvswitch).join();
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#group.clear();
      this.#temperatures = switches.map(({ nvswitch }) =>
        this.#group.gauge('nvswitch_temperature_celsius', { nvswitch }),
      );
    }
    for (const [index, { temperature }] of switches.entries()) this.#temperatures[index]?.put(temperature);
  }

  stop(): void {
    this.#snapshot.remove(this.#group);
  }
}

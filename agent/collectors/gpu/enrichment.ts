// A source that adds to what the carrier reads: which layer it fills, and whether it delivers.
import type { GpuReport, GpuSource } from '../../sources/gpu-source.ts';
import type { GpuDevices } from './devices.ts';
import type { Layer } from './layer.ts';

export class Enrichment {
  readonly source: GpuSource;
  readonly #layer: Layer;
  readonly #devices: GpuDevices;
  #applied: GpuReport | undefined;
  #shown: 'values' | 'absent' | 'nothing' = 'nothing';

  constructor(source: GpuSource, layer: Layer, devices: GpuDevices) {
    this.source = source;
    this.#layer = layer;
    this.#devices = devices;
  }

  get delivers(): boolean {
    return this.#shown === 'values';
  }

  /** `afresh`: the carrier has filled new devices since. */
  tick(afresh: boolean): void {
    this.source.keepRunning();
    const { state } = this.source;
    switch (state.kind) {
      case 'delivering':
        if (state.report === this.#applied && !afresh) return;
        this.#applied = state.report;
        this.#shown = 'values';
        this.#devices.enrich(this.#layer, state.report.sheets);
        return;
      case 'starting':
        return;
      case 'failed':
      case 'stuck':
        if (this.#shown !== 'values') return;
        this.#applied = undefined;
        this.#shown = 'absent';
        this.#devices.quiet(this.#layer, state.kind === 'stuck' ? 'timed_out' : state.reason);
    }
  }

  rest(): void {
    if (this.#shown === 'nothing') return;
    this.#shown = 'nothing';
    this.#applied = undefined;
    this.source.pause();
    this.#devices.release(this.#layer);
  }
}

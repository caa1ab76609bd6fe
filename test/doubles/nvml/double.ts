// A stand-in NVML on disk: our libnvidia-ml.so.1 with its state file beside it, and what can go wrong with either.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nvmlFunctions, type NvmlFunction } from '../../../agent/simulator/render/nvml-functions.ts';
import type { NvmlGpu } from '../../../agent/simulator/render/nvml-layout.ts';
import { NvmlStateFile, type NvmlStateOptions } from '../../../agent/simulator/render/nvml-state.ts';
import { buildNvml, type BuildOptions } from './build.ts';

export { buildNvml, prepareNvml, whyNoNvmlDouble } from './build.ts';
export { counts } from './machine-parts.ts';
export { healthyGB200, healthyH100, healthyV100, machineOf, migA100 } from './machines.ts';
export { v100EraDriver, v100EraSymbolsLeftOut } from './old-drivers.ts';

const XID_EVENT = 8;
const LOST = 15;
const NEEDS_RESET = 16;

export type NvmlDoubleOptions = NvmlStateOptions & BuildOptions;

/** It works in any process that loads `library`: the state file is found beside it. */
export class NvmlDouble {
  readonly directory: string;
  readonly library: string;
  readonly state: NvmlStateFile;

  constructor(gpus: readonly NvmlGpu[], options: NvmlDoubleOptions = {}) {
    this.directory = mkdtempSync(join(tmpdir(), 'whyidle-nvml-'));
    this.library = buildNvml(this.directory, options);
    this.state = new NvmlStateFile(join(this.directory, 'nvml-state'), gpus, options);
  }

  /** The function gives this code; for all GPUs where none is given. */
  injectReturn(name: NvmlFunction, code: number, gpu?: number): void {
    this.state.fault(name, { returns: code }, gpu);
  }

  /** The function takes this long; -1 is for ever, until it is healed. */
  injectDelay(name: NvmlFunction, delayMs: number, gpu?: number): void {
    this.state.fault(name, { delayMs }, gpu);
  }

  injectCrash(name: NvmlFunction, crash: 'abort' | 'segfault', gpu?: number): void {
    this.state.fault(name, { crash }, gpu);
  }

  heal(name: NvmlFunction, gpu?: number): void {
    this.state.fault(name, undefined, gpu);
  }

  /** Every call is stuck, as when the GPU's own processor answers no more. */
  hangDriver(): void {
    for (const name of nvmlFunctions) this.injectDelay(name, -1);
  }

  healDriver(): void {
    for (const name of nvmlFunctions) this.heal(name);
  }

  /** Fallen off the bus: every call on it says so, a new handle is not given, waiting for events ends with it. */
  lose(gpu: number): void {
    this.state.change(gpu, { loss: LOST });
  }

  requireReset(gpu: number): void {
    this.state.change(gpu, { loss: NEEDS_RESET });
  }

  find(gpu: number): void {
    this.state.change(gpu, { loss: undefined });
  }

  raiseXid(gpu: number, xid: number): void {
    this.state.raise(gpu, { type: XID_EVENT, data: xid });
  }

  /** By every process that uses the library. */
  calls(name: NvmlFunction): number {
    return this.state.calls(name);
  }

  /** What was called at all, in the library's order. */
  called(): readonly NvmlFunction[] {
    return nvmlFunctions.filter((name) => this.calls(name) > 0);
  }

  remove(): void {
    this.state.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

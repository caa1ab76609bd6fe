// A stand-in nvidia-smi that shows the GPUs of a stand-in NVML, with another power on every tick, and does what it is told
// while it runs. It keeps a list of what it was asked.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allFields } from '../../agent/parse/gpu/smi-csv-sheet.ts';
import type { NvmlGpu } from '../../agent/simulator/render/nvml-layout.ts';
import { gpuCells, helpText } from '../doubles/nvidia-smi/cells.ts';

/** `blocks`: writes into the given file first, which may hang in the kernel. */
export type ToolDoing =
  { readonly kind: 'answers' | 'hangs' | 'fails' } | { readonly kind: 'blocks'; readonly file: string };

export class Tool {
  readonly file: string;
  readonly #doing: string;
  readonly #asked: string;

  constructor(directory: string, gpus: readonly NvmlGpu[]) {
    this.file = join(directory, 'nvidia-smi');
    this.#doing = join(directory, 'doing');
    this.#asked = join(directory, 'asked');
    const cells = gpus.map(({ uuid, busId }, index) => gpuCells(index, gpus.length, { uuid, 'pci.bus_id': busId }));
    const setup = { doing: this.#doing, asked: this.#asked, cells, help: helpText(allFields) };
    this.does({ kind: 'answers' });
    writeFileSync(this.file, `#!${process.execPath}\nconst setup = ${JSON.stringify(setup)};\n${program}`);
    chmodSync(this.file, 0o755);
  }

  does(doing: ToolDoing): void {
    writeFileSync(this.#doing, JSON.stringify(doing));
  }

  /** Command lines, in order. */
  get asked(): readonly string[] {
    return existsSync(this.#asked) ? readFileSync(this.#asked, 'utf8').split('\n').slice(0, -1) : [];
  }
}

// Plain JavaScript for the child: it has no types and nothing of ours.
const program = String.raw`
const fs = require('node:fs');
const arg = (name) => process.argv.find((text) => text.startsWith(name + '='))?.slice(name.length + 1);
const forEver = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
const end = (code, text) => { fs.writeSync(1, text + '\n'); process.exit(code); };
fs.appendFileSync(setup.asked, process.argv.slice(2).join(' ') + '\n');
const obey = () => {
  const doing = JSON.parse(fs.readFileSync(setup.doing, 'utf8'));
  if (doing.kind === 'hangs') forEver();
  if (doing.kind === 'fails') end(9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.");
  if (doing.kind === 'blocks') fs.writeFileSync(doing.file, 'x');
};
obey();
if (process.argv.includes('--help-query-gpu')) end(0, setup.help);
if (arg('--query-compute-apps')) process.exit(0);
const fields = arg('--query-gpu')?.split(',');
if (!fields) end(1, "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.");
fs.writeSync(1, fields.join(', ') + '\n');
let ticks = 0;
const tick = () => {
  obey();
  ticks++;
  const power = (150 + (ticks % 100)).toFixed(2);
  const rows = setup.cells.map((gpu) => ({ ...gpu, 'power.draw': power }));
  fs.writeSync(1, rows.map((gpu) => fields.map((field) => gpu[field]).join(', ') + '\n').join(''));
};
tick();
if (arg('--loop-ms')) setInterval(tick, Number(arg('--loop-ms')));
`;

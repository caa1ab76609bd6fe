// Executables that stand in for nvidia-smi, named by how they behave. They print what was asked for, as the real one does.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allFields as queryFields } from '../../../agent/parse/gpu/smi-csv-sheet.ts';
import { gpuCells, helpText, uuidOf } from './cells.ts';

export type Behaviour =
  | 'ok'
  | 'lost-gpu'
  | 'no-driver'
  | 'no-devices'
  | 'no-library'
  | 'old-driver'
  | 'stalls'
  | 'dies'
  | 'split-chunks'
  | 'na-everywhere'
  | 'garbage'
  | 'ignores-signals';

/** Writes the program and gives its path. `state` files beside it count how often it was started. */
export function writeNvidiaSmi(directory: string, behaviour: Behaviour, gpus = 8): string {
  const path = join(directory, `nvidia-smi-${behaviour}`);
  writeFileSync(path, source(behaviour, gpus));
  chmodSync(path, 0o755);
  return path;
}

function source(behaviour: Behaviour, gpus: number): string {
  const cells = Array.from({ length: gpus }, (_, index) => gpuCells(index, gpus));
  const setup = { behaviour, cells, help: helpText(queryFields), uuids: cells.map((_, index) => uuidOf(index)) };
  return `#!${process.execPath}\nconst setup = ${JSON.stringify(setup)};\n${program}`;
}

// Plain JavaScript for the child: it has no types and nothing of ours.
const program = String.raw`
const { behaviour, cells, help, uuids } = setup;
const arg = (name) => process.argv.find((text) => text.startsWith(name + '='))?.slice(name.length + 1);
const end = (code, text) => { process.stdout.write(text + '\n'); process.exit(code); };

if (behaviour === 'no-driver') end(9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n");
if (behaviour === 'no-devices') end(6, 'No devices were found');
if (behaviour === 'no-library') end(12, "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.");
if (process.argv.includes('--help-query-gpu')) end(0, help);
if (arg('--query-compute-apps')) end(0, uuids.slice(1).map((uuid, index) => uuid + ', ' + (4000 + index)).join('\n'));

const fields = arg('--query-gpu').split(',');
const old = 'utilization.decoder';
if (behaviour === 'old-driver' && fields.includes(old)) end(2, 'Field "' + old + '" is not a valid field to query.\n');
if (behaviour === 'ignores-signals') process.on('SIGTERM', () => undefined);

const cell = (gpu, field, index) => {
  if (behaviour === 'lost-gpu' && index === 1 && !['index', 'uuid', 'pci.bus_id', 'count', 'name'].includes(field)) return '[GPU is lost]';
  if (behaviour === 'na-everywhere' && !['index', 'uuid', 'count'].includes(field)) return '[N/A]';
  return gpu[field];
};
const tick = () => cells.map((gpu, index) => fields.map((field) => cell(gpu, field, index)).join(', ') + '\n');

process.stdout.write(fields.join(', ') + '\n');
let ticks = 0;
const turn = () => {
  ticks++;
  if (behaviour === 'garbage') return void process.stdout.write('\u0000\u0001 not a row\n'.repeat(20));
  if (behaviour === 'stalls' && ticks > 1) return;
  if (behaviour === 'dies' && ticks > 1) { process.stdout.write(tick()[0].slice(0, 100)); process.exit(255); }
  const lines = tick();
  if (behaviour !== 'split-chunks') return void process.stdout.write(lines.join(''));
  const text = lines.join('');
  const middle = Math.floor(text.length / 3);
  process.stdout.write(text.slice(0, middle));
  setTimeout(() => process.stdout.write(text.slice(middle)), 5);
};
turn();
if (arg('--loop-ms')) setInterval(turn, Number(arg('--loop-ms')));
`;

// What dcgmi says of a node before it is watched: its GPUs (`discovery -l`), their instances (`discovery -c`) and the
// profiling fields that can be read together (`profile -l`). DCGM user guide, "Feature Overview".
import { canonicalPciAddress } from '../pci.ts';
import { ParseError } from '../parse-error.ts';
import type { GpuIdentity } from './sheet.ts';

export interface DcgmiGpu {
  /** DCGM's own number: most often NVML's index, but nobody promises that. */
  readonly id: string;
  readonly name: string;
  readonly identity: GpuIdentity;
}

export interface DcgmiInstance {
  /** DCGM's own number of the instance, as dmon prints it. */
  readonly entity: string;
  /** DCGM's number of the GPU, and NVML's of the instance in it. */
  readonly gpu: string;
  readonly gi: string;
}

export interface ProfiledField {
  readonly id: number;
  /** Fields of one letter and different numbers are read in turns. */
  readonly letter: string;
  readonly number: string;
}

export function parseDiscovery(text: string, source: string): readonly DcgmiGpu[] {
  const [, found] = /^(\d+) GPUs? found\./m.exec(text) ?? [];
  if (found === undefined) throw new ParseError(source, text, 'a number of GPUs found');
  const gpus: DcgmiGpu[] = [];
  for (const block of text.split(/^\+[-+=]+\+\s*$/m)) {
    const [, id] = /^\|\s*(\d{1,3})\s*\|/m.exec(block) ?? [];
    const uuid = fieldOf(block, 'Device UUID');
    if (id === undefined || !/^GPU-[\w-]{1,64}$/.test(uuid)) continue;
    const pci_bus_id = canonicalPciAddress(fieldOf(block, 'PCI Bus ID')) ?? '';
    gpus.push({ id, name: fieldOf(block, 'Name'), identity: { gpu: '', uuid, pci_bus_id } });
  }
  return gpus;
}

/** Empty where there is no MIG, or the tool is too old to tell. */
export function parseHierarchy(text: string): readonly DcgmiInstance[] {
  const instance = /^\|\s*->\s*I (\d{1,3})\/(\d{1,3})\s*\|\s*GPU Instance \(EntityID: (\d{1,6})\)\s*\|\s*$/gm;
  return [...text.matchAll(instance)].map(([, gpu = '', gi = '', entity = '']) => ({ entity, gpu, gi }));
}

/** Empty if it is no such table. */
export function parseProfileList(text: string): readonly ProfiledField[] {
  const row = /^\|\s*([A-Z])\.(\d{1,2})\s*\|\s*(\d{1,5})\s*\|[^|]*\|\s*$/gm;
  return [...text.matchAll(row)].map(([, letter = '', number = '', id = '']) => ({ id: Number(id), letter, number }));
}

/** The fields to watch, most wanted first: of two that would take turns, the one that is wanted more. */
export function fieldsTogether(wanted: readonly number[], known: readonly ProfiledField[]): readonly number[] {
  const taken = new Map<string, string>();
  return wanted.filter((id) => {
    const field = known.find((one) => one.id === id);
    if (!field) return false;
    const number = taken.get(field.letter) ?? field.number;
    taken.set(field.letter, number);
    return number === field.number;
  });
}

/** The rest of the cell that begins with the name of the field. */
function fieldOf(block: string, name: string): string {
  return new RegExp(`\\|\\s*${name}:\\s*([^|\\n]*?)\\s*\\|`).exec(block)?.[1] ?? '';
}

// `nvidia-smi -q -x`: one document, or several one after the other in loop mode, possibly cut short. nvidia-smi(1).
import type { AbsenceReason } from '#agent/contract';
import { sayDead, saysLost, textOfCell } from '../nvidia-smi-value.ts';
import { ParseError } from '../parse-error.ts';
import { canonicalPciAddress } from '../pci.ts';
import type { GpuFacts, GpuIdentity, GpuSheet, GpuValue } from './sheet.ts';
import { columnValues } from './smi-xml-columns.ts';
import { eccValues } from './smi-xml-ecc.ts';
import { fabricHealth } from './smi-xml-fabric.ts';
import { instancesOf, instanceValues, processesOf } from './smi-xml-parts.ts';
import { pcieValues } from './smi-xml-pcie.ts';
import { throttleValues } from './smi-xml-throttle.ts';
import { closedElements, elementAt, leafTexts, type XmlElement } from './xml-elements.ts';

export interface SmiXml {
  readonly driver: string;
  readonly cuda: string;
  /** As the driver counts them: it may print fewer. Undefined where it does not say. */
  readonly attachedGpus: number | undefined;
  /** Only GPUs that were printed to their end. */
  readonly sheets: readonly GpuSheet[];
  /** Printed to its end, and every GPU of it could be read. */
  readonly isWhole: boolean;
}

const START = '<nvidia_smi_log';
const END = '</nvidia_smi_log>';
const headNames = { wanted: new Set(['driver_version', 'cuda_version', 'attached_gpus']) };
const gpuNames = { wanted: new Set(['gpu']), skipped: new Set(['accounted_processes']) };
/** Answers for these come from the GPU itself: errors in their place mean that it does not answer. */
const vitalPaths = [
  ['utilization', 'gpu_util'],
  ['fb_memory_usage', 'used'],
  ['temperature', 'gpu_temp'],
];

/** The last whole document; if there is none, what was printed of the last one. */
export function parseSmiXml(text: string, source: string): SmiXml {
  const documents = parseSmiXmlDocuments(text, source);
  const last = documents.findLast(({ isWhole }) => isWhole) ?? documents.at(-1);
  if (!last) throw new ParseError(source, text, 'a nvidia_smi_log with a GPU');
  return last;
}

/** All documents that say anything, in their order. */
export function parseSmiXmlDocuments(text: string, source: string): readonly SmiXml[] {
  const pieces = text.split(END);
  const documents = pieces.flatMap((piece, index) => documentOf(piece, index < pieces.length - 1) ?? []);
  if (documents.length === 0) throw new ParseError(source, text.trimStart(), 'a nvidia_smi_log with a GPU');
  return documents;
}

function documentOf(piece: string, isClosed: boolean): SmiXml | undefined {
  const start = piece.indexOf(START);
  if (start < 0) return undefined;
  const [headText = '', ...gpuTexts] = withoutClockLists(withNamesEscaped(piece.slice(start))).split(/(?=<gpu[\s>])/);
  const head = closedElements(headText, headNames);
  const headTextOf = (name: string): string => textOfCell(head.find((element) => element.name === name)?.text);
  const attached = headTextOf('attached_gpus');
  const attachedGpus = /^\d{1,4}$/.test(attached) ? Number(attached) : undefined;
  const facts = { driver: headTextOf('driver_version'), cuda: headTextOf('cuda_version') };
  // Their order is NVML's only if all of them are here.
  const isComplete = isClosed && attachedGpus === gpuTexts.length;
  const sheets = gpuTexts.flatMap((gpuText, index) => {
    const [gpu] = closedElements(gpuText, gpuNames);
    return gpu ? [sheetOf(gpu, isComplete ? String(index) : '', facts)] : [];
  });
  const saysNothing = sheets.length === 0 && !(isClosed && gpuTexts.length === 0 && attachedGpus !== undefined);
  if (saysNothing) return undefined;
  return { ...facts, attachedGpus, sheets, isWhole: isClosed && sheets.length === gpuTexts.length };
}

/** A name is what its process made of it. */
function withNamesEscaped(text: string): string {
  return text.replace(/(?<=<process_name>)[^\n]*(?=<\/process_name>)/g, (name) =>
    name.replaceAll('<', '&lt;').replaceAll(']]>', ']]&gt;'),
  );
}

/** Four fifths of the text are lists of clocks that could be set: cutting them out spares the tick of their reading. */
function withoutClockLists(text: string): string {
  return text.replace(/<supported_clocks>[^]*?<\/supported_clocks>/g, '');
}

function sheetOf(gpu: XmlElement, index: string, { driver, cuda }: Pick<GpuFacts, 'driver' | 'cuda'>): GpuSheet {
  const loss = lossOf(gpu);
  const identity = identityOf(gpu, index);
  const facts = { ...factsOf(gpu), driver, cuda };
  if (loss !== undefined) return { identity, facts, loss, values: [] };
  const instances = instancesOf(gpu);
  const processes = processesOf(gpu);
  return {
    identity,
    facts,
    loss,
    values: valuesOf(gpu),
    ...(instances && { instances }),
    ...(processes && { processes }),
  };
}

function valuesOf(gpu: XmlElement): readonly GpuValue[] {
  return [
    ...columnValues(gpu),
    ...pcieValues(gpu),
    ...throttleValues(gpu),
    ...eccValues(gpu),
    ...fabricHealth(gpu),
    ...instanceValues(gpu),
  ];
}

/** Why the GPU as a whole has no readings; undefined while it answers. */
function lossOf(gpu: XmlElement): AbsenceReason | undefined {
  for (const part of gpu.children) {
    // Not in the names of processes.
    if (part.name === 'processes') continue;
    for (const text of leafTexts(part)) if (saysLost(text)) return 'not_present';
  }
  return sayDead(vitalPaths.map((path) => elementAt(gpu, path)?.text)) ? 'malformed' : undefined;
}

function identityOf(gpu: XmlElement, index: string): GpuIdentity {
  const bus = gpu.attributes['id'] ?? elementAt(gpu, ['pci', 'pci_bus_id'])?.text ?? '';
  return {
    gpu: index,
    uuid: textOfCell(elementAt(gpu, ['uuid'])?.text),
    pci_bus_id: canonicalPciAddress(bus) ?? '',
  };
}

function factsOf(gpu: XmlElement): Omit<GpuFacts, 'driver' | 'cuda'> {
  const text = (name: string): string => textOfCell(elementAt(gpu, [name])?.text);
  return {
    name: text('product_name'),
    vbios: text('vbios_version'),
    serial: text('serial'),
    arch: text('product_architecture').replace(/^Ada Lovelace$/, 'Ada'),
  };
}

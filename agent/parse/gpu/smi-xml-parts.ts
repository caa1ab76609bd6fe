// What lives on one GPU in `nvidia-smi -q -x`: its MIG instances and the processes that hold it.
import { absent, type Absence } from '#agent/contract';
import { absenceOfCell, textOfCell } from '../nvidia-smi-value.ts';
import { columnOf, valueIn, type GpuProcessUse, type GpuValue, type MigInstance } from './sheet.ts';
import { inMiB } from './smi-units.ts';
import { elementAt, type XmlElement } from './xml-elements.ts';

/** No GPU can be cut into more. */
const MOST_INSTANCES = 64;

/** Undefined where the tool does not tell: its layout, or the driver, is older than MIG. */
export function instancesOf(gpu: XmlElement): readonly MigInstance[] | undefined {
  if (!elementAt(gpu, ['mig_devices'])) return undefined;
  return migDevices(gpu).map((device) => ({ ...instanceLabels(device), profile: '' }));
}

export function instanceValues(gpu: XmlElement): readonly GpuValue[] {
  return migDevices(gpu).flatMap((device) => {
    const labels = instanceLabels(device);
    const memory = (name: string) => inMiB(elementAt(device, ['fb_memory_usage', name])?.text ?? '');
    return [
      valueIn(columnOf('gpu_memory_total_bytes', labels), memory('total')),
      valueIn(columnOf('gpu_memory_used_bytes', labels), memory('used')),
      valueIn(columnOf('gpu_memory_free_bytes', labels), memory('free')),
    ];
  });
}

/** Undefined where the tool does not tell; `N/A` in place of a list is no answer. */
export function processesOf(gpu: XmlElement): readonly GpuProcessUse[] | undefined {
  const processes = elementAt(gpu, ['processes']);
  if (!processes || (processes.text !== '' && absenceOfCell(processes.text))) return undefined;
  return processes.children.flatMap((info) => processOf(info) ?? []);
}

/** The first letter of what nvidia-smi prints: C, G, C+G, M, M+C. Who computes and draws is counted as computing. */
export function processKindOf(type: string): GpuProcessUse['kind'] {
  if (type.includes('M')) return 'mps';
  return type.includes('C') ? 'compute' : 'graphics';
}

function processOf(info: XmlElement): GpuProcessUse | undefined {
  const text = (name: string): string => elementAt(info, [name])?.text ?? '';
  if (!/^\d{1,10}$/.test(text('pid'))) return undefined;
  return {
    pid: Number(text('pid')),
    name: textOfCell(text('process_name')),
    kind: processKindOf(text('type')),
    memoryBytes: memoryOf(text('used_memory')),
  };
}

function memoryOf(text: string): number | Absence {
  return text === '' ? absent('unsupported') : inMiB(text);
}

function migDevices(gpu: XmlElement): readonly XmlElement[] {
  const devices = elementAt(gpu, ['mig_devices'])?.children ?? [];
  return devices
    .slice(0, MOST_INSTANCES)
    .filter((device) => /^\d{1,3}$/.test(elementAt(device, ['gpu_instance_id'])?.text ?? ''));
}

function instanceLabels(device: XmlElement): { readonly mig_gi: string; readonly mig_ci: string } {
  const id = (name: string): string => /^\d{1,3}$/.exec(elementAt(device, [name])?.text ?? '')?.[0] ?? '';
  return { mig_gi: id('gpu_instance_id'), mig_ci: id('compute_instance_id') };
}

// Health of the NVLink fabric in `nvidia-smi -q -x`, as the mask that NVML has for it. nvml.h, NVML_GPU_FABRIC_HEALTH_MASK_*.
import { absent, isAbsent, type Absence } from '#agent/contract';
import { absenceOfCell } from '../nvidia-smi-value.ts';
import { columnOf, valueIn, type GpuValue } from './sheet.ts';
import { elementAt, type XmlElement } from './xml-elements.ts';

/** In each two bits 1 means that it is so, 2 that it is not, 0 that it is not told. */
const conditions = [
  { name: 'bandwidth', shift: 0, so: 'Degraded', not: 'Full' },
  { name: 'route_recovery_in_progress', shift: 2, so: 'True', not: 'False' },
  { name: 'route_unhealthy', shift: 4, so: 'True', not: 'False' },
  { name: 'access_timeout_recovery', shift: 6, so: 'True', not: 'False' },
] as const;
/** Of the four bits for a wrong configuration the tool's word is known for "none" alone. */
const CONFIGURATION_SHIFT = 8;

export function fabricHealth(gpu: XmlElement): readonly GpuValue[] {
  const health = elementAt(gpu, ['fabric', 'health']);
  return health ? [valueIn(columnOf('gpu_fabric_health'), maskOf(health))] : [];
}

function maskOf(health: XmlElement): number | Absence {
  const parts = [...conditions.map((condition) => conditionBits(health, condition)), configurationBits(health)];
  const why = parts.find(isAbsent);
  if (why) return why;
  const mask = parts.reduce<number>((bits, part) => bits | (isAbsent(part) ? 0 : part), 0);
  return mask === 0 ? absent('unsupported') : mask;
}

function conditionBits(health: XmlElement, { name, shift, so, not }: (typeof conditions)[number]): number | Absence {
  const text = elementAt(health, [name])?.text ?? '';
  if (text === so) return 1 << shift;
  if (text === not) return 2 << shift;
  return isNotTold(text) ? 0 : absent('malformed');
}

function configurationBits(health: XmlElement): number | Absence {
  const text = elementAt(health, ['incorrect_configuration'])?.text ?? '';
  if (text === 'None') return 1 << CONFIGURATION_SHIFT;
  return isNotTold(text) ? 0 : absent('malformed');
}

function isNotTold(text: string): boolean {
  return absenceOfCell(text)?.reason === 'unsupported';
}

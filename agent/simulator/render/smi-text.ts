// How nvidia-smi writes times, addresses and GPUs that do not answer.
import { pciAddress } from '../pci-layout.ts';

/** 2021/06/24 10:26:49.788 */
export function timestampOf(wall: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${wall.getFullYear()}/${two(wall.getMonth() + 1)}/${two(wall.getDate())}`;
  return `${date} ${two(wall.getHours())}:${two(wall.getMinutes())}:${two(wall.getSeconds())}.${String(wall.getMilliseconds()).padStart(3, '0')}`;
}

/** Thu Jun 24 10:26:49 2021 */
export function longTimestampOf(wall: Date): string {
  const [day = '', month = '', date = '', year = '', time = ''] = wall.toString().split(' ');
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`;
}

/** 00000000:06:00.0 */
export function smiBusId(bus: number): string {
  return `0000${pciAddress(bus).toUpperCase()}`;
}

export function lostMessage(bus: number): string {
  return `Unable to determine the device handle for GPU ${pciAddress(bus).toUpperCase()}: GPU is lost.  Reboot the system to recover this GPU`;
}

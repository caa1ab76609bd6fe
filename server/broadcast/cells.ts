// One cell per GPU of the fleet page, in the directory's order.
import { CELL_BYTES, leafClasses, writeCell, type Alert, type LeafClass } from '#server/contract';
import type { FleetGpu } from '../fleet/gpu.ts';

const CHANGED_MS = 30_000;
const numbers = new Map<LeafClass, number>(leafClasses.map((leaf, number) => [leaf, number]));

export function buildCells(gpus: readonly FleetGpu[], alerts: readonly Alert[], nowMs: number): Uint8Array {
  const cells = new Uint8Array(gpus.length * CELL_BYTES);
  const firing = alerts.filter(({ state }) => state === 'firing');
  const alarmed = new Set(firing.map(({ node, uuid }) => `${node} ${uuid ?? ''}`));
  // A driver that hangs is an alert of its node and the trouble of each of its GPUs.
  const hanging = new Set(firing.filter(({ kind }) => kind === 'driver_hangs').map(({ node }) => node));
  for (const [at, gpu] of gpus.entries()) {
    const { account, node } = gpu;
    const up = node.isUp(nowMs);
    const orNull = (value: number): number | null => (up && !Number.isNaN(value) ? value : null);
    writeCell(cells, at, {
      class: numbers.get(account.class) ?? 0,
      busyPercent: orNull(gpu.utilization * 100),
      powerWatts: orNull(gpu.power),
      temperatureCelsius: orNull(gpu.temperature),
      memoryPercent: orNull((gpu.memoryUsed / gpu.memoryTotal) * 100),
      changed: account.sinceMs !== account.firstSeenMs && nowMs - account.sinceMs < CHANGED_MS,
      alert: alarmed.has(`${node.name} ${gpu.uuid}`) || hanging.has(node.name),
    });
  }
  return cells;
}

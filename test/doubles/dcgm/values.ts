// A sheet's values by metric and labels, as a test writes them down: `gpu_clock_hertz{domain=sm}`.
import { isAbsent } from '#agent/contract';
import type { GpuSheet } from '../../../agent/parse/gpu/sheet.ts';

export function valuesOf(sheet: GpuSheet | undefined): Readonly<Record<string, number | bigint | string>> {
  return Object.fromEntries(
    (sheet?.values ?? []).map(({ column: { id, labels }, value }) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}=${text}`);
      return [pairs.length > 0 ? `${id}{${pairs.join(',')}}` : id, isAbsent(value) ? value.reason : value];
    }),
  );
}

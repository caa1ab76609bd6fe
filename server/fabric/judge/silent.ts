// Devices that do not answer the sweep. What else is wrong with their links cannot be known.
import type { FabricFinding } from '../finding.ts';
import { silentKey } from '../history.ts';
import { nameOf, plural, renderSince, type Judging } from './judging.ts';

/** More silent devices than this have one cause: the sweep itself. */
export const SILENT_APART = 16;

export function isSilent({ model }: Judging, guid: string): boolean {
  return model.silent.some((one) => one.guid === guid);
}

export function judgeSilent(judging: Judging): readonly FabricFinding[] {
  const { model, history, nowMs } = judging;
  const silent = model.silent.flatMap((one) => {
    const sinceMs = history.silentSince(silentKey(one)) ?? nowMs;
    // A packet that was lost once is no silence.
    return history.sweeps > 1 && sinceMs >= nowMs ? [] : [{ ...one, sinceMs }];
  });
  if (silent.length > SILENT_APART)
    return [tellMany(judging, silent.length, Math.min(...silent.map((one) => one.sinceMs)))];
  return silent.map((one) => {
    const known = one.guid === null ? undefined : (model.devices.get(one.guid) ?? history.device(one.guid));
    const guid = one.guid ?? '';
    const name = nameOf({ guid: silentKey(one), name: known?.name ?? one.name });
    const node = (one.guid === null ? undefined : model.devices.get(one.guid)?.node) ?? null;
    const lid = one.lid === null ? '' : ` (LID ${one.lid})`;
    return {
      id: `silent_node:${silentKey(one)}`,
      kind: 'silent_node',
      severity: 'warning',
      ports: guid === '' ? [] : [{ guid, port: 0, node, name }],
      sinceMs: one.sinceMs,
      text: `${name}${lid} does not answer management packets${renderSince(one.sinceMs, nowMs)}`,
    };
  });
}

function tellMany({ nowMs, model }: Judging, count: number, sinceMs: number): FabricFinding {
  const text = `${plural(count, 'device')} of ${model.devices.size} do not answer management packets${renderSince(sinceMs, nowMs)}`;
  return { id: 'silent_node:many', kind: 'silent_node', severity: 'critical', ports: [], sinceMs, text };
}

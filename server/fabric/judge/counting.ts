// Counters that cannot be believed: those that stand at their ceiling, and those that somebody reset. Information, and each is
// told once for a device, or once for the fabric where many have it.
import type { FabricFinding, FindingKind } from '../finding.ts';
import type { ModelPort } from '../model.ts';
import type { PortHistory } from '../port-history.ts';
import {
  deviceOf,
  earliest,
  historyOf,
  HOUR_MS,
  nameOf,
  plural,
  portOf,
  renderSince,
  type Judging,
} from './judging.ts';

/** A reset is told for a day. */
export const RESET_TOLD_MS = 24 * HOUR_MS;
/** More devices than this have one cause. */
export const DEVICES_APART = 4;
const MAX_PORTS = 64;

/** What is noise while it grows is noise at its ceiling too. */
const noise: ReadonlySet<string> = new Set([
  'PortRcvSwitchRelayErrors',
  'VL15Dropped',
  'PortRcvRemotePhysicalErrors',
  'QP1Dropped',
]);

interface Affected {
  readonly port: ModelPort;
  readonly what: string;
  readonly sinceMs: number | null;
}

export function judgeResets(judging: Judging): readonly FabricFinding[] {
  const affected = linked(judging, (port, history) => {
    const { lastResetMs, resets } = history;
    const isRecent = lastResetMs !== null && judging.nowMs - lastResetMs < RESET_TOLD_MS;
    return isRecent ? [{ port, what: plural(resets, 'time'), sinceMs: lastResetMs }] : [];
  });
  return tell(judging, affected, {
    kind: 'counters_reset',
    verb: 'counters fell: somebody resets them, or it started anew',
  });
}

export function judgeSaturated(judging: Judging): readonly FabricFinding[] {
  const affected = linked(judging, (port, { saturated }) => {
    const names = [...saturated].filter((name) => !noise.has(name));
    return names.length === 0 ? [] : [{ port, what: names.join(', '), sinceMs: null }];
  });
  return tell(judging, affected, {
    kind: 'saturated',
    verb: 'counters stand at their ceiling, nothing more is seen of them',
  });
}

function linked(
  judging: Judging,
  judge: (port: ModelPort, history: PortHistory) => readonly Affected[],
): readonly Affected[] {
  return [...judging.model.ports.values()].flatMap((port) => {
    const history = historyOf(judging, port);
    return history && judging.model.linkOf.has(port.key) ? judge(port, history) : [];
  });
}

function tell(
  { nowMs }: Judging,
  affected: readonly Affected[],
  { kind, verb }: { readonly kind: FindingKind; readonly verb: string },
): readonly FabricFinding[] {
  const devices = [...Map.groupBy(affected, ({ port }) => port.device.guid)];
  if (devices.length > DEVICES_APART) {
    const sinceMs = earliest(affected.map((one) => one.sinceMs));
    const text = `${plural(affected.length, 'port')} of ${plural(devices.length, 'device')}${renderSince(sinceMs, nowMs)}: ${verb}`;
    const ports = affected.slice(0, MAX_PORTS).map(({ port }) => portOf(port));
    return [{ id: `${kind}:many`, kind, severity: 'info', ports, sinceMs, text }];
  }
  return devices.flatMap(([guid, ofDevice]) => {
    const [first] = ofDevice;
    if (!first) return [];
    const sinceMs = earliest(ofDevice.map((one) => one.sinceMs));
    const list = ofDevice.slice(0, 4).map(({ port, what }) => `port ${port.port} (${what})`);
    const text = `${nameOf(first.port.device)} ${list.join(', ')}${renderSince(sinceMs, nowMs)}: ${verb}`;
    const ports = ofDevice.map(({ port }) => ({ ...deviceOf(port.device), port: port.port }));
    return [{ id: `${kind}:${guid}`, kind, severity: 'info', ports, sinceMs, text }];
  });
}

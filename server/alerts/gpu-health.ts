// Alerts about GPUs that are ill: a driver that hangs, GPUs that are lost, Xids that somebody must act on.
// They fire at once. Xids of jobs and of the driver never do: agent/contract/xid.ts says which is which.
import { xidOf, type XidClass } from '#agent/contract';
import type { Alert } from '#server/contract';
import type { FleetGpu } from '../fleet/gpu.ts';
import type { FleetNode } from '../fleet/node.ts';
import { driverHangsText, gpuLostText, gpusMissingText, xidText } from './texts.ts';

/** An Xid is shown for so long after it was last reported. */
const XID_SHOWN_MS = 3_600_000;
/** GPUs that are only slow to come up are not lost. */
const MISSING_AFTER_MS = 60_000;

const severities: Readonly<Partial<Record<XidClass, Alert['severity']>>> = {
  hardware: 'critical',
  degraded: 'warning',
};

type Identity = Pick<Alert, 'id' | 'kind' | 'node' | 'gpu' | 'uuid'>;

export function alertsOfReader(node: FleetNode, gpus: readonly FleetGpu[], nowMs: number): readonly Alert[] {
  const outage = node.readerOutage(nowMs);
  if (outage?.kind !== 'driver_hangs') return [];
  const text = driverHangsText(node.name, nowMs - outage.since_ms, gpus.length);
  return [{ ...ofNode('driver_hangs', node), ...firing('critical', outage.since_ms), text }];
}

export function alertsOfLoss({ node, gpu, uuid, outage }: FleetGpu, nowMs: number): readonly Alert[] {
  if (outage?.kind !== 'gpu_lost') return [];
  const identity: Identity = {
    id: `gpu_lost:${node.name}:${gpu}:${uuid}`,
    kind: 'gpu_lost',
    node: node.name,
    gpu,
    uuid,
  };
  const text = gpuLostText(node.name, gpu, nowMs - outage.since_ms);
  return [{ ...identity, ...firing('critical', outage.since_ms), text }];
}

export function alertsOfXids({ node, gpu, uuid, xids }: FleetGpu): readonly Alert[] {
  return xids.flatMap(({ code, last }) => {
    const meaning = xidOf(code);
    const severity = severities[meaning.class];
    // Both by the node's clock, which may have been set back since.
    const atMs = node.level(last) * 1000;
    if (severity === undefined || !(Math.abs((node.lastSampleMs ?? NaN) - atMs) < XID_SHOWN_MS)) return [];
    const id = `gpu_xid:${node.name}:${gpu}:${uuid}:${code}`;
    const identity: Identity = { id, kind: 'gpu_xid', node: node.name, gpu, uuid };
    const text = xidText(node.name, gpu, { code, title: meaning.title, advice: meaning.advice });
    return [{ ...identity, ...firing(severity, atMs), text }];
  });
}

/** GPUs that are on the PCI bus and that the driver does not show at all, not even as lost. */
export class MissingGpus {
  readonly #since = new Map<string, number>();

  alertsOf(node: FleetNode, gpus: readonly FleetGpu[], nowMs: number): readonly Alert[] {
    const { gpus: seenSeries, expected: expectedSeries } = node.schema.reader;
    const seen = node.level(seenSeries);
    const expected = node.level(expectedSeries);
    const known = gpus.filter(({ outage }) => outage?.kind === 'gpu_lost').length;
    // A page of another program need not name all of them.
    if (!(expected - seen > known) || node.backend === 'dcgm_exporter') {
      this.#since.delete(node.name);
      return [];
    }
    const sinceMs = this.#since.get(node.name) ?? nowMs;
    this.#since.set(node.name, sinceMs);
    const state = nowMs - sinceMs >= MISSING_AFTER_MS ? 'firing' : 'pending';
    const text = gpusMissingText(node.name, seen, expected);
    return [{ ...ofNode('gpu_lost', node), severity: 'critical', state, since_ms: sinceMs, text }];
  }
}

function ofNode(kind: Alert['kind'], { name }: FleetNode): Identity {
  return { id: `${kind}:${name}`, kind, node: name, gpu: null, uuid: null };
}

function firing(severity: Alert['severity'], sinceMs: number): Pick<Alert, 'severity' | 'state' | 'since_ms'> {
  return { severity, state: 'firing', since_ms: sinceMs };
}

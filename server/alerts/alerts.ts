// What somebody should look at: GPUs that are ill, held idle or underused, nodes that deliver nothing, and what other sources say.
// A condition is pending from when it is seen and fires once it has lasted as long as the configuration says.
import type { Alert } from '#server/contract';
import type { ServerConfig } from '../config.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { FleetGpu } from '../fleet/gpu.ts';
import type { FleetNode } from '../fleet/node.ts';
import { alertsOfLoss, alertsOfReader, alertsOfXids, MissingGpus } from './gpu-health.ts';
import { heldIdleText, nodeDownText, underusedText } from './texts.ts';

export type AlertSettings = Pick<
  ServerConfig,
  'alerts.held_idle_after' | 'alerts.underused_after' | 'alerts.underused_below' | 'alerts.node_down_after'
>;

/** Alerts that are judged elsewhere: of fabrics, of links. */
export type AlertSource = (nowMs: number) => readonly Alert[];

/** A GPU held idle for so long is critical. */
const CRITICAL_AFTER_MS = 4 * 3_600_000;

export class Alerts {
  readonly #fleet: Fleet;
  readonly #settings: AlertSettings;
  readonly #sources: readonly AlertSource[];
  readonly #missing = new MissingGpus();
  #current: readonly Alert[] = [];

  constructor(fleet: Fleet, settings: AlertSettings, sources: readonly AlertSource[] = []) {
    this.#fleet = fleet;
    this.#sources = sources;
    this.#settings = settings;
  }

  /** Firing ones first, the oldest on top. */
  get current(): readonly Alert[] {
    return this.#current;
  }

  /** Looks at the fleet as it is now; called once a second, after the verdicts were renewed. */
  renew(nowMs: number): void {
    const nodes = this.#fleet.nodes.flatMap((node) => this.#ofNode(node, nowMs));
    const gpus = this.#fleet.gpus.flatMap((gpu) => this.#ofGpu(gpu, nowMs));
    const others = this.#sources.flatMap((source) => source(nowMs));
    this.#current = [...nodes, ...gpus, ...others].toSorted(
      (a, b) => Number(b.state === 'firing') - Number(a.state === 'firing') || a.since_ms - b.since_ms,
    );
  }

  #ofNode(node: FleetNode, nowMs: number): readonly Alert[] {
    const sinceMs = node.lastReceivedMs;
    if (sinceMs === undefined) return [];
    const gpus = this.#fleet.gpusOf(node);
    if (node.isUp(nowMs)) return [...alertsOfReader(node, gpus, nowMs), ...this.#missing.alertsOf(node, gpus, nowMs)];
    return [
      {
        id: `node_down:${node.name}`,
        kind: 'node_down',
        severity: 'warning',
        state: stateOf(nowMs - sinceMs, this.#settings['alerts.node_down_after']),
        node: node.name,
        gpu: null,
        uuid: null,
        since_ms: sinceMs,
        text: nodeDownText(node.name, nowMs - sinceMs, gpus.length),
      },
    ];
  }

  /** The GPUs of a silent node have one alert, the node's. */
  #ofGpu(gpu: FleetGpu, nowMs: number): readonly Alert[] {
    const lowSinceMs = gpu.account.lowSince(nowMs, this.#settings['alerts.underused_below']);
    if (!gpu.node.isUp(nowMs)) return [];
    return [...alertsOfLoss(gpu, nowMs), ...alertsOfXids(gpu), ...this.#ofUse(gpu, lowSinceMs, nowMs)];
  }

  #ofUse(gpu: FleetGpu, lowSinceMs: number | undefined, nowMs: number): readonly Alert[] {
    if (gpu.account.class === 'held.idle') return [this.#heldIdle(gpu, nowMs)];
    return lowSinceMs === undefined ? [] : [this.#underused(gpu, lowSinceMs, nowMs)];
  }

  #heldIdle(gpu: FleetGpu, nowMs: number): Alert {
    const { sinceMs } = gpu.account;
    const forMs = nowMs - sinceMs;
    return {
      ...identityOf(gpu, 'gpu_held_idle'),
      severity: forMs >= CRITICAL_AFTER_MS ? 'critical' : 'warning',
      state: stateOf(forMs, this.#settings['alerts.held_idle_after']),
      since_ms: sinceMs,
      text: heldIdleText(gpu, forMs),
    };
  }

  #underused(gpu: FleetGpu, sinceMs: number, nowMs: number): Alert {
    return {
      ...identityOf(gpu, 'gpu_underused'),
      severity: 'warning',
      state: stateOf(nowMs - sinceMs, this.#settings['alerts.underused_after']),
      since_ms: sinceMs,
      text: underusedText(gpu, nowMs - sinceMs),
    };
  }
}

function identityOf(gpu: FleetGpu, kind: Alert['kind']): Pick<Alert, 'id' | 'kind' | 'node' | 'gpu' | 'uuid'> {
  return {
    id: `${kind}:${gpu.node.name}:${gpu.gpu}:${gpu.uuid}`,
    kind,
    node: gpu.node.name,
    gpu: gpu.gpu,
    uuid: gpu.uuid,
  };
}

function stateOf(forMs: number, afterMs: number): Alert['state'] {
  return forMs >= afterMs ? 'firing' : 'pending';
}

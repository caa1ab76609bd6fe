// Stand-ins for what surrounds the server's parts: a clock that is set, and an agent that says what it is told to.
import {
  agentCatalogue,
  FrameEncoder,
  PRESENT,
  PROTOCOL_VERSION,
  stateOfReason,
  type AbsenceReason,
  type AgentMetricId,
  type Hello,
  type SchemaMessage,
  type Steps,
} from '#agent/contract';
import { serverSettings, type ServerConfig } from '../../server/config.ts';
import type { Clock } from '../../server/clock.ts';
import { Fleet } from '../../server/fleet/fleet.ts';
import type { FleetNode } from '../../server/fleet/node.ts';
import { Ledger } from '../../server/ledger/ledger.ts';

/** A whole slot of 10 s begins here. */
export const START_MS = 1_700_000_000_000;

export class SetClock implements Clock {
  ms = START_MS;
  wallMs(): number {
    return this.ms;
  }
  nowMs(): number {
    return this.ms;
  }
}

export const defaultConfig: ServerConfig = {
  'server.listen': { host: '127.0.0.1', port: 0 },
  'server.data': undefined,
  'server.cluster': serverSettings['server.cluster'].default,
  'server.with_agent': false,
  'server.tls_cert_file': undefined,
  'server.tls_key_file': undefined,
  'server.handshakes_per_second': serverSettings['server.handshakes_per_second'].default,
  'journal.keep': serverSettings['journal.keep'].default,
  'journal.cap': serverSettings['journal.cap'].default,
  'history.keep': serverSettings['history.keep'].default,
  'history.keep_hours': serverSettings['history.keep_hours'].default,
  'history.cap': serverSettings['history.cap'].default,
  'access.mode': undefined,
  'access.hosts': [],
  'jobs.scontrol': 'off',
  'jobs.slurm_conf': undefined,
  'jobs.slurm_url': undefined,
  'jobs.slurm_token_file': undefined,
  'jobs.slurm_user': undefined,
  'jobs.interval': 15_000,
  'jobs.keep': 1e12,
  'ledger.keep': 1e12,
  'ledger.price': undefined,
  'ledger.currency': 'EUR',
  'alerts.held_idle_after': serverSettings['alerts.held_idle_after'].default,
  'alerts.underused_after': serverSettings['alerts.underused_after'].default,
  'alerts.underused_below': serverSettings['alerts.underused_below'].default,
  'alerts.node_down_after': serverSettings['alerts.node_down_after'].default,
};

/** What a fleet is summed up with, where nobody says who has its GPUs. */
export const fleetState = {
  cluster: 'c',
  attribution: { gpus: 0, attributed: 0, problem: null, reasons: [], text: '' },
};

export const inventory: Hello['inventory'] = {
  hostname: 'host',
  kernel: '6.1',
  os: 'Debian',
  arch: 'x64',
  product: 'HGX-2',
  vendor: 'NVIDIA',
  bootId: 'b',
  cpuModel: 'Xeon',
  cpus: 96,
  memoryBytes: 1e12,
};

export function helloOf(node: string, over: Partial<Hello> = {}): Hello {
  return {
    protocol: PROTOCOL_VERSION,
    node,
    instance: 'instance-of-' + node,
    agentVersion: '0.1.0',
    intervalMs: 1000,
    timeMs: START_MS,
    inventory,
    ...over,
  };
}

/** A value in steps, or the reason why there is none. */
export type StandInValue = Steps | AbsenceReason;
export type StandInSeries = readonly [id: AgentMetricId, labels: readonly string[], value: StandInValue];

/** Encodes frames for a list of series as an agent does. */
export class StandInAgent {
  readonly #encoder = new FrameEncoder();
  #seq = 0;
  generation = 1;

  schema(series: readonly StandInSeries[]): SchemaMessage {
    return { generation: this.generation, series: series.map(([id, labels]) => [id, [...labels]]) };
  }

  key(series: readonly StandInSeries[], timeMs: number): Uint8Array {
    return this.#encoder.key(this.#head(timeMs), series.map(encoded));
  }

  delta(series: readonly StandInSeries[], timeMs: number): Uint8Array {
    return this.#encoder.delta(this.#head(timeMs), series.map(encoded));
  }

  #head(timeMs: number) {
    return { seq: this.#seq++, generation: this.generation, timeMs };
  }
}

function encoded([, , value]: StandInSeries) {
  return typeof value === 'string' ? { steps: 0, state: stateOfReason(value) } : { steps: value, state: PRESENT };
}

export interface GpuValues {
  readonly gpu?: string;
  readonly uuid?: string;
  /** Percent. */
  readonly busy?: number | AbsenceReason;
  readonly processes?: number | AbsenceReason;
  readonly memoryUsed?: number | AbsenceReason;
}

/** The series of one GPU. */
export function gpuSeries({
  gpu = '0',
  uuid = `GPU-${gpu}`,
  busy = 0,
  processes = 0,
  memoryUsed = 0,
}: GpuValues): StandInSeries[] {
  const labels = [gpu, uuid, `0000:0${gpu}:00.0`];
  const info = agentCatalogue.gpu_info.labels.map((label) => (label === 'name' ? 'Tesla V100' : label));
  return [
    ['gpu_info', [...labels, ...info.slice(3)], 1],
    ['gpu_up', labels, 1],
    ['gpu_utilization_ratio', labels, typeof busy === 'number' ? busy * 10 : busy],
    ['gpu_memory_total_bytes', [...labels, '', ''], 32e9],
    ['gpu_memory_used_bytes', [...labels, '', ''], memoryUsed],
    ['gpu_processes', [...labels, 'compute'], processes],
  ];
}

/** One node of a fleet of its own, fed by hand. */
export class StandInNode {
  readonly clock: SetClock;
  readonly fleet: Fleet;
  readonly node: FleetNode;
  readonly #agent = new StandInAgent();
  #schema = '';

  constructor(name: string, surroundings: { readonly clock?: SetClock; readonly fleet?: Fleet } = {}) {
    this.clock = surroundings.clock ?? new SetClock();
    this.fleet = surroundings.fleet ?? new Fleet(new Ledger());
    this.node = this.fleet.greet(helloOf(name, { timeMs: this.clock.ms }), this.clock.ms);
  }

  /** One sample now. */
  sample(series: readonly StandInSeries[]): void {
    const nowMs = this.clock.ms;
    const schema = JSON.stringify(series.map(([id, labels]) => [id, labels]));
    const key = schema !== this.#schema;
    this.#schema = schema;
    if (key) this.fleet.adopt(this.node, this.#agent.schema(series).series, nowMs);
    const bytes = key ? this.#agent.key(series, nowMs) : this.#agent.delta(series, nowMs);
    this.fleet.take(this.node, { bytes, key, receivedMs: nowMs, timeMs: nowMs });
    this.advance(nowMs);
  }

  /** Books and shows what is booked. */
  advance(nowMs: number): void {
    this.fleet.advance(nowMs);
    this.fleet.unsaved()?.publish();
  }

  /** The same sample every second. */
  samples(seconds: number, series: readonly StandInSeries[]): void {
    for (let second = 0; second < seconds; second++) {
      this.sample(series);
      this.clock.ms += 1000;
    }
  }

  /** Nothing for a while. */
  silence(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      this.clock.ms += 1000;
      this.advance(this.clock.ms);
    }
  }
}

// A fat tree that tests damage: hosts with adapters below leaves, leaves below spines; sweeps of it every ten seconds.
import type { FabricPort, FabricSweep } from '#agent/contract';
import { judgeFabric, type JudgeOptions } from '../../../server/fabric/findings.ts';
import { FabricHistory } from '../../../server/fabric/history.ts';
import { buildFabricModel, type AgentPort, type FabricModel } from '../../../server/fabric/model.ts';

export const NOON = Date.UTC(2026, 10, 25, 12);
export const PERIOD_MS = 10_000;
/** Signalling rates of a lane in bytes a second. */
export const EDR = 25.78125e9 / 8;
export const FDR = 14.0625e9 / 8;
export const HDR = 53.125e9 / 8;
/** What a 4X EDR link carries, in words of four bytes a second. */
export const EDR_WORDS = 12.5e9 / 4;
/** 128 bytes a tick: Switch-IB 2 at four lanes. */
export const EDR_TICKS = 12.5e9 / 128;

export const CONNECTX4 = 0x1013;
export const SWITCH_IB2 = 0xcf08;

const noCounts: FabricPort['counters'] = Object.fromEntries(
  [
    ...['PortXmitData', 'PortRcvData', 'PortXmitWait', 'PortXmitDiscards', 'PortRcvErrors', 'SymbolErrorCounter'],
    ...['LinkErrorRecoveryCounter', 'LinkDownedCounter', 'LocalLinkIntegrityErrors', 'ExcessiveBufferOverrunErrors'],
  ].map((name) => [name, '0']),
);

type Device = FabricSweep['devices'][number];
type Port = { -readonly [K in keyof FabricPort]: FabricPort[K] };

export interface Shape {
  readonly hosts?: number;
  readonly adapters?: number;
  readonly leaves?: number;
  readonly spines?: number;
  /** Between each leaf and each spine. */
  readonly uplinks?: number;
}

export class Net {
  readonly devices = new Map<string, Device>();
  readonly ports = new Map<string, Port>();
  readonly silent: { guid: string | null; lid: number | null; name: string }[] = [];
  readonly history = new FabricHistory();
  agents: readonly AgentPort[] = [];
  nowMs = NOON;

  /** hosts gpu01… with adapters mlx5_0… at leaf1…; uplinks at ports 17… of a leaf. */
  constructor({ hosts = 16, adapters = 1, leaves = 4, spines = 2, uplinks = 2 }: Shape = {}) {
    for (let leaf = 1; leaf <= leaves; leaf++) this.#device(`leaf${leaf}`, 'switch', 36);
    for (let spine = 1; spine <= spines; spine++) this.#device(`spine${spine}`, 'switch', 36);
    for (let leaf = 1; leaf <= leaves; leaf++)
      for (let at = 0; at < spines * uplinks; at++) {
        const spine = 1 + Math.floor(at / uplinks);
        this.link([`leaf${leaf}`, 17 + at], [`spine${spine}`, (leaf - 1) * uplinks + (at % uplinks) + 1]);
      }
    const perLeaf = Math.ceil(hosts / leaves);
    for (let host = 0; host < hosts; host++)
      for (let adapter = 0; adapter < adapters; adapter++) {
        const name = `gpu${String(host + 1).padStart(2, '0')} mlx5_${adapter}`;
        this.#device(name, 'hca', 1);
        const leaf = adapters > 1 ? (adapter % leaves) + 1 : Math.floor(host / perLeaf) + 1;
        const port = adapters > 1 ? host * Math.ceil(adapters / leaves) + Math.floor(adapter / leaves) : host % perLeaf;
        this.link([name, 1], [`leaf${leaf}`, port + 1]);
      }
  }

  guid(name: string): string {
    const found = [...this.devices.values()].find((device) => device.name === name);
    if (!found) throw new Error(`no device ${name}`);
    return found.guid;
  }

  port(name: string, port: number): Port {
    const found = this.ports.get(`${this.guid(name)}/${port}`);
    if (!found) throw new Error(`no port ${port} of ${name}`);
    return found;
  }

  /** Adds to a counter. */
  count(name: string, port: number, counter: string, amount: number | bigint): void {
    const one = this.port(name, port);
    one.counters = { ...one.counters, [counter]: String(BigInt(one.counters[counter] ?? '0') + BigInt(amount)) };
  }

  set(name: string, port: number, over: Partial<Port>): void {
    Object.assign(this.port(name, port), over);
  }

  /** Both ends. */
  setLink(name: string, port: number, over: Partial<Port>): void {
    const { peer } = this.port(name, port);
    this.set(name, port, over);
    Object.assign(this.ports.get(`${peer?.guid ?? ''}/${peer?.port ?? 0}`) ?? {}, over);
  }

  link([a, portA]: readonly [string, number], [b, portB]: readonly [string, number]): void {
    const ends = [
      { guid: this.guid(a), port: portA },
      { guid: this.guid(b), port: portB },
    ] as const;
    this.#port(ends[0], ends[1]);
    this.#port(ends[1], ends[0]);
  }

  unlink(name: string, port: number): void {
    const { peer } = this.port(name, port);
    const down = { state: 1, physicalState: 2, widthLanes: null, laneBytesPerSecond: null, peer: null };
    this.set(name, port, down);
    if (peer) Object.assign(this.ports.get(`${peer.guid}/${peer.port}`) ?? {}, down);
  }

  /** Takes a device out of the sweep; the ports that led to it are down. */
  remove(name: string): void {
    const guid = this.guid(name);
    for (const port of [...this.ports.values()].filter((one) => one.guid === guid)) {
      if (port.peer) this.unlink(name, port.port);
      this.ports.delete(`${guid}/${port.port}`);
    }
    this.devices.delete(guid);
  }

  sweep(): FabricSweep {
    return {
      subnet: 'fe80000000000000',
      startedMs: this.nowMs - 500,
      endedMs: this.nowMs,
      topologyMs: this.nowMs - 500,
      devices: [...this.devices.values()],
      ports: [...this.ports.values()].map((port) => ({ ...port })),
      silent: [...this.silent],
      problems: [],
    };
  }

  model(): FabricModel {
    return buildFabricModel(this.sweep(), this.agents);
  }

  /** Sweeps for a while; what happens between two sweeps is told by `each`. */
  run(seconds: number, each: () => void = () => undefined): void {
    for (let at = 0; at < seconds * 1000; at += PERIOD_MS) {
      each();
      this.nowMs += PERIOD_MS;
      this.history.add(this.sweep());
    }
  }

  findings(options?: JudgeOptions) {
    return judgeFabric(this.model(), this.history, options);
  }

  /** `kind severity names of the ports`, for tables. */
  brief(options?: JudgeOptions): readonly string[] {
    return this.findings(options).map(
      ({ kind, severity, ports }) =>
        `${kind} ${severity} ${ports.map(({ name, port }) => `${name}/${port}`).join(' ')}`,
    );
  }

  #device(name: string, kind: Device['kind'], ports: number): void {
    const guid = (0x506b4b0300a00000n + BigInt(this.devices.size) * 16n).toString(16);
    const deviceId = kind === 'switch' ? SWITCH_IB2 : CONNECTX4;
    const lid = this.devices.size + 1;
    this.devices.set(guid, { guid, kind, name, lid, ports, systemGuid: guid, vendorId: 0x2c9, deviceId });
  }

  #port(place: { guid: string; port: number }, peer: { guid: string; port: number }): void {
    this.ports.set(`${place.guid}/${place.port}`, {
      ...place,
      portGuid: (BigInt(`0x${place.guid}`) + BigInt(place.port)).toString(16).padStart(16, '0'),
      lid: null,
      state: 4,
      physicalState: 5,
      widthLanes: 4,
      laneBytesPerSecond: EDR,
      // As the simulator and real switches hint on every link: neither adapter nor switch can do it.
      widthLanesBest: 12,
      laneBytesPerSecondBest: HDR,
      peer,
      counters: noCounts,
      hasWideErrors: this.devices.get(place.guid)?.kind === 'switch',
      tickBytes: null,
    });
  }
}

/** An agent on a host of the net. */
export function agentOf(net: Net, node: string, adapter: string, over: Partial<AgentPort> = {}): AgentPort {
  const guid = net.port(adapter, 1).portGuid ?? '';
  const written = guid.replace(/(.{4})(?=.)/g, '$1:');
  return {
    node,
    device: adapter.split(' ')[1] ?? '',
    port: '1',
    guid: written,
    role: '',
    busy: false,
    bootMs: null,
    ...over,
  };
}

// One InfiniBand port of a node beyond its figures: what it is plugged into, whether it runs narrower or slower than those that
// do the same work, what waiting costs it. Pure.
import { absenceText } from '../../format/absence.ts';
import { figureOf } from '../../format/quantity.ts';
import type { Device, NodeValues, SeriesIndex, Value } from '../../live/node-values.ts';
import { portStates } from '../fabric/links.ts';

type Labels = Readonly<Record<string, string>>;

export interface PortFacts {
  readonly port: Device;
  /** compute, storage, management, bridge; empty where nobody says. */
  readonly role: string;
  readonly rail: string;
  readonly state: string;
  /** `leaf5/7`; empty without a sweep. */
  readonly peer: string;
  /** `guid/port` of the port's device, as the fabric page knows it; empty without a sweep. */
  readonly link: string;
  /** `4X`, in words what it should be where it is less. */
  readonly width: string;
  readonly narrow: boolean;
  readonly slow: boolean;
}

const ACTIVE = 'active';
const BEST_LANES = 4;

export function portFacts(index: SeriesIndex, values: NodeValues): readonly PortFacts[] {
  const infos = byPort(index.infos('infiniband_port_info'));
  const peers = byPort(values.derivedInfos('infiniband_port_peer_info'));
  const ports = index.devices('infiniband_state_id', ['device', 'port']);
  const figures = ports.map((port) => ({
    port,
    role: infos.get(port.key)?.['role'] ?? '',
    lanes: numberOf(values.of('infiniband_link_width_lanes', port)),
    lane: numberOf(values.of('infiniband_link_lane_bytes_per_second', port)),
  }));
  const most = (role: string, figure: 'lanes' | 'lane'): number =>
    Math.max(...figures.filter((one) => one.role === role).map((one) => (Number.isNaN(one[figure]) ? 0 : one[figure])));
  return figures.map(({ port, role, lanes, lane }) => {
    const peer = peers.get(port.key);
    const narrow = lanes < Math.min(BEST_LANES, most(role, 'lanes'));
    return {
      port,
      role,
      rail: infos.get(port.key)?.['rail'] ?? '',
      state: stateOf(values, port),
      peer: peer ? peerName(peer) : '',
      link: peer ? `${peer['peer_guid'] ?? ''}/${peer['peer_port'] ?? ''}` : '',
      width: Number.isNaN(lanes) ? '' : narrow ? `${lanes}X of ${most(role, 'lanes')}X` : `${lanes}X`,
      narrow,
      slow: lane < most(role, 'lane'),
    };
  });
}

export const isActive = ({ state }: PortFacts): boolean => state === ACTIVE;

const byPort = (all: readonly Labels[]): ReadonlyMap<string, Labels> =>
  new Map(all.map((labels) => [`${labels['device'] ?? ''}/${labels['port'] ?? ''}`, labels]));

const numberOf = (value: Value): number => (value?.kind === 'value' ? value.value : NaN);

function stateOf(values: NodeValues, port: Device): string {
  const state = numberOf(values.of('infiniband_state_id', port));
  return Number.isNaN(state) ? '' : (portStates[state] ?? `state ${state}`);
}

function peerName({ peer_name = '', peer_guid = '', peer_port = '', peer_kind = '' }: Labels): string {
  const name = peer_name === '' ? peer_guid : peer_name;
  return peer_kind === 'hca' ? name : `${name}/${peer_port}`;
}

/** `9.9 %`, or `2–8 %` where the length of a wait tick is not known. */
export function waitText(values: NodeValues, port: Device): string | null {
  const low = numberOf(values.derivedOf('infiniband_congestion_ratio', port));
  const high = numberOf(values.derivedOf('infiniband_congestion_ratio_upper', port));
  if (Number.isNaN(low)) return null;
  return Number.isNaN(high) ? `${figureOf(low * 100)} %` : `${figureOf(low * 100)}–${figureOf(high * 100)} %`;
}

/** Why nothing is known of waiting. */
export function noWaitText(values: NodeValues, port: Device): string {
  const ticks = values.of('infiniband_port_transmit_wait_ticks_total', port);
  if (ticks === undefined) return 'not counted';
  return ticks.kind === 'absent' ? absenceText(ticks.reason) : 'not known';
}

const errorMetrics = [
  'infiniband_symbol_error_total',
  'infiniband_link_downed_total',
  'infiniband_link_error_recovery_total',
  'infiniband_port_errors_received_total',
  'infiniband_local_link_integrity_errors_total',
  'infiniband_excessive_buffer_overrun_errors_total',
  'infiniband_port_discards_transmitted_total',
] as const;

/** Of all error counters that can be read; else why they cannot. */
export function portErrors(values: NodeValues, port: Device): Value {
  const parts = errorMetrics.map((metric) => values.of(metric, port));
  const present = parts.flatMap((part) => (part?.kind === 'value' ? [part.value] : []));
  return present.length === 0 ? parts[0] : { kind: 'value', value: present.reduce((sum, one) => sum + one, 0) };
}

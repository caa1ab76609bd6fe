// Telemetry samples of NVIDIA UFM, as its streaming plugin sends them: counters of every port of a subnet.
// Mellanox/ufm_sdk_3.0, fluentd_telemetry_plugin. No reader receives them yet: this is wired to nothing.
import {
  absent,
  bytesPerSecond,
  isAbsent,
  ratio,
  timestampSeconds,
  type Absence,
  type Quantity,
  type Steps,
} from '#agent/contract';
import { ParseError } from '../parse-error.ts';
import { guidOf } from './line-parser.ts';
import { countOf, fieldsOf, numberOf, parseToolJson, textOf, type Fields } from './tool-json.ts';

export interface TelemetryPort {
  readonly nodeGuid: string;
  readonly portGuid: string | Absence;
  readonly port: number;
  readonly sampledAt: Quantity<'timestamp_seconds'> | Absence;
  /** Bytes, although the name says Gb. */
  readonly transmittedBytes: Steps | Absence;
  readonly receivedBytes: Steps | Absence;
  readonly transmittedPackets: Steps | Absence;
  readonly receivedPackets: Steps | Absence;
  /** By the names of infiniband-diags; those that were sent. */
  readonly counters: Readonly<Record<string, Steps | Absence>>;
  /** Blocks by how many symbols were corrected in them, from none. */
  readonly fecHistogram: readonly (Steps | Absence)[];
  /** What was lost to waiting, and as a share of the link. */
  readonly congested: Quantity<'bytes_per_second'> | Absence;
  readonly congestedRatio: Quantity<'ratio'> | Absence;
  readonly transmittedRatio: Quantity<'ratio'> | Absence;
}

export interface TelemetrySample {
  /** Otherwise only what has changed was sent: what is not there is as it was. */
  readonly isFull: boolean;
  readonly ports: readonly TelemetryPort[];
}

const SOURCE = 'UFM telemetry';
const BITS_PER_GBPS = 1e9;
const counterNames: Readonly<Record<string, string>> = {
  Infiniband_SymbolErrors_u_Errors: 'SymbolErrorCounter',
  Infiniband_LinkRecovers_u_Errors: 'LinkErrorRecoveryCounter',
  Infiniband_LinkDowned_u_Errors: 'LinkDownedCounter',
  Infiniband_RcvErrors_u_Errors: 'PortRcvErrors',
  Infiniband_RcvRemotePhysErrors_u_Errors: 'PortRcvRemotePhysicalErrors',
  Infiniband_RcvSwRelayErrors_u_Errors: 'PortRcvSwitchRelayErrors',
  Infiniband_XmtDiscards_u_Errors: 'PortXmitDiscards',
  Infiniband_XmtConstraintErrors_u_Errors: 'PortXmitConstraintErrors',
  Infiniband_RcvConstraintErrors_u_Errors: 'PortRcvConstraintErrors',
  Infiniband_LinkIntegrityErrors_u_Errors: 'LocalLinkIntegrityErrors',
  Infiniband_ExcBufOverrunErrors_u_Errors: 'ExcessiveBufferOverrunErrors',
  Infiniband_VL15Dropped_u_Drops: 'VL15Dropped',
  Infiniband_XmitWait_u_Ticks: 'PortXmitWait',
};

export function parseTelemetry(text: string): TelemetrySample {
  const root = fieldsOf(parseToolJson(text, SOURCE));
  const values = root?.['values'];
  if (!Array.isArray(values)) throw new ParseError(SOURCE, text, 'values of ports');
  return { isFull: root?.['type'] === 'full', ports: values.map(portOf) };
}

function portOf(value: unknown): TelemetryPort {
  const fields = fieldsOf(value) ?? {};
  const nodeGuid = guidIn(fields['node_guid']);
  const port = numberOf(fields['port_num']);
  if (isAbsent(nodeGuid) || isAbsent(port) || !Number.isInteger(port) || port < 0)
    throw new ParseError(SOURCE, JSON.stringify(value), 'node_guid and port_num');
  return {
    nodeGuid,
    portGuid: guidIn(fields['port_guid']),
    port,
    sampledAt: scaled(fields['timestamp'], (microseconds) => timestampSeconds(microseconds / 1e6)),
    transmittedBytes: countOf(fields['Infiniband_MBOut_u_Gb']),
    receivedBytes: countOf(fields['Infiniband_MBIn_u_Gb']),
    transmittedPackets: countOf(fields['Infiniband_PckOut_u_Packets']),
    receivedPackets: countOf(fields['Infiniband_PckIn_u_Packets']),
    counters: countersOf(fields),
    fecHistogram: histogramOf(fields),
    congested: scaled(fields['Infiniband_CBW_f_u_Gbps'], (rate) => bytesPerSecond((rate * BITS_PER_GBPS) / 8)),
    congestedRatio: scaled(fields['Infiniband_Normalized_CBW_f_u_Percent'], ofPercent),
    transmittedRatio: scaled(fields['Infiniband_Normalized_MBOut_f_u_Percent'], ofPercent),
  };
}

function guidIn(value: unknown): string | Absence {
  const text = textOf(value);
  if (isAbsent(text)) return text;
  return /^(?:0x)?[\da-f]{1,16}$/i.test(text) ? guidOf(text) : absent('malformed');
}

function ofPercent(percent: number): Quantity<'ratio'> {
  return ratio(percent / 100);
}

/** None of the levels of a port is below zero. */
function scaled<T>(value: unknown, unit: (value: number) => T): T | Absence {
  const number = numberOf(value);
  if (isAbsent(number)) return number;
  return number < 0 ? absent('malformed') : unit(number);
}

function countersOf(fields: Fields): Readonly<Record<string, Steps | Absence>> {
  const sent = Object.entries(counterNames).filter(([name]) => fields[name] !== undefined);
  return Object.fromEntries(sent.map(([name, counter]) => [counter, countOf(fields[name])]));
}

function histogramOf(fields: Fields): readonly (Steps | Absence)[] {
  const bins: (Steps | Absence)[] = [];
  while (fields[`hist${bins.length}_u_count`] !== undefined) bins.push(countOf(fields[`hist${bins.length}_u_count`]));
  return bins;
}

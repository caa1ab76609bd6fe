// Counters of all ports out of two listings of ibqueryerrors: data counters of every port, error counters that are not 0.
// A port that was asked and has no line among the errors has none: only then is a counter that was not printed 0.
import { errorCounters, WAIT_COUNTER } from '../parse/fabric/counter-names.ts';
import type { CountedPort, QueriedErrors } from '../parse/fabric/ibqueryerrors.ts';
import { placeKey, type PortPlace, type Topology } from './topology.ts';

export interface PortCounts {
  readonly counters: Readonly<Record<string, string>>;
  readonly hasWideErrors: boolean;
}

export interface CountSources {
  /** `--counters`; undefined where it failed. */
  readonly data: QueriedErrors | undefined;
  /** Without flags; undefined where it failed. */
  readonly errors: QueriedErrors | undefined;
  readonly topology: Topology;
  /** Devices that were asked about their counters and did not answer. */
  readonly unanswered: ReadonlySet<string>;
  /** Whether devices of this kind count PortXmitWait, as far as it is known. */
  readonly countsWait: (guid: string) => boolean;
}

const noErrors: Readonly<Record<string, string>> = Object.fromEntries(
  [...errorCounters.keys()].map((name) => [name, '0']),
);

/** By placeKey. */
export function countPorts(sources: CountSources): ReadonlyMap<string, PortCounts> {
  const { data, errors, topology } = sources;
  const counts = new Map<string, PortCounts>();
  for (const line of data?.ports ?? []) {
    const place = topology.byDeviceGuid(line.guid, line.port);
    if (place)
      counts.set(placeKey(place), { counters: { ...zeros(sources, place), ...line.counters }, hasWideErrors: false });
  }
  for (const line of errors?.ports ?? []) {
    const place = topology.byPortGuid(line.guid, line.port);
    if (place) counts.set(placeKey(place), withErrors(sources, place, line, counts.get(placeKey(place))));
  }
  return counts;
}

function withErrors(sources: CountSources, place: PortPlace, line: CountedPort, known?: PortCounts): PortCounts {
  return {
    counters: { ...(known?.counters ?? zeros(sources, place)), ...line.counters },
    hasWideErrors: line.hasWideErrors,
  };
}

function zeros(
  { errors, unanswered, countsWait }: CountSources,
  { guid }: PortPlace,
): Readonly<Record<string, string>> {
  if (!errors?.summary || unanswered.has(guid)) return {};
  return countsWait(guid) ? { ...noErrors, [WAIT_COUNTER]: '0' } : noErrors;
}

// Rails of one host that carry unequal traffic: settings that name too few adapters, or a rail that is lost. An adapter that is
// quiet on most busy hosts has another role.
import type { FabricFinding } from '../finding.ts';
import type { ModelPort } from '../model.ts';
import { TRAFFIC_MS } from '../traffic.ts';
import { historyOf, isActive, nameOf, portOf, renderRate, renderSince, type Judging } from './judging.ts';

/** Quietest by busiest rail over five minutes. */
export const BALANCE_BELOW = 0.5;
/** Below this use of the busiest rail, both directions added up, nobody needs the others. */
export const BALANCE_FROM_USE = 0.1;
/** An adapter of the same name that is as quiet on this share of busy hosts has another role. */
export const ROLE_SHARE = 0.5;

interface Rail {
  readonly port: ModelPort;
  readonly rate: number;
}
interface Host {
  readonly name: string;
  readonly rails: readonly Rail[];
  readonly most: number;
}

export function judgeBalance(judging: Judging): readonly FabricFinding[] {
  if (judging.totals) return [];
  const hosts = busyHosts(judging);
  return hosts.flatMap((host) => {
    const quiet = host.rails.filter((rail) => isQuiet(rail, host) && !isQuietElsewhere(rail, host, hosts));
    return quiet.length === 0 ? [] : [tell(judging, host, quiet)];
  });
}

const isQuiet = ({ rate }: Rail, { most }: Host): boolean => rate < BALANCE_BELOW * most;

/** `mlx5_3` of `hgx01 mlx5_3`: the same place in other hosts. */
const placeOf = ({ port: { device, port, agent } }: Rail): string =>
  `${agent?.device ?? nameOf(device).split(/\s+/).at(-1) ?? ''} ${port}`;

function isQuietElsewhere(rail: Rail, host: Host, hosts: readonly Host[]): boolean {
  const others = hosts.flatMap((other) =>
    other === host ? [] : other.rails.filter((one) => placeOf(one) === placeOf(rail)).map((one) => isQuiet(one, other)),
  );
  return others.length > 0 && others.filter(Boolean).length >= others.length * ROLE_SHARE;
}

function busyHosts(judging: Judging): readonly Host[] {
  const ports = [...judging.model.ports.values()].filter(
    (port) => port.device.host !== null && isActive(port) && isCompute(port),
  );
  return [...Map.groupBy(ports, ({ device }) => device.host ?? '')].flatMap(([name, ofHost]) => {
    const rails = ofHost.flatMap((port) => {
      const rate = historyOf(judging, port)?.traffic.mean(judging.nowMs) ?? null;
      return rate === null ? [] : [{ port, rate }];
    });
    const most = Math.max(0, ...rails.map(({ rate }) => rate));
    const busiest = rails.find(({ rate }) => rate === most)?.port.dataRate ?? Infinity;
    return rails.length < 2 || rails.length < ofHost.length || most < BALANCE_FROM_USE * busiest
      ? []
      : [{ name, rails, most }];
  });
}

function isCompute({ agent }: ModelPort): boolean {
  return agent === null || agent.role === '' || agent.role === 'compute';
}

function tell({ nowMs }: Judging, { name, rails, most }: Host, quiet: readonly Rail[]): FabricFinding {
  const sinceMs = nowMs - TRAFFIC_MS;
  // A job on half of the GPUs uses half of the rails: without the scheduler that cannot be told from wrong settings.
  const mayBeOneJob = quiet.length * 2 >= rails.length;
  const figures = quiet.map(({ port, rate }) => `${nameOf(port.device)} port ${port.port} ${renderRate(rate)}`);
  return {
    id: `rail_imbalance:${name}`,
    kind: 'rail_imbalance',
    severity: mayBeOneJob ? 'info' : 'warning',
    ports: quiet.map(({ port }) => portOf(port)),
    sinceMs,
    text: `${name} uses its ${rails.length} rails unevenly${renderSince(sinceMs, nowMs)}: the busiest carries ${renderRate(most)}, ${figures.join(', ')}${mayBeOneJob ? '; so would a job on some of its GPUs' : ''}`,
  };
}

// All subnets that some agent sweeps: the last sweep of each, its age, its history, what is wrong with it. Two hosts may take
// turns; then the one whose sweep is due is believed.
import type { FabricSweep } from '#agent/contract';
import { diffFabric } from './diff.ts';
import type { FabricFinding } from './finding.ts';
import { judgeFabric } from './findings.ts';
import { FabricHistory } from './history.ts';
import { buildFabricModel, type AgentPort, type FabricModel } from './model.ts';

/** A server follows so many subnets. */
export const MAX_SUBNETS = 32;
/** After so many periods what is known is old. */
export const STALE_PERIODS = 3;
/** Before two sweeps have shown what the period is. */
const FIRST_PERIOD_MS = 10_000;
const LONGEST_PERIOD_MS = 600_000;
/** Clocks of sweepers that are further off are not believed. */
const CLOCK_MS = 60_000;
/** A subnet that nobody has swept for so long is forgotten. */
const FORGOTTEN_MS = 86_400_000;

/** One subnet as it stands. */
export interface Fabric {
  readonly subnet: string;
  readonly sweptBy: string;
  /** When its last sweep ended, by the server's clock. */
  readonly atMs: number;
  readonly sweepMs: number;
  readonly periodMs: number;
  readonly model: FabricModel;
  readonly history: FabricHistory;
  readonly findings: readonly FabricFinding[];
  /** When each finding was first made, by its id. */
  readonly foundMs: ReadonlyMap<string, number>;
  readonly topologyChanges: number;
}

/** Whose sweep it is, and what is known of its clock. */
export interface Sweeper {
  readonly node: string;
  /** The node's clock less the server's. */
  readonly clockOffsetMs: number | undefined;
}

export class FabricWatch {
  readonly #agentPorts: () => readonly AgentPort[];
  readonly #fabrics = new Map<string, Fabric>();
  #generation = 0;

  constructor(agentPorts: () => readonly AgentPort[] = () => []) {
    this.#agentPorts = agentPorts;
  }

  /** Grows with every sweep taken. */
  get generation(): number {
    return this.#generation;
  }
  get fabrics(): readonly Fabric[] {
    return [...this.#fabrics.values()];
  }

  /** Takes a sweep in; false if it is not the one to believe, or one subnet too many. */
  take(sweep: FabricSweep, sweeper: Sweeper, nowMs: number): boolean {
    const known = this.#fabrics.get(sweep.subnet);
    if (!known && !this.#hasRoom(nowMs)) return false;
    const atMs = timeOf(sweep, sweeper, nowMs);
    if (known && !isDue(known, sweeper, atMs)) return false;
    this.#fabrics.set(sweep.subnet, this.#renew(known, sweep, { sweeper, atMs }));
    this.#generation++;
    return true;
  }

  #renew(
    known: Fabric | undefined,
    sweep: FabricSweep,
    { sweeper, atMs }: { readonly sweeper: Sweeper; readonly atMs: number },
  ): Fabric {
    const history = known?.history ?? new FabricHistory();
    history.add(sweep, atMs);
    const model = buildFabricModel(sweep, this.#agentPorts());
    const findings = judgeFabric(model, history, { totals: false });
    const differs = known !== undefined && diffFabric(known.model, model).length > 0;
    return {
      subnet: sweep.subnet,
      sweptBy: sweeper.node,
      atMs,
      sweepMs: Math.max(0, sweep.endedMs - sweep.startedMs),
      periodMs: known ? periodOf(known, atMs) : FIRST_PERIOD_MS,
      model,
      history,
      findings,
      foundMs: new Map(findings.map(({ id }) => [id, known?.foundMs.get(id) ?? atMs])),
      topologyChanges: (known?.topologyChanges ?? 0) + (differs ? 1 : 0),
    };
  }

  #hasRoom(nowMs: number): boolean {
    for (const [subnet, { atMs }] of this.#fabrics) if (nowMs - atMs > FORGOTTEN_MS) this.#fabrics.delete(subnet);
    return this.#fabrics.size < MAX_SUBNETS;
  }
}

export function isStale({ atMs, periodMs }: Fabric, nowMs: number): boolean {
  return nowMs - atMs > STALE_PERIODS * periodMs;
}

/** When the counters were read, by the server's clock: sweeps travel for a while, and sweepers' clocks differ. */
function timeOf({ endedMs }: FabricSweep, { clockOffsetMs }: Sweeper, nowMs: number): number {
  const atMs = endedMs - (clockOffsetMs ?? 0);
  return clockOffsetMs === undefined || Math.abs(nowMs - atMs) > CLOCK_MS ? nowMs : Math.min(nowMs, Math.round(atMs));
}

/** The same sweeper's next one; another one's only when this one's should have come. */
function isDue({ sweptBy, atMs, periodMs }: Fabric, { node }: Sweeper, newMs: number): boolean {
  return newMs > atMs && (sweptBy === node || newMs - atMs >= periodMs / 2);
}

/** Follows a longer period at once and a shorter one by and by: one late sweep is no new period, but old is not called so. */
function periodOf({ atMs, periodMs, history }: Fabric, newMs: number): number {
  const gapMs = Math.min(newMs - atMs, LONGEST_PERIOD_MS);
  if (history.sweeps <= 2 || gapMs > periodMs) return gapMs;
  return periodMs + (gapMs - periodMs) / 4;
}

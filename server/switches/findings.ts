// What somebody should look at in a managed switch: heat, fans, power supplies, silence. Limits: the data sheets of the
// switches, as gathered in the project's knowledge of fabrics.
import type { SwitchReading, SwitchState } from './poller.ts';
import { guidOf } from './watch.ts';

export const HOT_CELSIUS = 80;
export const TOO_HOT_CELSIUS = 90;
/** A switch that is restarted after an update is away for a few minutes. */
export const SILENT_AFTER_MS = 300_000;

export interface SwitchFinding {
  /** Stays the same while the condition lasts. */
  readonly id: string;
  readonly kind: 'temperature' | 'fan' | 'power_supply' | 'silent';
  readonly severity: 'warning' | 'critical';
  /** Configured name. */
  readonly name: string;
  readonly guid: string;
  readonly text: string;
}

export function findingsOf(switches: readonly SwitchState[], nowMs: number): readonly SwitchFinding[] {
  return switches.flatMap((one) => ofSwitch(one, nowMs));
}

type Told = Pick<SwitchFinding, 'kind' | 'severity' | 'text'> & { readonly part: string };

function ofSwitch(one: SwitchState, nowMs: number): readonly SwitchFinding[] {
  const { config, reading, failure } = one;
  const guid = guidOf(one);
  const told = failure ? silence(one, nowMs) : reading ? ofReading(reading, config.name) : [];
  return told.map(({ part, ...rest }) => ({
    ...rest,
    ...{ id: `switch:${guid}:${rest.kind}:${part}`, name: config.name, guid },
  }));
}

/** What was wrong when the switch last answered may no longer be so. */
function silence({ config, failure }: SwitchState, nowMs: number): readonly Told[] {
  if (!failure || nowMs - failure.sinceMs < SILENT_AFTER_MS) return [];
  const minutes = Math.floor((nowMs - failure.sinceMs) / 60_000);
  const text = `switch ${config.name} cannot be read for ${minutes} min: ${failure.why.message}`;
  return [{ kind: 'silent', severity: 'warning', part: '', text }];
}

function ofReading({ temperatures, fans, supplies }: SwitchReading, name: string): readonly Told[] {
  return [...ofHeat(temperatures, name), ...ofFans(fans, name), ...ofSupplies(supplies, name)];
}

/** One finding for the hottest sensor: the others are hot for the same cause. */
function ofHeat(temperatures: SwitchReading['temperatures'], name: string): readonly Told[] {
  const [hottest] = temperatures.toSorted((a, b) => b.celsius - a.celsius);
  if (!hottest || hottest.celsius < HOT_CELSIUS) return [];
  const severity = hottest.celsius >= TOO_HOT_CELSIUS ? 'critical' : 'warning';
  const text = `switch ${name}: ${hottest.sensor} is at ${hottest.celsius} °C`;
  return [{ kind: 'temperature', severity, part: '', text }];
}

function ofFans(fans: SwitchReading['fans'], name: string): readonly Told[] {
  const failed = fans.filter(({ isUp }) => isUp === false).map(({ fan }) => fan);
  if (failed.length === 0) return [];
  return [{ kind: 'fan', severity: 'warning', part: '', text: `switch ${name}: fan ${failed.join(', ')} is not well` }];
}

/** One supply carries the switch alone; without any it lives by what is left of them. */
function ofSupplies(supplies: SwitchReading['supplies'], name: string): readonly Told[] {
  const failed = supplies.filter(({ isUp }) => isUp === false).map(({ supply }) => supply);
  if (failed.length === 0) return [];
  const severity = failed.length >= 2 ? 'critical' : 'warning';
  const text = `switch ${name}: power supply ${failed.join(', ')} is not well`;
  return [{ kind: 'power_supply', severity, part: '', text }];
}

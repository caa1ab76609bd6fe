// What makes a GPU slower than it is: power, heat, locked clocks, the power supply. detection.md §4.5.
import type { Features } from '../features.ts';
import type { Finding } from '../verdict.ts';
import { evidence, figure, WORTH_NAMING, type Rule } from './rule.ts';

const LOADED = 0.3;
const LOW_CLOCK = 0.9;

export const slowedRules: readonly Rule[] = [
  { cause: 'power_brake', needs: ['throttle'], find: findBrake },
  { cause: 'thermal', needs: ['throttle', 'clock'], find: findHeat },
  { cause: 'power_cap', needs: ['throttle', 'clock'], find: findPowerCap },
  { cause: 'clocks_locked', needs: ['clock', 'throttle'], find: findLockedClocks },
];

function findBrake(features: Features): Finding | undefined {
  const { throttleBrake } = features.mean;
  if (!(throttleBrake > 0.05)) return undefined;
  return slowed('power_brake', features, [figure('throttle_brake', throttleBrake)]);
}

function findHeat(features: Features): Finding | undefined {
  const { throttleThermal, throttleThermalHw, temperatureC } = features.mean;
  const driver = throttleThermal >= 0.1;
  const hardware = throttleThermalHw > 0.01;
  const near = temperatureC >= features.facts.slowdownC - 3 && features.clock < LOW_CLOCK;
  if (!driver && !hardware && !near) return undefined;
  return slowed('thermal', features, [
    figure('temperature', temperatureC, { kind: 'limit', value: features.facts.slowdownC }),
    figure('throttle_thermal', throttleThermal),
    figure('throttle_thermal_hw', throttleThermalHw),
  ]);
}

function findPowerCap(features: Features): Finding | undefined {
  const { throttlePower, powerW } = features.mean;
  const { powerLimitW, powerDefaultW } = features.facts;
  if (!(throttlePower >= 0.3 && features.clock < LOW_CLOCK)) return undefined;
  return slowed('power_cap', features, [
    figure('throttle_power', throttlePower),
    figure('power', powerW, { kind: 'limit', value: powerLimitW }),
    figure('power_limit', powerLimitW, { kind: 'ceiling', value: powerDefaultW }),
  ]);
}

function findLockedClocks(features: Features): Finding | undefined {
  const { throttlePower, throttleThermal, throttleThermalHw, throttleBrake } = features.mean;
  const throttled = throttlePower > 0.05 || throttleThermal > 0.05 || throttleThermalHw > 0.01 || throttleBrake > 0.05;
  if (throttled || Number.isNaN(throttlePower) || !(features.clock < 0.85)) return undefined;
  return slowed('clocks_locked', features, []);
}

/** The clock is the loss, as long as kernels run. */
function slowed(cause: Finding['cause'], features: Features, figures: Finding['evidence']): Finding | undefined {
  const { busy, clock, mean, facts } = features;
  const loss = 1 - clock;
  if (!(busy > LOADED) || !(loss >= WORTH_NAMING)) return undefined;
  return {
    cause,
    loss,
    confidence: 'high',
    evidence: evidence(...figures, figure('clock', mean.clockHz, { kind: 'ceiling', value: facts.clockMaxHz })),
  };
}
